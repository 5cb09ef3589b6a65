import assert from "node:assert/strict";
import { test } from "node:test";
import { lonePoints } from "./lone-points.ts";

test("a value between two that are missing is a point of its own, and so is one at an end", () => {
  assert.deepEqual(lonePoints([5, null, 0, null, 1, 2, null, 3]), [0, 2, 7]);
  assert.deepEqual(lonePoints([1, 2, 3]), []);
  assert.deepEqual(lonePoints([]), []);
});
