import assert from "node:assert/strict";
import { test } from "node:test";
import { boundFor, smallBytes } from "./last-room.ts";

const mib = 1 << 20;

test("the last sixteenth, of large bounds 16 MiB, is for small requests alone", () => {
  assert.equal(boundFor(smallBytes, 64 * mib, 1), 64 * mib);
  assert.equal(boundFor(smallBytes + 1, 64 * mib, 1), 60 * mib);
  assert.equal(boundFor(Infinity, 1024 * mib, 1), 1008 * mib);
});

test("a large request that is alone may take all", () => {
  assert.equal(boundFor(64 * mib, 64 * mib, 0), 64 * mib);
});
