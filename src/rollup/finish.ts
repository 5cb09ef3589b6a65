import type { CheckedRule, MetricName } from "../rule/rule.ts";
import type { Binder } from "./bindings.ts";
import { metricForms, sketchAccuracy, type StateName, stateColumns, stateOf } from "./metrics.ts";

/** What a window's value may be. `top_k`: the most frequent values, the most frequent first. */
export type WindowValue = number | string | boolean | null | FrequentValue[];

export interface FrequentValue {
  value: string;
  count: number;
}

/** How states become an answer. */
export interface Finish {
  /** The column of the state, with what merges it and the state of nothing; null: the count is enough. */
  readonly state: { readonly column: StateName; readonly merge: string; readonly empty: string } | null;
  /** The answer, from the merged state, the merged count `n`, and the window's `start` and `ending` in seconds. */
  readonly value: string;
}

interface FinishOptions {
  readonly orNothing: boolean;
  readonly whole: boolean;
}

/**
 * The finish of a rule's metric. Numbers are Float64, those of decimals the double nearest to the exact result. With
 * `orNothing` also of no events: 0 of what counts and adds up, an empty list, else null. `whole`: of `top_k` all that are
 * known, not the first ten.
 */
export function finishOf(rule: CheckedRule, bindings: Binder, { orNothing, whole }: FinishOptions): Finish {
  const column = stateOf(rule)?.column;
  if (column === undefined)
    return { state: null, value: rule.metric === "rate" ? "n / (ending - start)" : "toFloat64(n)" };
  const { merge, empty, answer } = stateColumns[column];
  const merged = rule.metric === "quantile" ? quantile(rule.level ?? 0.5, bindings) : answer;
  const isExact = rule.decimals !== undefined && metricForms[rule.metric].exact !== undefined;
  const value = isExact ? exactly(rule, merged) : rule.metric === "avg" ? `${merged} / n` : asNumber(rule, merged);
  const answered = rule.metric === "top_k" && !whole ? `arraySlice(${value}, 1, 10)` : value;
  const nullable = orNothing && !addsUp.has(rule.metric);
  return { state: { column, merge, empty }, value: nullable ? `if(n = 0, NULL, ${answered})` : answered };
}

const addsUp: ReadonlySet<MetricName> = new Set(["sum", "uniq", "uniq_exact", "top_k"]);

/** What the engine answered for `finishOf`'s value, as the value of a window. */
export function windowValue({ metric }: CheckedRule, answered: unknown): WindowValue {
  if (metric === "top_k") return frequentValues(answered);
  if (typeof answered !== "string") return typeof answered === "number" ? answered : null;
  const value: unknown = JSON.parse(answered);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}

function asNumber({ metric }: Pick<CheckedRule, "metric">, value: string): string {
  if (metric === "uniq" || metric === "uniq_exact") return `toFloat64(${value})`;
  if (metric === "quantile") return `${value} / ${1 + sketchAccuracy}`;
  // Of equal counts the first by text: the engine's own order depends on how parts were merged.
  if (metric === "top_k") return `arraySort(one -> (-toInt64(one.2), one.1), ${value})`;
  return metric === "min" || metric === "max" ? `assumeNotNull(${value})` : value;
}

const exactly = ({ metric }: CheckedRule, state: string): string =>
  metric === "avg" ? nearestMean(state) : asNumber({ metric }, nearest(state));

/** By its digits: a decimal's own way to a double rounds twice. */
const nearest = (state: string): string => `toFloat64(toString(assumeNotNull(${state})))`;

/**
 * By its digits as well, for a quotient of two doubles rounds twice. A decimal's integer has its nine places; it is divided
 * with as many more as 256 bits hold, and what is cut off behind them is nearer to no double than the digits before it: two
 * different ones differ earlier, as long as less than 10^12 events have entered.
 */
function nearestMean(total: string): string {
  const digits = bySize(total, `toInt256('1${"0".repeat(51)}')`, `toInt256('1${"0".repeat(21)}')`, "toInt256(1)");
  const power = bySize(total, "'e-60'", "'e-30'", "'e-9'");
  return `toFloat64(concat(toString(intDivOrZero(reinterpretAsInt256(${total}) * ${digits}, n)), ${power}))`;
}

const bySize = (total: string, small: string, large: string, huge: string): string =>
  `multiIf(abs(${total}) < 1e16, ${small}, abs(${total}) < 1e46, ${large}, ${huge})`;

/** Any level can be read from the state, whatever level it was made with. */
const quantile = (level: number, bindings: Binder): string =>
  `arrayReduce(${bindings.bind("level", "String", `quantileDDMerge(${sketchAccuracy}, ${placedLevel(level)})`)}, sketch)`;

/**
 * The engine takes ⌊level · (n − 1)⌋ of doubles, and 0.29 · 100 is a little less than 29. So the level is a little more: too
 * little to reach the next place, as levels are thousandths.
 */
export const placedLevel = (level: number): number => Math.min(1, level + 1e-15);

function frequentValues(answered: unknown): FrequentValue[] {
  if (!Array.isArray(answered)) return [];
  return answered.map((entry: { readonly item: string; readonly count: number }) => ({
    value: entry.item,
    count: entry.count,
  }));
}
