import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkEventText } from "./check.ts";

const rules = { timestampMax: Date.UTC(2026, 0, 15) };
const head = '"event_id":"e","event_type":"t","user_id":"u","timestamp":"2026-01-13T10:00:00Z"';
const withPayload = (payload: string): string => `{${head},"payload":${payload}}`;
const nested = (levels: number): string => `${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`;
const keys = (count: number): string => `{${Array.from({ length: count }, (_, index) => `"k${index}":0`).join()}}`;

describe("the payload of an accepted event", () => {
  const accepted: [name: string, payload: string, canonical?: string][] = [
    ["nulls, empty things and the order of keys", '{"b":null,"a":{},"c":[]}'],
    ["white space and escapes in another way", '{ "a" : "\\u0041\\/\\u00e9" }', '{"a":"A/é"}'],
    ["a repeated key, the last one", '{"a":1,"a":2}', '{"a":2}'],
    ["keys that JavaScript has a use for", '{"__proto__":{"x":1},"constructor":2,"hasOwnProperty":3}'],
    ["a NUL character", '{"a":"\\u0000","\\u0000":1}'],
    ["a pair of surrogates", '{"a":"\\ud83c\\udf89"}', '{"a":"🎉"}'],
    ["keys with dots that do not meet", '{"a.b":1,"a":{"c":2}}'],
    ["32 levels", nested(32)],
    ["512 keys", keys(512)],
    ["a key of 256 bytes", `{"${"é".repeat(128)}":1}`],
    [
      "integers of 64 bits with their digits",
      '{"a":9223372036854775807,"b":-9223372036854775808,"c":[9007199254740993]}',
    ],
    [
      "large doubles with an exponent",
      '{"a":1e20,"b":123456789012345678901.5,"c":-9007199254740993.0}',
      '{"a":1e+20,"b":1.2345678901234568e+20,"c":-9.007199254740992e+15}',
    ],
    ["texts that look like marks", '{"a":9007199254740993,"b":"\\\\ud8001","c":"\\"\\\\ud8002\\""}'],
  ];
  for (const [name, payload, canonical] of accepted) {
    it(`keeps ${name}`, () => {
      const checked = checkEventText(withPayload(payload), rules);
      assert.ok(checked.ok, JSON.stringify(checked));
      assert.equal(checked.event.payload, canonical ?? payload);
    });
  }

  const refused: [name: string, payload: string, path: string, message: RegExp][] = [
    ["33 levels", nested(33), `payload${".a".repeat(32)}`, /33 levels deep/],
    ["10,000 levels", nested(10_000), `payload${".a".repeat(32)}`, /33 levels deep/],
    ["513 keys", keys(513), "payload", /513 keys/],
    ["a key of 257 bytes", `{"${"k".repeat(257)}":1}`, `payload["${"k".repeat(100)}…"]`, /257 bytes/],
    ["half a pair of surrogates", '{"a":["x","\\ud83c"]}', "payload.a[1]", /lone surrogate/],
    ["half a pair in a key", '{"\\udf89":1}', 'payload["\\udf89"]', /lone surrogate/],
    ["a number that is no double", '{"a":-1e400}', "payload.a", /larger than a double/],
    ["an integer beyond 64 bits", '{"a":9223372036854775808}', "payload.a", /beyond 64 bits/],
    ["a very long integer", `{"a":1${"0".repeat(300)}}`, "payload.a", /beyond 64 bits/],
    [
      "one in a list",
      '{"a":"\\ud801\\udc00","l":[1,{"b c":-9223372036854775809}]}',
      'payload.l[1]["b c"]',
      /beyond 64 bits/,
    ],
    ["two values at one dotted path", '{"x":{"a":{"b":1},"a.b":2}}', "payload", /dotted path x\.a\.b$/],
    ["two at one path with a dot further out", '{"x.a":{"b":1},"x":{"a":{"b":2}}}', "payload", /dotted path x\.a\.b$/],
    ["two at one path of empty keys", '{"":{"":1},".":2}', "payload", /dotted path \.$/],
    ["two at one path in a list", '{"l.m":[{"a":{"b":1},"a.b":2}]}', 'payload["l.m"][0]', /dotted path a\.b$/],
    ["more than 64 KiB", `{"a":"${"x".repeat(65_536)}"}`, "", /65547 bytes large/],
    ["null", "null", "payload", /must be an object/],
    ["an array", "[]", "payload", /must be an object/],
  ];
  for (const [name, payload, path, message] of refused) {
    it(`may not be or have ${name}`, () => {
      const checked = checkEventText(withPayload(payload), rules);
      assert.ok(!checked.ok);
      assert.equal(checked.problems[0]?.path, path);
      assert.match(checked.problems[0]?.message ?? "", message);
    });
  }
});

describe("an event", () => {
  it("may leave the payload out, and have an integer as user_id", () => {
    const checked = checkEventText('{"event_id":"e","event_type":"t","user_id":-7,"timestamp":1768298400000}', rules);
    assert.deepEqual(checked, {
      ok: true,
      event: { event_id: "e", event_type: "t", user_id: "-7", timestamp: 1768298400000, payload: "{}" },
    });
  });

  it("is told all its mistakes at once", () => {
    const checked = checkEventText(
      '{"event_id":"","event_typ":"t","user_id":1.5,"timestamp":"2026-02-01T00:00:00Z","payload":[]}',
      rules,
    );
    assert.ok(!checked.ok);
    assert.deepEqual(checked.problems, [
      { path: "event_typ", message: "is not a key of an event; did you mean event_type?" },
      { path: "event_id", message: "must not be empty", value: "" },
      { path: "event_type", message: "is required" },
      { path: "user_id", message: "must be a text or an integer within ±(2^53-1)", value: 1.5 },
      {
        path: "timestamp",
        message: "is too far ahead; the latest that is taken now is 2026-01-15T00:00:00Z",
        value: "2026-02-01T00:00:00Z",
      },
      { path: "payload", message: "must be an object", value: "[…]" },
    ]);
  });

  it("counts characters, not bytes or code units", () => {
    const event = (id: string): string => `{"event_id":"${id}","event_type":"t","user_id":"u","timestamp":1}`;
    assert.equal(checkEventText(event("🎉".repeat(256)), rules).ok, true);
    assert.equal(checkEventText(event("🎉".repeat(257)), rules).ok, false);
  });
});

it("an object in place of a text is refused, whatever it calls its keys", () => {
  for (const key of ["event_id", "user_id", "event_type", "timestamp"]) {
    const event = { event_id: "e", user_id: "u", event_type: "t", timestamp: 1, [key]: { toString: 0, valueOf: 0 } };
    const checked = checkEventText(JSON.stringify(event), { timestampMax: 10 });
    assert.ok(!checked.ok);
    assert.equal(checked.problems[0]?.path, key);
  }
});
