import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuleWindow } from "../../rule/rule.ts";
import { Finals, endedBetween, nextEnd } from "./finals.ts";

const seconds = (count: number) => ({ unit: "second", count }) as const;
const s = 1000;
const shown = (window: RuleWindow, after: number, through: number, max = 100) =>
  endedBetween(window, after * s, through * s, max).map(({ start, end }) => [start / s, end / s]);

test("windows that have ended, oldest first", () => {
  const tumbling: RuleWindow = { kind: "tumbling", size: seconds(10), pane: seconds(10) };
  assert.deepEqual(shown(tumbling, 10, 30), [
    [10, 20],
    [20, 30],
  ]);
  assert.deepEqual(shown(tumbling, 10, 19), []);
  assert.deepEqual(shown(tumbling, 0, 100, 2), [
    [80, 90],
    [90, 100],
  ]);
  const hopping: RuleWindow = { kind: "hopping", size: seconds(20), hop: seconds(10), pane: seconds(10) };
  assert.deepEqual(shown(hopping, 0, 40), [
    [0, 20],
    [10, 30],
    [20, 40],
  ]);
  const cumulative: RuleWindow = { kind: "cumulative", size: seconds(20), hop: seconds(10), pane: seconds(10) };
  assert.deepEqual(shown(cumulative, 10, 50), [
    [0, 20],
    [20, 30],
    [20, 40],
    [40, 50],
  ]);
});

test("windows of the calendar end with its days, also of 25 hours", () => {
  const day = { unit: "day", timezone: "America/New_York" } as const;
  const days: RuleWindow = { kind: "tumbling", size: day, pane: day };
  const [from, to] = [Date.UTC(2026, 10, 1, 4), Date.UTC(2026, 10, 2, 5)];
  assert.deepEqual(endedBetween(days, from, to, 9), [{ start: from, end: to }]);
  assert.equal(nextEnd(days, from), to);
});

test("who comes back is told again of what closed since, as far as that is remembered", () => {
  const finals = new Finals(2);
  const window = (start: number) => ({ start, end: start + 1 });
  finals.add([window(1)], 5);
  finals.add([window(2)], 7);
  assert.deepEqual([finals.toldBy(5), finals.toldBy(6), finals.toldBy(7), finals.toldBy(8)], [0, 1, 1, 2]);
  finals.add([window(3)], 8);
  assert.deepEqual([finals.count, finals.lost, finals.toldBy(5), finals.toldBy(6)], [3, 1, undefined, 1]);
  assert.deepEqual(
    finals.behind(2).map(({ start }) => start),
    [3],
  );
});
