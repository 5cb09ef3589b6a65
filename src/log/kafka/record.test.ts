import assert from "node:assert/strict";
import { test } from "node:test";
import { pack, unpack } from "../../event/packed.ts";
import { Decoder, encodeValue, packedFormat } from "./record.ts";
import type { Decoded, RawRecord } from "./record.ts";

const at = Date.parse("2026-01-13T10:00:00Z");
const day = 86_400_000;
const decoder = new Decoder(day);
const foreign = (value: Buffer | string | null): Decoded =>
  decoder.decode({ value: typeof value === "string" ? Buffer.from(value) : value }, at);
const ours = (value: Buffer | null, format = packedFormat): RawRecord => ({ value, format });

const event = { event_id: "a", event_type: "t", user_id: "u", timestamp: at, payload: '{"x":1}' };

function reasonOf(decoded: Decoded): string {
  assert.ok("reason" in decoded, "expected a reason");
  return decoded.reason;
}

test("what is packed comes back byte for byte, several chunks as one record", () => {
  const [first, second] = [
    pack([event]),
    pack([
      { ...event, event_id: "b" },
      { ...event, event_id: "ä€🦀\u0000" },
    ]),
  ];
  const decoded = decoder.decode(ours(encodeValue([first, second])), at);
  assert.ok("count" in decoded);
  assert.deepEqual(unpack(decoded), [...unpack(first), ...unpack(second)]);
});

test("a foreign record is one event as JSON, by the rules of ingestion", () => {
  const cases: [string, object][] = [
    ['{"event_id":"a","event_type":"t","user_id":"u","timestamp":1768298400000,"payload":{"x":1}}', event],
    // The fast way does not take these: an integer user, no payload, an escape, a key of two meanings.
    ['  {"event_id":"a","event_type":"t","user_id":7,"timestamp":1768298400000}\n', { user_id: "7", payload: "{}" }],
    [
      '{"event_id":"\\u0061","event_type":"t","user_id":"u","timestamp":"2026-01-13T11:00:00+01:00"}',
      { payload: "{}" },
    ],
    [
      '{"event_id":"a","event_type":"t","user_id":"u","timestamp":1768298400000,"payload":{"big":9007199254740993}}',
      { payload: '{"big":9007199254740993}' },
    ],
  ];
  for (const [text, expected] of cases) {
    const decoded = foreign(text);
    assert.ok("count" in decoded, `${text}: ${"reason" in decoded ? decoded.reason : ""}`);
    assert.deepEqual(unpack(decoded), [{ ...event, ...expected }], text);
  }
});

test("what is no event says why, with what is there", () => {
  assert.match(reasonOf(foreign(null)), /has no value/);
  assert.match(reasonOf(foreign("")), /has no value/);
  assert.match(reasonOf(foreign("hello")), /is not JSON/);
  assert.match(reasonOf(foreign('{"event_id":"a"')), /is not JSON/);
  assert.match(reasonOf(foreign("[1]")), /must be an object/);
  assert.match(reasonOf(foreign("{}")), /event_id is required; event_type is required; user_id is required/);
  assert.match(reasonOf(foreign(Buffer.from([0x7b, 0xff, 0x7d]))), /UTF-8/);
  assert.match(reasonOf(foreign(" ".repeat(300_000))), /300000 bytes large/);
  const two = '{"event_id":"a","event_type":"t","user_id":"u","timestamp":1}';
  assert.match(reasonOf(foreign(`${two} ${two}`)), /is not JSON/);
  assert.deepEqual(foreign("hello"), { reason: reasonOf(foreign("hello")), text: "hello" });
  assert.equal((foreign(Buffer.from([0xff])) as { text: string }).text, "base64:/w==");
});

test("how far ahead an event may be goes by its record's time, so that it is judged the same whenever it is read", () => {
  const ahead = (ms: number): string => JSON.stringify({ ...event, timestamp: at + ms, payload: {} });
  assert.ok("count" in foreign(ahead(day)));
  assert.match(reasonOf(foreign(ahead(day + 1))), /too far ahead/);
});

test("a packed record that is damaged is set aside, and one of a later version stops the reader", () => {
  const value = encodeValue([pack([event])]);
  assert.match(reasonOf(decoder.decode(ours(null), at)), /has no events/);
  assert.match(reasonOf(decoder.decode(ours(value.subarray(0, -1)), at)), /cut off|end at byte/);
  assert.match(reasonOf(decoder.decode(ours(Buffer.concat([value, Buffer.from([0])])), at)), /end at byte/);
  for (const wrong of [{ timestamp: Date.UTC(10_000, 0, 1) }, { event_id: "" }]) {
    const decoded = decoder.decode(ours(encodeValue([pack([{ ...event, ...wrong }])])), at);
    assert.match(reasonOf(decoded), /has no id, or a time that no event has/, JSON.stringify(wrong));
  }
  const before1970 = Buffer.from(value);
  before1970.writeBigInt64LE(-1n, 4);
  assert.match(reasonOf(decoder.decode(ours(before1970), at)), /has no id, or a time that no event has/);
  const backwards = Buffer.concat([
    value.subarray(0, 12),
    Buffer.from([0xf0, 0xff, 0xff, 0xff, 0x0f]),
    value.subarray(13),
  ]);
  assert.ok("reason" in decoder.decode(ours(backwards), at), "a length below zero");
  const tooMany = Buffer.from(value);
  tooMany.writeUInt32LE(16_385);
  assert.match(reasonOf(decoder.decode(ours(tooMany), at)), /16385 events/);
  assert.throws(() => decoder.decode(ours(value, Buffer.from("packed-2")), at), {
    code: "log_damaged",
    message: /packed-2/,
  });
});
