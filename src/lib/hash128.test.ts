import assert from "node:assert/strict";
import { test } from "node:test";
import { hash128 } from "./hash128.ts";

const hex = (text: string): string => {
  const out = new Uint32Array(4);
  const bytes = Buffer.from(`..${text}!`);
  hash128(bytes, 2, bytes.length - 1, 0, out);
  return [...out].map((word) => word.toString(16).padStart(8, "0")).join("");
};

// Expected values from the Python package mmh3 (x86 variant), words in order.
const known = [
  ["", "00000000000000000000000000000000"],
  ["a", "a794933c5556b01b5556b01b5556b01b"],
  ["hello", "2b2444a0db91def79adb31b69adb31b6"],
  ["hello, world", "8b21605cb9b98a1e93273a83eb5957c7"],
  ["The quick brown fox jumps over the lazy dog", "2f1583c3ecee2c675d7bf66ce5e91d2c"],
  ["I will not buy this record, it is scratched.", "a0a9683b25ac5e40d9af2895890dddf5"],
] as const;

for (const [text, expected] of known) {
  test(`hash128 of ${JSON.stringify(text)} is the published one`, () => assert.equal(hex(text), expected));
}
