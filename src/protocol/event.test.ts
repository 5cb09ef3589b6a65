import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { checkEventText } from "../event/check.ts";
import { parameterCheck } from "./query.ts";
import { EventSchema } from "./event.ts";

const rules = { timestampMax: Date.UTC(2026, 5, 1) };
const schema = parameterCheck(EventSchema);

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

function verdicts(event: unknown): { schema: boolean; check: boolean; onlyBeyond: boolean } {
  const checked = checkEventText(JSON.stringify(event), rules);
  const parsed: unknown = JSON.parse(JSON.stringify(event));
  const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  const bySchema = isObject && schema({ ...(parsed as Record<string, unknown>) }).ok;
  const onlyBeyond =
    !checked.ok && checked.problems.every((problem) => beyondSchema.some((words) => words.test(problem.message)));
  return { schema: bySchema, check: checked.ok, onlyBeyond };
}

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

describe("the schema of an event and its check", () => {
  it("agree on generated events, but for the checks that a schema can't say", () => {
    fc.assert(fc.property(good, agree), { numRuns: 500 });
  });

  it("agree on events with a key left out, added or of another type", () => {
    const names = fc.constantFrom("event_id", "event_type", "user_id", "timestamp", "payload", "extra", "__proto__");
    fc.assert(
      fc.property(good, names, fc.oneof(fc.constant(undefined), fc.jsonValue()), (event, name, value) => {
        const mutant: Record<string, unknown> = { ...event };
        Object.defineProperty(mutant, name, { value, enumerable: true, configurable: true });
        agree(mutant);
      }),
      { numRuns: 500 },
    );
  });

  it("agree on what is no object", () => {
    for (const value of [null, [], 1, "a", true]) agree(value);
  });
});

function agree(event: unknown): void {
  const { schema: bySchema, check, onlyBeyond } = verdicts(event);
  if (check) assert.ok(bySchema, "what the check takes, the schema takes");
  else if (bySchema) assert.ok(onlyBeyond, "what only the check refuses is on the list");
}
