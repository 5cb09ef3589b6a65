import assert from "node:assert/strict";
import { test } from "node:test";
import { Reader, Writer } from "@platformatic/kafka";
import { parseAnswer } from "./fetch.ts";

const topicId = "12345678-1234-1234-1234-123456789abc";

/** Of one partition, as the protocol has it: `[marks…]` are high watermark, last stable offset, log start offset. */
function answer(
  code: number,
  [high, stable, start]: readonly [bigint, bigint, bigint],
  bytes: Buffer,
  tags = Buffer.from([0]),
): Reader {
  const writer = head(2).appendUUID(topicId).appendUnsignedVarInt(2);
  writer.appendInt32(0).appendInt16(code).appendInt64(high).appendInt64(stable).appendInt64(start);
  writer
    .appendUnsignedVarInt(1)
    .appendInt32(-1)
    .appendUnsignedVarInt(bytes.length + 1);
  return Reader.from(Buffer.concat([writer.buffer, bytes, tags, Buffer.from([0, 0])]));
}

/** Throttle time, error code, session, and so many topics, less one. */
const head = (topics: number, throttleMs = 0): Writer =>
  Writer.create().appendInt32(throttleMs).appendInt16(0).appendInt32(0).appendUnsignedVarInt(topics);

test("an answer says where the partition ends, also beyond what it gives", () => {
  const found = parseAnswer(0, 1, 13, answer(0, [70n, 40n, 3n], Buffer.from("batches")));
  assert.deepEqual(found, { bytes: Buffer.from("batches"), aborted: [], end: 70 });
});

test("an answer says from where on other records are there than were read, among other things that it may say", () => {
  const epoch = (of: number): Buffer => Writer.create().appendInt32(of).appendInt64(44n).appendInt8(0).buffer;
  const leader = Buffer.from([1, 3, 7, 7, 7]);
  for (const [tags, expected] of [
    [[Buffer.from([2, 0, 13]), epoch(5), leader], { replacedFrom: 44 }],
    [[Buffer.from([2, 0, 13]), epoch(-1), leader], {}],
    [[Buffer.from([1]), leader], {}],
  ] as const) {
    const found = parseAnswer(0, 1, 13, answer(0, [70n, 40n, 3n], Buffer.alloc(0), Buffer.concat(tags)));
    assert.deepEqual(found, { bytes: Buffer.alloc(0), aborted: [], end: 70, ...expected });
  }
});

test("an answer without the partition is none: a broker that is asked too much says so at once, without an error", () => {
  assert.deepEqual(parseAnswer(0, 1, 13, Reader.from(head(1, 700).appendTaggedFields().buffer)), { putOffMs: 700 });
});

test("the partition's error is thrown by its name", () => {
  assert.throws(
    () => parseAnswer(0, 1, 13, answer(1, [0n, 0n, 0n], Buffer.alloc(0))),
    (error: Error) => JSON.stringify((error as { errors?: unknown }).errors).includes("OFFSET_OUT_OF_RANGE"),
  );
});
