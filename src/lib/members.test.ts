import assert from "node:assert/strict";
import { test } from "node:test";
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { decodeMembers } from "./members.ts";

/** What zstd's own tools skip; parallel ones begin with such a frame. */
const skipped = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0]), Buffer.from("abc")]);
const texts = ["a".repeat(20_000), "", Array.from({ length: 2000 }, (_, at) => at * 7919).join(" "), "z"];
const codecs = [
  ["gzip", gzipSync, createGunzip, Buffer.alloc(0)],
  ["brotli", brotliCompressSync, createBrotliDecompress, Buffer.alloc(0)],
  ["zstd", zstdCompressSync, createZstdDecompress, skipped],
] as const;

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function textOf(pieces: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

for (const [name, encode, make, before] of codecs) {
  test(`all members are decoded, however they are cut into pieces: ${name}`, async () => {
    const bytes = Buffer.concat([before, ...texts.map((text) => encode(text)), before]);
    for (const size of [2, 7, 1000, 65_536, bytes.length])
      assert.equal(await textOf(decodeMembers(make, cut(bytes, size))), texts.join(""), `in pieces of ${size}`);
  });

  test(`what stands behind a member is one, or padding, or wrong: ${name}`, async () => {
    const whole = encode("a text");
    for (const size of [1, 4, whole.length, 1000]) {
      const wrong = Buffer.concat([whole, Buffer.from("no member at all")]);
      await assert.rejects(textOf(decodeMembers(make, cut(wrong, size))), `in pieces of ${size}`);
    }
    const padded = Buffer.concat([whole, Buffer.alloc(2000)]);
    assert.equal(await textOf(decodeMembers(make, cut(padded, 300))), "a text");
  });
}

test("who has read enough ends the source, and a source that fails is told", async () => {
  let ended = false;
  const source = (async function* () {
    try {
      for (;;) yield zstdCompressSync(Buffer.alloc(100_000));
    } finally {
      ended = true;
    }
  })();
  for await (const piece of decodeMembers(createZstdDecompress, source)) if (piece.length > 0) break;
  assert.equal(ended, true);
  const failing = (async function* () {
    yield zstdCompressSync("a");
    throw new Error("it can't be read");
  })();
  await assert.rejects(textOf(decodeMembers(createZstdDecompress, failing)), /it can't be read/);
});
