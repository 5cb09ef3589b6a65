import type { MetricName } from "../rule/rule.ts";

/** A column of the rollup table that keeps the state of an aggregate over one pane and group. */
interface StateColumn {
  readonly type: string;
  /** The state of no events at all, for rows of other metrics and of events that were skipped. */
  readonly empty: string;
  /** States of several rows as one value. */
  readonly merge: string;
}

/**
 * The kinds of state. Metrics share a kind where they can: `avg` is a sum beside the count that every row has.
 * `lowest` and `highest` are nullable because a row of skipped events alone has neither.
 */
export const stateColumns = {
  total: { type: "SimpleAggregateFunction(sum, Float64)", empty: "toFloat64(0)", merge: "sum(total)" },
  lowest: {
    type: "SimpleAggregateFunction(min, Nullable(Float64))",
    empty: "CAST(NULL, 'Nullable(Float64)')",
    merge: "min(lowest)",
  },
  highest: {
    type: "SimpleAggregateFunction(max, Nullable(Float64))",
    empty: "CAST(NULL, 'Nullable(Float64)')",
    merge: "max(highest)",
  },
  uniques: {
    type: "AggregateFunction(uniqExact, String)",
    empty: "defaultValueOfTypeName('AggregateFunction(uniqExact, String)')",
    merge: "uniqExactMerge(uniques)",
  },
} as const satisfies Readonly<Record<string, StateColumn>>;

export type StateName = keyof typeof stateColumns;

export const stateNames = Object.keys(stateColumns).filter(isStateName);

/** How one metric is computed. The function names here are the only ones that reach the SQL for a metric. */
interface MetricForm {
  /** Its state and the aggregate that makes it of the input's column (null where nothing enters); null: the count does. */
  readonly state: { readonly column: StateName; readonly aggregate: (input: string) => string } | null;
  /** The answer, from the merged states (by column name) and the merged count `n`, which is never 0. */
  readonly finish: string;
}

/** The one table of metrics; what enters each of them is in `rule/metric.ts`. */
export const metricForms: Readonly<Record<MetricName, MetricForm>> = {
  count: { state: null, finish: "toFloat64(n)" },
  sum: { state: { column: "total", aggregate: (input) => `ifNull(sum(${input}), 0)` }, finish: "total" },
  avg: { state: { column: "total", aggregate: (input) => `ifNull(sum(${input}), 0)` }, finish: "total / n" },
  min: { state: { column: "lowest", aggregate: (input) => `min(${input})` }, finish: "assumeNotNull(lowest)" },
  max: { state: { column: "highest", aggregate: (input) => `max(${input})` }, finish: "assumeNotNull(highest)" },
  uniq_exact: {
    state: {
      column: "uniques",
      aggregate: (input) => `uniqExactStateIf(assumeNotNull(${input}), isNotNull(${input}))`,
    },
    finish: "toFloat64(uniques)",
  },
};

/** The columns of the rollup table, in order: keys, counts, then one for each kind of state. */
export function rollupColumns(): readonly { readonly name: string; readonly type: string }[] {
  return [
    { name: "series", type: "UInt32" },
    { name: "pane", type: "DateTime('UTC')" },
    { name: "grp", type: "Array(Nullable(String))" },
    { name: "n", type: "SimpleAggregateFunction(sum, UInt64)" },
    { name: "skipped", type: "SimpleAggregateFunction(sum, UInt64)" },
    { name: "late", type: "SimpleAggregateFunction(sum, UInt64)" },
    ...stateNames.map((name) => ({ name, type: stateColumns[name].type })),
  ];
}

function isStateName(name: string): name is StateName {
  return Object.hasOwn(stateColumns, name);
}
