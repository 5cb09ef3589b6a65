import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyedHash, type Words } from "./keyed-hash.ts";

const hex = (key: Words, bytes: Uint8Array): string => {
  const out = new Uint32Array(4);
  new KeyedHash(key).hash(Uint8Array.of(7, ...bytes, 9), 1, bytes.length + 1, out);
  return [...out].map((word) => word.toString(16).padStart(8, "0")).join("");
};

// The first vectors of Chaskey's authors: of the bytes 0, 1, 2 … under this key.
const key: Words = [0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39];
const known = [
  [0, "792e8fe575ce87aa2d1450b51191970b"],
  [1, "13a9307b50e62c894577bd88c0bbdc18"],
  [3, "1bdbb264a07680d88e5b2ab820660413"],
  [4, "30b2d171e38532fb16707c1673ed45f0"],
  [15, "51b94da4efcc4de8192412eabbc170dd"],
  [16, "79271ca9d66a1c7181ca474e49831cad"],
  [17, "048da9684e25d0962d6cf897bc3959ca"],
] as const;

for (const [length, expected] of known) {
  test(`the hash of ${length} bytes is the published one`, () =>
    assert.equal(
      hex(
        key,
        Uint8Array.from({ length }, (_, at) => at),
      ),
      expected,
    ));
}
