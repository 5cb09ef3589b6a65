import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { Decoding, decoderOf } from "./decoding.ts";
import { GatheredBody, smallBytesMax } from "./gathered-body.ts";

const bytesMax = 3 * smallBytesMax;

describe("the decoding of bodies", () => {
  const decoding = new Decoding();
  const decoded = (encoded: Buffer, grow = (_bytes: number): void => {}, encoding = "gzip"): Promise<string> => {
    const body = new GatheredBody(bytesMax);
    body.add(encoded);
    const use = (bytes: Buffer): string => `${bytes.length} bytes`;
    return decoding.decoded(body, decoderOf(encoding)!, { bytesMax, grow }, use).catch(({ code }) => String(code));
  };
  const member = (bytes: number): Buffer => gzipSync(Buffer.alloc(bytes, " "));

  it("answers with what is used of them, however many there are at once", async () => {
    const sizes = [10, smallBytesMax, smallBytesMax + 1, bytesMax, 2 * smallBytesMax, 0, 2 * smallBytesMax];
    const answers = await Promise.all(sizes.map((size) => decoded(member(size))));
    assert.deepEqual(
      answers,
      sizes.map((size) => `${size} bytes`),
    );
  });

  const encoders = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync };
  for (const [encoding, encode] of Object.entries(encoders)) {
    it(`takes no part of a body for the whole: ${encoding}`, async () => {
      const text = Buffer.from(Array.from({ length: 5000 }, (_, index) => index * 7919).join(","));
      const whole = encode(text);
      const answers = [whole.length, whole.length / 2, whole.length - 1, 1].map((length) =>
        decoded(whole.subarray(0, length), () => {}, encoding),
      );
      const [first, ...cut] = await Promise.all(answers);
      assert.deepEqual([first, ...cut], [`${text.length} bytes`, ...cut.map(() => "invalid_encoding")]);
    });
  }

  for (const [encoding, encode] of Object.entries(encoders)) {
    it(`takes a body of several members as a whole, and no more of them than may be: ${encoding}`, async () => {
      const texts = ["a".repeat(smallBytesMax), "", "b".repeat(100)].map((text) => encode(text));
      const of = (...parts: readonly Buffer[]): Promise<string> => decoded(Buffer.concat(parts), undefined, encoding);
      assert.equal(await of(...texts), `${smallBytesMax + 100} bytes`);
      assert.equal(await of(...texts, encode(Buffer.alloc(bytesMax))), "body_too_large");
      assert.equal(await of(...texts, Buffer.from("no member")), "invalid_encoding");
      assert.equal(await of(...texts, Buffer.alloc(100)), `${smallBytesMax + 100} bytes`);
      const many = await of(...Array.from({ length: 30 }, () => encode("a")));
      // Node goes on by itself with gzip, in one decoder.
      assert.equal(many, encoding === "gzip" ? "30 bytes" : "invalid_encoding");
    });
  }

  it("keeps no more than one large body at a time", async () => {
    let [bytes, most] = [0, 0];
    const one = async (): Promise<void> => {
      let mine = 0;
      await decoded(member(bytesMax), (more) => {
        mine += more;
        bytes += more;
        most = Math.max(most, bytes);
      });
      bytes -= mine;
    };
    await Promise.all(Array.from({ length: 8 }, one));
    assert.ok(most < bytesMax + 4 * smallBytesMax, `${most} bytes at once`);
  });

  it("leaves its turn to the next, also when the rest is broken, too large, or not to be kept", async () => {
    const large = member(2 * smallBytesMax);
    const broken = Buffer.concat([large.subarray(0, large.length - 9), Buffer.alloc(9, 255)]);
    const kinds = [broken, large.subarray(0, -20), member(bytesMax + 1), large];
    const expected = ["invalid_encoding", "invalid_encoding", "body_too_large", `${2 * smallBytesMax} bytes`];
    const answers = await Promise.all([...kinds, ...kinds, ...kinds].map((body) => decoded(body)));
    assert.deepEqual(answers, [...expected, ...expected, ...expected]);
    const refusal = Object.assign(new Error("no"), { code: "overloaded" });
    const refuse = (): never => {
      throw refusal;
    };
    assert.equal(await decoded(large, refuse), "overloaded");
    assert.equal(await decoded(large), `${2 * smallBytesMax} bytes`);
  });
});
