import assert from "node:assert/strict";
import { test } from "node:test";
import { xRange } from "./x-range.ts";

test("a time axis shows all places, with room for whole bars", () => {
  assert.deepEqual(xRange([60, 120, 180], { beside: 30, least: 0 }), [30, 210]);
  assert.deepEqual(xRange([60, 120], { beside: 0, least: 0 }), [60, 120]);
});

test("one place alone is no years, and no places are no mistake", () => {
  assert.deepEqual(xRange([3600], { beside: 1800, least: 0 }), [1800, 5400]);
  assert.deepEqual(xRange([3600], { beside: 0, least: 0 }), [3599, 3601]);
  assert.deepEqual(xRange([], { beside: 0, least: 0 }), [0, 1]);
});

test("two minutes are two minutes from the first second on", () => {
  assert.deepEqual(xRange([1000, 1001], { beside: 0, least: 120 }), [881, 1001]);
  assert.deepEqual(xRange([800, 1001], { beside: 0, least: 120 }), [800, 1001]);
});
