import assert from "node:assert/strict";
import { test } from "node:test";
import { progressLine, timeText } from "./progress.ts";
import { Settled } from "./settled.ts";

test("a line of progress says what is left, where that can be known", () => {
  const standing = { what: "orders.csv", done: 1_234_567, refused: 0, share: 0.43 };
  assert.equal(progressLine(standing, 85_000, 60_000), "orders.csv  43 %  1,234,567 events  85,000/s  1 min 20 s left");
  const unknown = { ...standing, share: null, refused: 2 };
  assert.equal(progressLine(unknown, 85_000.4, 60_000), "orders.csv  1,234,567 events  2 refused  85,000/s");
  assert.equal(progressLine({ ...standing, share: 0.01 }, 1, 500).includes("left"), false, "too early to tell");
});

test("times are as long as people want to know them", () => {
  assert.deepEqual([1, 59_001, 61_000, 3_600_000, 7_500_000].map(timeText), [
    "1 s",
    "1 min",
    "1 min 1 s",
    "1 h",
    "2 h 5 min",
  ]);
});

test("rows are settled up to the first that is not, whatever the order", () => {
  const settled = new Settled(10);
  const rows = Array.from({ length: 5000 }, () => settled.begin());
  for (const settle of rows.slice(1)) settle();
  assert.equal(settled.count, 10);
  rows[0]!();
  assert.equal(settled.count, 5010);
  settled.begin();
  assert.equal(settled.count, 5010);
});
