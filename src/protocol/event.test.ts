import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { TObject } from "typebox";
import { checkEventText } from "../event/check.ts";
import type { CheckedEvent } from "../event/check.ts";
import type { EventRules } from "../event/limits.ts";
import { cloudEventCheck } from "../ingest/cloudevents.ts";
import { parameterCheck } from "./query.ts";
import { EventSchema } from "./event.ts";
import { CloudEventSchema } from "./ingest.ts";

const rules = { timestampMax: Date.UTC(2026, 5, 1) };
const agree = agreement(EventSchema, checkEventText);
const agreeOnCloudEvents = agreement(CloudEventSchema, cloudEventCheck(Date.UTC(2026, 4, 1)));

/** What the contract says and a JSON Schema can't: each names the words by which the check tells of it. */
const beyondSchema = [
  /is before 1970/,
  /is too far ahead/,
  /must be a time as in RFC 3339/,
  /lone surrogate/,
  /levels deep/,
  /keys; a payload may have/,
  /the key has \d+ bytes/,
  /larger than a double/,
  /integer beyond 64 bits/,
  /two values at the dotted path/,
  /bytes large/,
];

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20 }),
  fc.string({ unit: "grapheme", minLength: 0, maxLength: 300, size: "max" }),
  fc.constantFrom("", "🎉".repeat(256), "🎉".repeat(257), "a".repeat(257), "\ud800"),
);
const timestamp = fc.oneof(
  fc.date({ min: new Date(0), max: new Date("2027-01-01"), noInvalidDate: true }).map((date) => date.toISOString()),
  fc.integer({ min: -5, max: 2e12 }),
  fc.double(),
  fc.constantFrom("2026-02-30T00:00:00Z", "2026-01-01T00:00:00+01:00", "yesterday", "", null, true),
);
const deep = Array.from({ length: 33 }).reduce<unknown>((inner) => ({ a: inner }), 1);
const payload = fc.oneof(
  fc.dictionary(fc.string(), fc.jsonValue()),
  fc.constantFrom(null, [], "a", deep, { "a.b": 1, a: { b: 2 } }, { a: "x".repeat(70_000) }),
);
const good = fc.record(
  { event_id: text, event_type: text, user_id: fc.oneof(text, fc.integer(), fc.double()), timestamp, payload },
  { requiredKeys: ["event_id", "event_type", "user_id", "timestamp"] },
);
const cloudAttributes = ["specversion", "id", "type", "subject", "time", "data"] as const;
const goodCloudEvent = fc.record(
  {
    specversion: fc.constant("1.0"),
    id: text,
    source: text,
    type: text,
    subject: fc.oneof(text, fc.integer(), fc.double()),
    time: timestamp,
    data: payload,
  },
  { requiredKeys: ["specversion", "id", "type", "subject"] },
);

describe("the schema of an event and its check", () => {
  it("agree on generated events, but for the checks that a schema can't say", () => {
    fc.assert(fc.property(good, agree), { numRuns: 500 });
  });

  it("agree on events with a key left out, added or of another type", () => {
    const names = fc.constantFrom("event_id", "event_type", "user_id", "timestamp", "payload", "extra", "__proto__");
    fc.assert(
      fc.property(good, names, fc.oneof(fc.constant(undefined), fc.jsonValue()), (event, name, value) =>
        agree(withOther(event, name, value)),
      ),
      { numRuns: 500 },
    );
  });

  it("agree on what is no object", () => {
    for (const value of [null, [], 1, "a", true]) agree(value);
  });
});

describe("the schema of a CloudEvent and its check", () => {
  it("agree on generated events, but for the checks that a schema can't say", () => {
    fc.assert(fc.property(goodCloudEvent, agreeOnCloudEvents), { numRuns: 500 });
  });

  it("agree on events with an attribute left out, added or of another type", () => {
    const names = fc.constantFrom(...cloudAttributes, "source", "data_base64", "extension", "event_id", "__proto__");
    fc.assert(
      fc.property(goodCloudEvent, names, fc.oneof(fc.constant(undefined), fc.jsonValue()), (event, name, value) =>
        agreeOnCloudEvents(withOther(event, name, value)),
      ),
      { numRuns: 500 },
    );
  });

  it("agree on each attribute as null, as a number, and without it", () => {
    const event = { specversion: "1.0", id: "a", source: "/s", type: "t", subject: "u", time: "2026-01-13T10:00:00Z" };
    for (const name of [...cloudAttributes, "source", "data_base64"])
      for (const value of [null, 7, undefined]) agreeOnCloudEvents(withOther(event, name, value));
  });
});

/** The same event with one key of another value, or without it. */
function withOther(event: object, name: string, value: unknown): Record<string, unknown> {
  const mutant: Record<string, unknown> = { ...event };
  Object.defineProperty(mutant, name, { value, enumerable: true, configurable: true });
  return mutant;
}

/** Asserts that a schema and a check of the same give an event the same verdict. */
function agreement(
  schema: TObject,
  check: (json: string, rules: EventRules) => CheckedEvent,
): (event: unknown) => void {
  const taken = parameterCheck(schema);
  return (event) => {
    const json = JSON.stringify(event);
    const parsed: unknown = JSON.parse(json);
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    const bySchema = isObject && taken({ ...(parsed as Record<string, unknown>) }).ok;
    const checked = check(json, rules);
    if (checked.ok) assert.ok(bySchema, `what the check takes, the schema takes: ${json}`);
    else if (bySchema)
      assert.ok(checked.problems.every(isBeyondSchema), `what only the check refuses is on the list: ${json}`);
  };
}

function isBeyondSchema({ message }: { readonly message: string }): boolean {
  return beyondSchema.some((words) => words.test(message));
}
