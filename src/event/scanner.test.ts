import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { checkEventText } from "./check.ts";
import { PackedWriter, pack, unpack } from "./packed.ts";
import { EventScanner } from "./scanner.ts";

const rules = { timestampMax: Date.UTC(2026, 5, 1) };

/** What the fast way makes of a text: packed bytes, or undefined when it leaves it to the thorough way. */
function fast(json: string): Buffer | undefined {
  const input = Buffer.from(json);
  const writer = new PackedWriter(16);
  const scanner = new EventScanner(writer);
  scanner.use(input, rules);
  const end = scanner.scan(0);
  if (end < 0) return void assert.equal(writer.length, 0);
  // Something follows the event: that is for the reader of the body to refuse.
  if (end < input.length) return undefined;
  return Buffer.from(writer.finish().bytes);
}

function thorough(json: string): Buffer | undefined {
  const checked = checkEventText(json, rules);
  return checked.ok ? Buffer.from(pack([checked.event]).bytes) : undefined;
}

const head = '"event_id":"e","event_type":"t","user_id":"u","timestamp":"2026-01-13T10:00:00Z"';
const withPayload = (payload: string): string => `{${head},"payload":${payload}}`;

describe("the fast way of an event", () => {
  const plain = [
    "{}",
    "{ }",
    '{"a":1}',
    '{"a":-1,"b":0,"c":0.5,"d":-0.5,"e":19.90,"f":20.00,"g":0.0,"h":0.000001,"i":123456789012345}',
    '{ "a" : [ 1 , "x" , [ ] , { } , null , true , false ] }',
    '{"text":"quote \\" backslash \\\\ line \\n tab \\t","ü":"日本語 🎉"}',
    '{"__proto__":{"a":1},"constructor":2}',
    `{"${"k".repeat(256)}":"${"v".repeat(1000)}"}`,
  ];
  for (const payload of plain) {
    it(`packs ${payload.slice(0, 60)} as the thorough way does`, () => {
      const json = withPayload(payload);
      assert.ok(fast(json), "the fast way takes it");
      assert.deepEqual(fast(json), thorough(json));
    });
  }

  const odd = [
    '{"a":-0}',
    '{"a":-0.0}',
    '{"a":1e3}',
    '{"a":0.0000001}',
    '{"a":9007199254740993}',
    '{"a":1234567890.1234567}',
    '{"a.b":1}',
    '{"1":1}',
    '{"a":1,"a":2}',
    '{"a":"\\u0041"}',
    '{"a":"\\/"}',
    '{"a":01}',
    '{"a":1x}',
    '{"a":tru}',
    '{"a":1,}',
    `${'{"a":'.repeat(33)}1${"}".repeat(33)}`,
    `{"${"k".repeat(257)}":1}`,
    `{"a":"${"v".repeat(70_000)}"}`,
    `{${Array.from({ length: 33 }, (_, index) => `"k${index}":1`).join()}}`,
  ];
  for (const payload of odd)
    it(`leaves ${payload.slice(0, 60)} to the thorough way`, () => assert.equal(fast(withPayload(payload)), undefined));

  it("takes keys in any order, an integer as user_id and milliseconds as timestamp", () => {
    const json = '{"payload":{"a":1},"user_id":-42,"timestamp":1768298400123,"event_type":"t","event_id":"e"}';
    const bytes = fast(json);
    assert.deepEqual(bytes, thorough(json));
    assert.deepEqual(unpack({ count: 1, bytes: bytes! }), [
      { timestamp: 1768298400123, event_id: "e", event_type: "t", user_id: "-42", payload: '{"a":1}' },
    ]);
  });

  it("never reads past a text that is cut anywhere", () => {
    const json = withPayload('{"a":[1.5,"x\\n",true,{"b":null}]}');
    for (let length = 0; length < json.length; length++) assert.equal(fast(json.slice(0, length)), undefined);
  });
});

const anyText = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("a", "b", "1", "a.b", "", "__proto__", "\u0000", "\u2028"),
);
const anyNumber = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 2 ** 53, 1e15, 1e-6, 1e-7, 123456789.12, 0.1 + 0.2, 1e21, 5e-324),
);
const payloads = fc.dictionary(
  anyText,
  fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      anyText,
      anyNumber,
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(anyText, tie("value"), { maxKeys: 4 }),
    ),
  })).value,
  { maxKeys: 6 },
);
const events = fc.record(
  {
    event_id: anyText,
    event_type: anyText,
    user_id: fc.oneof(anyText, anyNumber),
    timestamp: fc.oneof(
      fc.integer({ min: -1000, max: 2e12 }),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      anyText,
    ),
    payload: payloads,
  },
  { requiredKeys: ["event_id", "event_type", "timestamp"] },
);

describe("both ways of an event", () => {
  it("agree on generated events, whatever their white space", () => {
    fc.assert(
      fc.property(events, fc.constantFrom(undefined, 1, "\t"), (event, indent) => {
        const json = JSON.stringify(event, null, indent);
        const bytes = fast(json);
        if (bytes) assert.deepEqual(bytes, thorough(json));
      }),
      { numRuns: 300 },
    );
  });

  it("agree on texts with one byte changed, left out or doubled", () => {
    const bytes = fc.constantFrom(...'"{}[]:,.\\0123456789-+eEtu \n\u0001xé');
    fc.assert(
      fc.property(events, fc.nat(), fc.constantFrom("change", "drop", "double"), bytes, (event, place, how, byte) => {
        const json = JSON.stringify({ ...event, event_id: "e", event_type: "t", user_id: "u", timestamp: 1 });
        const at = place % json.length;
        const middle = how === "drop" ? "" : how === "double" ? json[at]! + json[at]! : byte;
        // As bytes and back: half a character that is left over must be the same for both ways.
        const mutant = Buffer.from(json.slice(0, at) + middle + json.slice(at + 1)).toString();
        const taken = fast(mutant);
        if (taken) assert.deepEqual(taken, thorough(mutant));
      }),
      { numRuns: 600 },
    );
  });
});
