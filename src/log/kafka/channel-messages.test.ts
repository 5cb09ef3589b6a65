import assert from "node:assert/strict";
import { test } from "node:test";
import { createRecordsBatch } from "@platformatic/kafka";
import { messagesIn } from "./channel-messages.ts";

/** As the broker gives it. */
function batch(firstOffset: number, texts: readonly string[], compression: "none" | "zstd" = "none"): Buffer {
  const messages = texts.map((value) => ({ topic: "t", value: Buffer.from(value), timestamp: 0n }));
  const bytes = Buffer.from(createRecordsBatch(messages, { compression }).buffer);
  bytes.writeBigInt64BE(BigInt(firstOffset), 0);
  return bytes;
}

const heard = (bytes: Buffer, from: number) => {
  const { messages, ...rest } = messagesIn(bytes, from);
  return { ...rest, messages: messages.map((message) => Buffer.from(message).toString()) };
};

test("messages are heard from where it was asked on, in their order", () => {
  const bytes = Buffer.concat([batch(4, ["a", "b"]), batch(6, ["c"])]);
  assert.deepEqual(heard(bytes, 5), { messages: ["b", "c"], next: 7, lost: false });
  assert.deepEqual(heard(Buffer.alloc(0), 5), { messages: [], next: 5, lost: false });
});

test("a bomb, and a batch that is damaged, are lost; what lies around them is heard", () => {
  const bomb = batch(1, ["x".repeat(9 << 20)], "zstd");
  const damaged = batch(2, ["damaged"]);
  damaged.writeUInt8(damaged.readUInt8(70) ^ 1, 70);
  const bytes = Buffer.concat([batch(0, ["a"]), bomb, damaged, batch(3, ["b"])]);
  assert.deepEqual(heard(bytes, 0), { messages: ["a", "b"], next: 4, lost: true });
});

test("what is no batch is a failure, and not the end of what is to be heard", () => {
  assert.throws(() => messagesIn(Buffer.alloc(80), 0), /no batch of records/);
});
