import assert from "node:assert/strict";
import { test } from "node:test";
import { boundFor, smallBytes } from "./last-room.ts";

const mib = 1 << 20;

test("the last sixteenth, of large bounds 16 MiB, is for small requests alone", () => {
  assert.equal(boundFor(smallBytes, 64 * mib, 50 * mib), 64 * mib);
  assert.equal(boundFor(smallBytes + 1, 64 * mib, 50 * mib), 60 * mib);
  assert.equal(boundFor(Infinity, 1024 * mib, 50 * mib), 1008 * mib);
});

test("a large request may take all while the others have little", () => {
  assert.equal(boundFor(63 * mib, 64 * mib, mib), 64 * mib);
});
