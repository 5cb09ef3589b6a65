/** Whether rows are what the oracle says, as nearly as each metric promises. */
import assert from "node:assert/strict";
import type { FrequentValue } from "../../src/rollup/finish.ts";
import type { OracleRow } from "./model.ts";

export function assertRows(actual: readonly OracleRow[], expected: readonly OracleRow[]): void {
  const keys = (rows: readonly OracleRow[]): unknown[] =>
    rows.map(({ windowStart, windowEnd, group }) => ({ windowStart, windowEnd, group }));
  const there = new Set(keys(actual).map((key) => JSON.stringify(key)));
  const due = expected.filter((row) => !row.maybe || there.has(JSON.stringify(keys([row])[0])));
  assert.deepEqual(keys(actual), keys(due));
  for (const [index, row] of due.entries()) assertValue(actual[index]!.value, row);
}

function assertValue(actual: unknown, row: OracleRow): void {
  const message = `${JSON.stringify(actual)} is not right in ${JSON.stringify(row)}`;
  if (row.near !== undefined) return assert.ok(typeof actual === "number" && isNear(actual, row.near), message);
  if (row.value instanceof Map) return assertFrequent(actual, row.value);
  const slack = row.slack ?? 0;
  if (slack === Infinity && actual === null) return;
  if (typeof row.value !== "number") return assert.deepEqual(actual, row.value);
  assert.ok(typeof actual === "number" && Math.abs(actual - row.value) <= slack, message);
}

/** Within one percent; what is nearly nothing counts as nothing, and magnitudes end at 10^30. */
export function isNear(actual: number, expected: number): boolean {
  if (Math.abs(expected) < 1e-30) return actual === 0;
  const bounded = Math.min(Math.max(expected, -1e30), 1e30);
  return Math.abs(actual - bounded) <= Math.abs(bounded) * 0.01;
}

/** The ten most frequent values; of equally frequent ones, in order and at the end of the ten, the first by text. */
function assertFrequent(actual: unknown, counts: ReadonlyMap<unknown, number>): void {
  const all = [...counts].map(([value, count]) => ({ value: String(value), count }));
  assert.deepEqual(actual, all.toSorted(byCountThenText).slice(0, 10));
}

const byCountThenText = (a: FrequentValue, b: FrequentValue): number =>
  b.count - a.count || Buffer.compare(Buffer.from(a.value), Buffer.from(b.value));
