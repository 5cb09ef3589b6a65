import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { unpack } from "../event/packed.ts";
import { offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { readEvents } from "./read.ts";
import type { Form } from "./read.ts";
import { rangesOf, tokenOf } from "./token.ts";
import { StatusQuery } from "../protocol/ingest.ts";
import { parameterCheck } from "../protocol/query.ts";

const rules = { eventsMax: 100, now: 1_768_298_400_000, timestampMax: 1_768_384_800_000 };
const event = {
  event_id: "e",
  event_type: "t",
  user_id: "u",
  timestamp: "2026-01-13T10:00:00Z",
  payload: { price: 9.5, deep: { list: [1, "ü", null] } },
};
const envelope = {
  specversion: "1.0",
  id: "e",
  source: "/s",
  type: "t",
  subject: "u",
  data: { price: 9007199254740993 },
};
const attributes = { specversion: "1.0", id: "e", type: "t", subject: "u" };
const bodies: readonly (readonly [name: string, form: Form, body: string])[] = [
  ["json", "json", JSON.stringify([event, event])],
  ["ndjson", "ndjson", `${JSON.stringify(event)}\n${JSON.stringify(event)}\n`],
  ["a cloudevent", "cloudevent", JSON.stringify(envelope)],
  ["cloudevents", "cloudevents", JSON.stringify([envelope, { ...envelope, time: "2026-01-13T10:00:00Z" }])],
  ["a cloudevent's data", { dataOf: attributes }, JSON.stringify(event.payload)],
];
const read = (text: string | Buffer, form: Form) => readEvents(Buffer.from(text), form, rules);

describe("a CloudEvent", () => {
  const problemsOf = (value: unknown) => read(JSON.stringify(value), "cloudevent").refused[0]?.problems ?? [];

  it("becomes an event; without a time it happened now; other attributes are left out", () => {
    const [stored] = unpack(
      read(JSON.stringify({ ...envelope, extension: 1, datacontenttype: "application/json" }), "cloudevent").accepted,
    );
    assert.deepEqual(stored, {
      event_id: "e",
      event_type: "t",
      user_id: "u",
      timestamp: rules.now,
      payload: '{"price":9007199254740992}',
    });
  });

  it("is told its mistakes by the names of its attributes", () => {
    const problems = problemsOf({
      specversion: "0.3",
      id: "",
      type: 1,
      data: { a: { "b c": "\ud800" } },
      data_base64: "",
    });
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["specversion", "data_base64", "id", "type", "subject", 'data.a["b c"]'],
    );
  });
});

describe("a CloudEvent in binary mode", () => {
  const form = { dataOf: attributes };

  it("becomes the same event as one whole", () => {
    const accepted = (data: string, dataOf = {}) =>
      unpack(read(data, { dataOf: { ...attributes, ...dataOf } }).accepted)[0];
    const whole = unpack(read(JSON.stringify(envelope), "cloudevent").accepted)[0];
    assert.deepEqual(accepted(` ${JSON.stringify(envelope.data)}\n`), whole);
    assert.equal(accepted("{}", { time: "2026-01-13T11:00:00+01:00" })?.timestamp, rules.now);
    assert.equal(accepted('{"a":9007199254740993}')?.payload, '{"a":9007199254740993}');
  });

  it("may come without data", () => {
    for (const data of ["", " \n", "null"]) assert.equal(unpack(read(data, form).accepted)[0]?.payload, "{}");
  });

  it("is told its mistakes by the names of its attributes", () => {
    const { refused } = read("[1]", { dataOf: { specversion: "1.1", id: "", time: "noon" } });
    assert.deepEqual(
      refused[0]?.problems.map(({ path }) => path),
      ["specversion", "id", "type", "subject", "time", "data"],
    );
  });

  it("has one datum", () => {
    for (const data of ["{} {}", "{", "{},"]) assert.throws(() => read(data, form), { code: "invalid_json" });
  });
});

describe("what is not JSON", () => {
  const told = (text: string, form: Form) => {
    try {
      return read(text, form).refused[0]?.problems[0]?.message;
    } catch (error) {
      return error instanceof WeirError ? error.message : undefined;
    }
  };

  it("is named by its byte in the body, or by the event that it is in", () => {
    const ü = JSON.stringify({ ...event, event_id: "üü" });
    assert.match(
      told(`[${ü}, {"a" 1}]`, "json") ?? "",
      new RegExp(`at byte ${Buffer.byteLength(ü) + 8}: Expected ':'`),
    );
    assert.match(told('[ {"ü" 1}]', "json") ?? "", /at byte 8: Expected ':' after property name$/);
    assert.match(
      told('[{"a":NaN}]', "json") ?? "",
      /at byte 1: the event that begins here has a mistake: Unexpected .*N/,
    );
  });

  it("is named by its character in the line of NDJSON", () => {
    assert.match(
      told('{"a" 1}', "ndjson") ?? "",
      /^is not JSON: Expected ':' after property name, at its character 6$/,
    );
    assert.match(told("{} {}", "ndjson") ?? "", /^is not JSON: .*character behind its end, at its character 4$/);
  });

  it("is told when it is events a line, or a comma too many", () => {
    const good = JSON.stringify(event);
    const lines = told(`${good}\n${good}`, "json") ?? "";
    assert.match(lines, /at byte \d+: another event follows the end; an event a line is application\/x-ndjson$/);
    assert.match(told(`[${good}, ]`, "json") ?? "", /at byte \d+: an event must follow the comma before$/);
  });

  it("is told what another content type would take", () => {
    assert.match(told("[]", "cloudevent") ?? "", /cloudevents-batch/);
    assert.match(told("{}", "cloudevents") ?? "", /application\/cloudevents\+json/);
  });
});

describe("a body", () => {
  it("of NDJSON has an event a line, blank lines and line ends of both kinds", () => {
    const line = JSON.stringify(event);
    const result = read(`\n\r\n${line}\r\n  \n{"event_id":\n${line} ${line}\n\t${line}`, "ndjson");
    assert.equal(result.accepted.count, 2);
    assert.deepEqual(
      result.refused.map(({ index, line: number }) => [index, number]),
      [
        [1, 5],
        [2, 6],
      ],
    );
  });

  it("of NDJSON is read line by line, whatever is behind a line that is not closed", () => {
    const lines = 2000;
    for (const line of ["{", '{"payload":{}']) {
      const body = Buffer.concat([Buffer.from(`${line}\n`.repeat(lines)), Buffer.alloc(8 << 20, " ")]);
      body.write('1}]"', body.length - 4);
      const { accepted, refusedCount } = readEvents(body, "ndjson", { ...rules, eventsMax: lines + 1 });
      assert.deepEqual([accepted.count, refusedCount], [0, lines + 1], line);
    }
    const blank = Buffer.concat([Buffer.alloc(1 << 18, "\n"), Buffer.from("{")]);
    assert.equal(readEvents(blank, "ndjson", rules).refused[0]?.line, (1 << 18) + 1);
    const within = Buffer.concat([Buffer.from("{"), Buffer.alloc(1 << 18, "\n"), Buffer.from("}")]);
    assert.equal(readEvents(within, "ndjson", rules).refusedCount, 2);
  });

  it("of many keys within many keys with dots is walked through once", () => {
    const keys = Object.fromEntries(Array.from({ length: 480 }, (_, index) => [`k${index}`, 1]));
    let payload: object = keys;
    for (let depth = 1; depth < 32; depth++) payload = { [`${"x".repeat(200)}.y`]: payload };
    const body = JSON.stringify(Array.from({ length: 100 }, () => ({ ...event, payload })));
    assert.equal(read(body, "json").accepted.count, 100);
  });

  it("may hold good events beside bad ones, in order", () => {
    const ids = ["a", "", "b"].map((event_id) => ({ ...event, event_id }));
    const result = read(JSON.stringify(ids), "json");
    assert.deepEqual(
      unpack(result.accepted).map(({ event_id }) => event_id),
      ["a", "b"],
    );
    assert.deepEqual(
      result.refused.map(({ index }) => index),
      [1],
    );
  });

  const codes = ["invalid_json", "empty_batch", "too_many_events"];
  for (const [name, form, text] of bodies) {
    it(`of ${name} with changed bytes is read or refused, and what is read is whole`, () => {
      const bytes = Buffer.from(text);
      const change = fc.record({
        at: fc.nat({ max: bytes.length - 1 }),
        drop: fc.nat({ max: 3 }),
        add: fc.oneof(
          fc.uint8Array({ maxLength: 3 }),
          fc.constantFrom(...'"{}[],:\\\n '.split("")).map((text) => Buffer.from(text)),
        ),
      });
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
          const mutant = changes.reduce<Buffer>(
            (body, { at, drop, add }) => Buffer.concat([body.subarray(0, at), add, body.subarray(at + drop)]),
            bytes,
          );
          const accepted = attempt(mutant, form);
          for (const one of accepted) assert.equal(typeof JSON.parse(one.payload), "object");
        }),
        { numRuns: 500 },
      );
    });
  }

  function attempt(body: Buffer, form: Form) {
    try {
      return unpack(readEvents(body, form, rules).accepted);
    } catch (error) {
      assert.ok(error instanceof WeirError && codes.includes(error.code), String(error));
      return [];
    }
  }
});

describe("a token", () => {
  it("names ranges and comes back as them", () => {
    const ranges = [
      { src: src(0), from: offset(0), to: offset(9) },
      { src: src(65_535), from: offset(2 ** 52), to: offset(2 ** 52) },
    ];
    assert.deepEqual(rangesOf(tokenOf(ranges)), ranges);
    assert.deepEqual(rangesOf(tokenOf([])), []);
  });

  it("of events in a thousand partitions can be asked for", () => {
    const ranges = Array.from({ length: 1000 }, (_, n) => {
      const from = 1_000_000 * 16_384 + n;
      return { src: src(n), from: offset(from), to: offset(from + 9) };
    });
    const token = tokenOf(ranges);
    assert.deepEqual(parameterCheck(StatusQuery)({ token }), { ok: true, value: { token } });
    assert.deepEqual(rangesOf(token), ranges);
  });

  it("that is damaged or made up is refused", () => {
    const token = tokenOf([{ src: src(0), from: offset(10), to: offset(99) }]);
    const made = [
      `${token}a`,
      token.slice(1),
      token.slice(0, -2),
      "",
      "a.b",
      // As they were before they were packed.
      Buffer.from("0:0-2.137pvv").toString("base64url"),
      "%%%",
    ];
    for (const wrong of made) assert.throws(() => rangesOf(wrong), { code: "invalid_token" }, wrong);
  });
});
