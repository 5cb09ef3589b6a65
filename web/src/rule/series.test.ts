import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { StatsRow } from "../../../client/src/wire.ts";
import { chartOf, linesKey, sparkOf } from "./series.ts";

const t0 = Date.parse("2026-01-13T10:00:00Z");
const row = (minute: number, value: StatsRow["value"], group?: string | null, final = true): StatsRow => ({
  window_start: new Date(t0 + minute * 60_000).toISOString(),
  window_end: new Date(t0 + (minute + 1) * 60_000).toISOString(),
  value,
  final,
  ...(group !== undefined && { event_type: group }),
});
const count = { metric: "count", group_by: ["event_type"] };

test("rows become a line a group, oldest first; a window without a row of a group counted none", () => {
  const { xs, lines } = chartOf([row(1, 5, "a"), row(1, 7, "b"), row(0, 2, "a")], count);
  assert.deepEqual(xs, [t0 / 1000, t0 / 1000 + 60]);
  assert.deepEqual(lines, [
    { key: '[false,"a"]', label: "a", values: [2, 5] },
    { key: '[false,"b"]', label: "b", values: [0, 7] },
  ]);
});

test("windows in which nothing came are zero for counts, and a gap for means", () => {
  const rows = [row(4, 1, "a"), row(1, 2, "a"), row(0, 3, "a")];
  assert.deepEqual(chartOf(rows, count).lines[0]?.values, [3, 2, 0, 0, 1]);
  assert.deepEqual(chartOf(rows, { ...count, metric: "avg" }).lines[0]?.values, [3, 2, null, null, 1]);
});

test("where rows may be left out, a group without one is a gap and no zero, and so is a window", () => {
  const rows = [row(3, 9, "a"), row(1, 7, "b"), row(0, 2, "a")];
  for (const rule of [
    { ...count, top_n: 1 },
    { ...count, having: "value > 1" },
  ])
    assert.deepEqual(
      chartOf(rows, rule).lines.map(({ values }) => values),
      [
        [2, null, null, 9],
        [null, 7, null, null],
      ],
    );
  assert.deepEqual(sparkOf(rows, { ...count, having: "value > 1" }), [2, 7, 9]);
});

test("what decides the lines is in their key", () => {
  const keys = [
    count,
    { ...count, metric: "sum" },
    { ...count, group_by: [] },
    { ...count, window_type: "cumulative" as const },
    { ...count, hop: "1m" },
    { ...count, top_n: 1 },
    { ...count, having: "value > 1" },
    { ...count, isPart: true },
  ].map(linesKey);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(linesKey({ ...count, decimals: 2 }), keys[0]);
});

test("windows of different lengths, as months are, get none in between", () => {
  const month = (nth: number): StatsRow => ({
    ...row(0, 1),
    window_start: new Date(Date.UTC(2026, nth)).toISOString(),
    window_end: new Date(Date.UTC(2026, nth + 1)).toISOString(),
  });
  // Two that are of equal length are not the only ones.
  for (const rows of [
    [month(2), month(1), month(0)],
    [month(4), month(2), month(0)],
  ])
    assert.equal(chartOf(rows, { metric: "count", group_by: [] }).xs.length, 3);
});

test("windows in which nothing came are drawn as well where no two that have rows are neighbours", () => {
  const rows = [row(4, 1, "a"), row(2, 2, "a"), row(0, 3, "a")];
  assert.deepEqual(chartOf(rows, count).lines[0]?.values, [3, 0, 2, 0, 1]);
  assert.deepEqual(chartOf(rows, { ...count, metric: "avg" }).lines[0]?.values, [3, null, 2, null, 1]);
  assert.deepEqual(sparkOf(rows, count), [3, 0, 2, 0, 1]);
});

test("windows that overlap lie less than their length apart", () => {
  const over = (minute: number, value: number): StatsRow => ({
    ...row(minute, value),
    window_end: row(minute + 9, 0).window_end,
  });
  const hopping = { metric: "count", group_by: [], hop: "1m" };
  assert.deepEqual(chartOf([over(3, 1), over(1, 2), over(0, 3)], hopping).lines[0]?.values, [3, 2, 0, 1]);
});

test("where too many windows are missing, those are drawn that lie as far apart as the nearest two", () => {
  const hours = [15, 1, 0].map((hour) => row(hour * 60, 1));
  assert.equal(chartOf(hours, { metric: "count", group_by: [] }).xs.length, 16);
});

test("the windows that may still change are those from the first that is not final", () => {
  const rows = [row(3, 1, "a", false), row(2, 1, "a", false), row(1, 1, "a"), row(0, 1, "a")];
  assert.equal(chartOf(rows, count).openFrom, 2);
  assert.equal(chartOf(rows.slice(2), count).openFrom, 2);
});

test("the smallest groups have no line when there are too many, and it is said how many", () => {
  const rows = Array.from({ length: 11 }, (_, index) => row(0, index, `g${index}`));
  const { lines, hiddenGroups } = chartOf(rows, count);
  assert.deepEqual(
    lines.map(({ label }) => label),
    ["g10", "g3", "g4", "g5", "g6", "g7", "g8", "g9"],
  );
  assert.equal(hiddenGroups, 3);
});

test("a missing group value and the overflow have names of their own", () => {
  const overflow: StatsRow = { ...row(0, 1, null), overflow: true };
  const labels = chartOf([row(0, 2, null), overflow], count).lines.map(({ label }) => label);
  assert.deepEqual(labels, ["further groups", "no value"]);
});

test("texts have no chart", () => {
  assert.equal(chartOf([row(0, "DE")], { metric: "last", group_by: [] }).isText, true);
  assert.equal(chartOf([], { metric: "last", group_by: [] }).isText, false);
});

test("growing windows are drawn at their ends, as they begin together", () => {
  const grown = (minute: number, value: number): StatsRow => ({
    ...row(minute, value),
    window_start: row(0, 0).window_start,
  });
  const { xs, lines } = chartOf([grown(1, 9), grown(0, 4)], {
    metric: "count",
    group_by: [],
    window_type: "cumulative",
  });
  assert.deepEqual(xs, [t0 / 1000 + 60, t0 / 1000 + 120]);
  assert.deepEqual(lines[0]?.values, [4, 9]);
});

test("a total that grows does not fall to zero in windows without a row, which come behind the last event", () => {
  const grown = (hops: number, value: number): StatsRow => ({
    ...row(hops, value),
    window_start: row(0, 0).window_start,
  });
  const rows = [grown(3, 2), grown(1, 9), grown(0, 4)];
  const growing = { metric: "count", group_by: [], window_type: "cumulative" } as const;
  assert.deepEqual(chartOf(rows, growing).lines[0]?.values, [4, 9, null, 2]);
  assert.deepEqual(sparkOf(rows, growing), [4, 9, 2]);
});

test("a small picture adds up what adds up, and shows the largest of what does not", () => {
  const rows = [row(1, 5, "a"), row(1, 7, "b"), row(0, 2, "a")];
  assert.deepEqual(sparkOf(rows, count), [2, 12]);
  assert.deepEqual(sparkOf(rows, { ...count, metric: "p95" }), [2, 7]);
});

test("a small picture has values below zero, and no zero where a mean has no value", () => {
  const rows = [row(3, -7, "a"), row(1, -5, "b"), row(0, -9, "a")];
  assert.deepEqual(sparkOf(rows, { ...count, metric: "min" }), [-9, -5, -7]);
});

test("groups that look alike have a line each", () => {
  const pair = (a: string | null, b: string, value: number): StatsRow => ({ ...row(0, value), a, b });
  const rows = [pair("x · y", "z", 1), pair("x", "y · z", 2), pair(null, "z", 3), pair("no value", "z", 4)];
  const { lines } = chartOf(rows, { metric: "count", group_by: ["a", "b"] });
  assert.deepEqual(
    lines.map(({ values }) => values[0]).toSorted((a, b) => Number(a) - Number(b)),
    [1, 2, 3, 4],
  );
  assert.equal(new Set(lines.map(({ key }) => key)).size, 4);
});

test("a group of which nothing would be seen is seen", () => {
  const rows = [row(0, 1, ""), row(0, 1, " "), row(0, 1, "\u0000")];
  const labels = chartOf(rows, count).lines.map(({ label }) => label);
  assert.deepEqual(labels.toSorted(), ['" "', '""', String.raw`"\u0000"`]);
});

test("windows are their length apart, whichever have rows; one alone is as wide as it is long", () => {
  assert.equal(chartOf([row(4, 1), row(2, 1), row(0, 1)], { metric: "avg", group_by: [] }).step, 60);
  assert.equal(chartOf([row(0, 1)], { metric: "avg", group_by: [] }).step, 60);
});

/** Draws 5,000 groups in 3,600 windows: a value for each of them in each window would take 140 MiB. */
const drawsMany = `
  const t0 = Date.parse("2026-01-13T10:00:00Z");
  const at = (minute) => new Date(t0 - minute * 60_000).toISOString();
  const rows = Array.from({ length: 10_000 }, (_, index) => {
    const minute = index % 3600;
    return { window_start: at(minute), window_end: at(minute - 1), value: 1, final: true, event_type: "g" + (index % 5003) };
  });
  const rule = { metric: "count", group_by: ["event_type"] };
  import(${JSON.stringify(new URL("series.ts", import.meta.url).href)}).then(({ chartOf, sparkOf }) => {
    const { xs, lines, hiddenGroups } = chartOf(rows, rule);
    const figures = sparkOf(rows, rule);
    const counted = figures.reduce((sum, figure) => sum + figure, 0);
    require("node:worker_threads").parentPort.postMessage([xs.length, lines.length, hiddenGroups, figures.length, counted]);
  });
`;

test("thousands of groups in thousands of windows take the room of their rows", async () => {
  const worker = new Worker(drawsMany, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 64 } });
  const [drawn] = (await once(worker, "message")) as [unknown];
  assert.deepEqual(drawn, [3600, 8, 4995, 3600, 10_000]);
  await worker.terminate();
});
