import assert from "node:assert/strict";
import { test } from "node:test";
import type { StatsRow } from "../../../client/src/wire.ts";
import { chartOf } from "../rule/series.ts";
import { shownRows } from "./shown-rows.ts";

const rule = { rule_id: "r", metric: "count", window_size: "1m", group_by: ["user_id"] };
const time = (minute: number): string => new Date(Date.UTC(2026, 0, 13, 10, minute)).toISOString();
const row = (minute: number, user_id: string, value = 1): StatsRow => ({
  ...{ window_start: time(minute), window_end: time(minute + 1), final: false, value, user_id },
});
const cut = [row(2, "a", 5), row(2, "b", 3), row(1, "a", 4), row(1, "b", 2), row(0, "a", 7)];

test("the window in which an answer is cut short is not shown, as groups that it lacks would be drawn as zero", () => {
  const shown = shownRows({ data: cut, more: true, rule });
  assert.deepEqual(shown, { rows: cut.slice(0, 4), isPart: false });
  assert.deepEqual(
    chartOf(shown.rows, rule).lines.map(({ values }) => values),
    [
      [4, 5],
      [2, 3],
    ],
  );
});

test("an answer with all rows is shown whole", () => {
  assert.deepEqual(shownRows({ data: cut, more: false, rule }), { rows: cut, isPart: false });
  assert.deepEqual(shownRows({ data: [], more: false, rule }), { rows: [], isPart: false });
});

test("of a rule without groups no window is cut", () => {
  const data = [row(1, "a"), row(0, "a")];
  const { group_by: _, ...without } = rule;
  for (const one of [without, { ...rule, group_by: [] }])
    assert.deepEqual(shownRows({ data, more: true, rule: one }), { rows: data, isPart: false });
});

test("growing windows begin together and are cut one by one", () => {
  const grown = (minute: number, user: string): StatsRow => ({ ...row(minute, user), window_start: time(0) });
  const data = [grown(2, "a"), grown(2, "b"), grown(1, "a")];
  assert.deepEqual(shownRows({ data, more: true, rule }).rows, data.slice(0, 2));
});

test("of a window alone that is cut nobody knows the largest groups, nor how many there are further", () => {
  const data = Array.from({ length: 100 }, (_, index) => row(0, `u${index}`, index));
  const { rows, isPart } = shownRows({ data, more: true, rule });
  assert.deepEqual([rows.length, isPart], [100, true]);
  const { lines, hiddenGroups } = chartOf(rows, { ...rule, isPart });
  assert.deepEqual([lines.length, hiddenGroups], [8, 0]);
});
