import assert from "node:assert/strict";
import { test } from "node:test";
import { yRange } from "./y-range.ts";

test("an axis reaches from zero to the values, on whichever side these are, however small", () => {
  assert.deepEqual(yRange(2, 100), [0, 108]);
  assert.deepEqual(yRange(-0.5, -0.25), [-0.54, 0]);
  assert.deepEqual(yRange(-100, 100), [-108, 108]);
  assert.deepEqual(yRange(-100, 0), [-108, 0]);
  assert.deepEqual(yRange(0, 0), [0, 1]);
});
