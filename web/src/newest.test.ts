import assert from "node:assert/strict";
import { test } from "node:test";
import { newestOf } from "./newest.ts";

const row = (hour: number, value: number) => ({
  window_start: `2026-01-14T1${hour}:00:00Z`,
  window_end: `2026-01-14T1${hour + 1}:00:00Z`,
  final: true,
  value,
});
const at = (hour: number): number => Date.parse(`2026-01-14T1${hour}:00:00Z`);

test("the newest windows are whole, and a list that has no more of them stays the same", () => {
  const rows = [row(3, 1), row(3, 2), row(2, 3), row(2, 4), row(1, 5)];
  assert.deepEqual(newestOf(rows, 2, at(4)), { rows: rows.slice(0, 4), windows: 3 });
  assert.equal(newestOf(rows, 3, at(4)).rows, rows);
  assert.deepEqual(newestOf([], 3, at(4)), { rows: [], windows: 0 });
});

test("windows of times to come take no place of those that have begun", () => {
  const rows = [row(5, 1), row(4, 2), row(4, 3), row(3, 4), row(2, 5), row(1, 6)];
  assert.deepEqual(newestOf(rows, 2, at(3)), { rows: rows.slice(0, 5), windows: 5 });
  assert.deepEqual(newestOf(rows, 2, at(3) - 1), { rows, windows: 5 });
  assert.equal(newestOf(rows, 1, at(0)).rows, rows);
});
