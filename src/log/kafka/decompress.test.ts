import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { decompress, TooLarge } from "./decompress.ts";

const frame = (text: string): Buffer => zstdCompressSync(text);

test("a batch of several frames of zstd is decompressed whole, or not at all", () => {
  const frames = [frame("a".repeat(5000)), frame(""), frame("b")];
  const text = `${"a".repeat(5000)}b`;
  assert.equal(decompress("zstd", Buffer.concat(frames), 5001).toString(), text);
  assert.throws(() => decompress("zstd", Buffer.concat(frames), 5000), TooLarge);
  assert.throws(() => decompress("zstd", Buffer.concat([...frames, frame("c").subarray(0, -1)]), 9000));
  assert.throws(() => decompress("zstd", Buffer.concat([...frames, Buffer.from("no frame at all")]), 9000));
  const many = Array.from({ length: 30 }, () => frame("x"));
  assert.throws(() => decompress("zstd", Buffer.concat(many), 9000), /more than 16 frames/);
});
