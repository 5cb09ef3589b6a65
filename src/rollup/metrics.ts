import type { MetricName } from "../rule/rule.ts";
import { type Input, over, stateOver } from "./input.ts";
import type { PlanMember } from "./plan.ts";

/** A column of the rollup table that keeps the state of an aggregate over one pane and group. */
interface StateColumn {
  readonly type: string;
  /** The state of no events at all, for rows of other metrics and of events that were skipped. */
  readonly empty: string;
  /** The same in a list of such states, which has their type. A thousand rules make long lists, and each word is analysed. */
  readonly filler: string;
  /** States of several rows as one, which may run over a window. */
  readonly merge: string;
  /** The answer in what `merge` gives under the column's name. */
  readonly answer: string;
  /** What a row keeps of a state under the column's name: all of it, or nothing when `kept` is 0. */
  readonly keep: (kept: string) => string;
}

/** An aggregate whose state is a value of its own kind, with its parameters and the types of what it reads. */
interface Aggregate {
  readonly name: string;
  readonly parameters?: string;
  readonly inputs: string;
  /** Merging gives the state again: the answer is made with other parameters than the state. */
  readonly answersLater?: true;
  /** The parameters of the answer, where the engine makes it of no state but one of the same: then it is read as one by its bytes. */
  readonly answeredBy?: string;
}

const when = "Tuple(Int64, UInt16, UInt64)";
/**
 * The engine's sketch answers up to three times this too far from zero, and up to once too near; taken down by once, an
 * answer is within 0.81 % of the exact value.
 */
export const sketchAccuracy = 0.004;
const exactly: Aggregate = { name: "uniqExact", inputs: "String" };
/** Within 2 %: the error's standard deviation is 0.4 %. */
const nearly: Aggregate = { name: "uniqCombined64", parameters: "16", inputs: "String" };
/** DDSketch (Masson, Rim, Lee: VLDB 2019); see `sketchAccuracy`. The second parameter is not part of the state. */
const sketch: Aggregate = {
  name: "quantileDD",
  parameters: `${sketchAccuracy}, 0.5`,
  inputs: "Float64",
  answersLater: true,
};
const earliest: Aggregate = { name: "argMin", inputs: `String, ${when}` };
const latest: Aggregate = { name: "argMax", inputs: `String, ${when}` };
/** So many different values of a window and group `top_k` keeps. */
export const frequentMax = 1000;
/**
 * Filtered space-saving: exact as long as there are no more different values than the second parameter. All of them are
 * answered: which of equally frequent ones the engine takes for the last of ten depends on how parts were merged.
 */
const frequent: Aggregate = {
  ...{ name: "approx_top_k", parameters: `10, ${frequentMax}`, inputs: "String" },
  answeredBy: `${frequentMax}, ${frequentMax}`,
};

/** 67 digits before the point and 9 behind it. */
export const decimalType = "Decimal(76, 9)";

/**
 * The kinds of state. Metrics share a kind where they can: `avg` is a sum beside the count that every row has.
 * What is nullable is so because a row of skipped events alone has no such value.
 */
export const stateColumns = {
  total: summed("total", "Float64"),
  lowest: extreme("min", "lowest", "Float64"),
  highest: extreme("max", "highest", "Float64"),
  uniques: aggregated("uniques", exactly),
  exact_total: summed("exact_total", decimalType),
  exact_lowest: extreme("min", "exact_lowest", decimalType),
  exact_highest: extreme("max", "exact_highest", decimalType),
  uniques_near: aggregated("uniques_near", nearly),
  sketch: aggregated("sketch", sketch),
  earliest: aggregated("earliest", earliest),
  latest: aggregated("latest", latest),
  frequent: aggregated("frequent", frequent),
} as const satisfies Readonly<Record<string, StateColumn>>;

function summed(column: string, type: string): StateColumn {
  return {
    type: `SimpleAggregateFunction(sum, ${type})`,
    empty: `CAST(0, '${type}')`,
    filler: "0",
    merge: `sum(${column})`,
    ...asItIs(column),
  };
}

function extreme(name: "min" | "max", column: string, type: string): StateColumn {
  return {
    type: `SimpleAggregateFunction(${name}, Nullable(${type}))`,
    empty: `CAST(NULL, 'Nullable(${type})')`,
    filler: "NULL",
    merge: `${name}(${column})`,
    ...asItIs(column),
  };
}

// An item of a list that is not there is the default of its type.
function asItIs(column: string): Pick<StateColumn, "answer" | "keep"> {
  return { answer: column, keep: (kept) => `[${column}][${kept}]` };
}

/**
 * The state is kept in a list of one, and no state is a list of none: most rows have none, and the engine makes and
 * destroys the state of every row that it merges, which of these six took most of its time (docs/decisions/0019).
 */
function aggregated(column: string, { name, parameters, inputs, answersLater, answeredBy }: Aggregate): StateColumn {
  const given = parameters === undefined ? "" : `(${parameters})`;
  const ofEach = `${name}Merge${answersLater ? "State" : ""}ForEach`;
  const oneWith = (some: string): string => `AggregateFunction(${name}${some}, ${inputs})`;
  const typeWith = (some: string): string => `AggregateFunction(${ofEach}${some}, Array(${oneWith(some)}))`;
  const [one, type] = [oneWith(given), typeWith(given)];
  const again = `finalizeAggregation(CAST(toString(${column}), '${typeWith(`(${answeredBy})`)}'))`;
  return {
    type,
    empty: `defaultValueOfTypeName('${type}')`,
    filler: `defaultValueOfTypeName('${one}')`,
    merge: `${ofEach}Merge${answeredBy === undefined ? "" : "State"}${given}(${column})`,
    answer: `${answeredBy === undefined ? column : again}[1]`,
    keep: (kept) => `initializeAggregation('${ofEach}State${given}', arraySlice([${column}], 1, ${kept}))`,
  };
}

export type StateName = keyof typeof stateColumns;

export const stateNames = Object.keys(stateColumns).filter(isStateName);

/** How the state of a metric is made of the events of a group. */
interface StateForm {
  readonly column: StateName;
  /** The aggregate over the input, over nothing but the events that enter. */
  readonly aggregate: (input: Input) => string;
}

/** How one metric is computed. The function names here are the only ones that reach the SQL for a metric. */
interface MetricForm {
  /** Its state; null: the count of the events that entered is enough. */
  readonly state: StateForm | null;
  /** The same where numbers are read as decimals; missing: the metric does not do that. */
  readonly exact?: StateForm;
}

const sum: MetricForm = {
  state: { column: "total", aggregate: ({ number, filter }) => `ifNull(${over("sum", number, filter)}, 0)` },
  exact: { column: "exact_total", aggregate: ({ decimal, filter }) => `ifNull(${over("sum", decimal, filter)}, 0)` },
};

/** The one table of metrics; what enters each of them is in `rule/metric.ts`, how its answer is made in `finish.ts`. */
export const metricForms: Readonly<Record<MetricName, MetricForm>> = {
  count: { state: null },
  rate: { state: null },
  sum,
  avg: sum,
  min: {
    state: { column: "lowest", aggregate: ({ number, filter }) => over("min", number, filter) },
    exact: { column: "exact_lowest", aggregate: ({ decimal, filter }) => over("min", decimal, filter) },
  },
  max: {
    state: { column: "highest", aggregate: ({ number, filter }) => over("max", number, filter) },
    exact: { column: "exact_highest", aggregate: ({ decimal, filter }) => over("max", decimal, filter) },
  },
  uniq_exact: { state: { column: "uniques", aggregate: ofTexts(exactly) } },
  uniq: { state: { column: "uniques_near", aggregate: ofTexts(nearly) } },
  quantile: {
    state: {
      column: "sketch",
      aggregate: ({ number, filter }) => stateOver(sketch, [inRange(number.known)], [number.present, filter]),
    },
  },
  first: { state: { column: "earliest", aggregate: ofPlaces(earliest) } },
  last: { state: { column: "latest", aggregate: ofPlaces(latest) } },
  top_k: { state: { column: "frequent", aggregate: ofTexts(frequent) } },
};

function ofTexts(aggregate: Aggregate): StateForm["aggregate"] {
  return ({ text, filter }) => stateOver(aggregate, [text.known], [text.present, filter]);
}

/** By event time, then by position. */
function ofPlaces(aggregate: Aggregate): StateForm["aggregate"] {
  return ({ json, filter }) =>
    stateOver(aggregate, [json.known, "tuple(at, {src:UInt16}, off)"], [json.present, filter]);
}

/** What a member keeps; null: nothing but the count. */
export function stateOf(member: Pick<PlanMember, "metric" | "decimals">): StateForm | null {
  const form = metricForms[member.metric];
  return member.decimals === undefined ? form.state : (form.exact ?? form.state);
}

/**
 * What is smaller counts as 0, what is larger as the largest: the engine's memory has eight bytes for every bin between the
 * smallest and the largest of a sketch's numbers, whether something is in it or not (140 KB for these sixty orders of
 * magnitude, of either sign).
 */
const inRange = (number: string): string => `if(abs(${number}) < 1e-30, 0, least(greatest(${number}, -1e30), 1e30))`;

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
