import assert from "node:assert/strict";
import { test } from "node:test";
import { newestOf } from "./newest.ts";

test("the newest windows are whole, and a list that has no more of them stays the same", () => {
  const row = (hour: number, value: number) => ({
    window_start: `2026-01-14T1${hour}:00:00Z`,
    window_end: `2026-01-14T1${hour + 1}:00:00Z`,
    final: true,
    value,
  });
  const rows = [row(3, 1), row(3, 2), row(2, 3), row(2, 4), row(1, 5)];
  assert.deepEqual(newestOf(rows, 2), { rows: rows.slice(0, 4), windows: 3 });
  assert.equal(newestOf(rows, 3).rows, rows);
  assert.deepEqual(newestOf([], 3), { rows: [], windows: 0 });
});
