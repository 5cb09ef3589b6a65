import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldWindows } from "./held.ts";

const windowStart = Date.UTC(2026, 0, 17, 19, 30);
const row = (group: (string | null)[], value: number) => ({
  windowStart,
  windowEnd: windowStart + 60_000,
  group,
  value,
});

test("the overflow is a row beside the group of nulls, with the value where it always is", () => {
  const held = new HeldWindows(2);
  held.apply([[windowStart, [row([null, null], 1), row([], 40)]]]);
  const texts = ['["2026-01-17T19:30:00Z",null,null,1]', '["2026-01-17T19:30:00Z",null,null,40,"overflow"]'];
  assert.deepEqual(held.rowsOf(held.withNewest([], Infinity)), texts);
  held.apply([[windowStart, [row([null, null], 1), row([], 41)]]]);
  assert.deepEqual(held.since(1), ['["2026-01-17T19:30:00Z",null,null,41,"overflow"]']);
});

test("a rule without group keys has no overflow", () => {
  const held = new HeldWindows(0);
  held.apply([[windowStart, [row([], 40)]]]);
  assert.deepEqual(held.rowsOf(held.withNewest([], Infinity)), ['["2026-01-17T19:30:00Z",40]']);
});
