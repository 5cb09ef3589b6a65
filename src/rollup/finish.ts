import type { CheckedRule } from "../rule/rule.ts";
import type { Binder } from "./bindings.ts";
import { metricForms, sketchAccuracy, stateColumns, stateOf } from "./metrics.ts";
import { endOf } from "./pane.ts";

/** What a window's value may be. `top_k`: the most frequent values, the most frequent first. */
export type WindowValue = number | string | boolean | null | FrequentValue[];

export interface FrequentValue {
  value: string;
  count: number;
}

/** How a merged state becomes an answer. */
export interface Finish {
  /** `, sum(total) AS total`: the merged state under its column's name, or nothing. */
  readonly merged: string;
  /** The answer, from the merged state and the merged count `n`, which is never 0. */
  readonly value: string;
}

/** The finish of a rule's metric. Numbers are Float64, those of decimals the double nearest to the exact result. */
export function finishOf(rule: CheckedRule, bindings: Binder): Finish {
  const state = stateOf(rule)?.column;
  if (state === undefined) return { merged: "", value: counted(rule, bindings) };
  const merge = rule.metric === "quantile" ? quantile(rule.level ?? 0.5, bindings) : stateColumns[state].merge;
  const number = rule.decimals === undefined || metricForms[rule.metric].exact === undefined ? state : nearest(state);
  const merged = `, ${merge} AS ${state}`;
  return { merged, value: rule.metric === "avg" ? `${number} / n` : asNumber(rule, number) };
}

/** What the engine answered for `finishOf`'s value, as the value of a window. */
export function windowValue({ metric }: CheckedRule, answered: unknown): WindowValue {
  if (metric === "top_k") return frequentValues(answered);
  if (typeof answered !== "string") return typeof answered === "number" ? answered : null;
  const value: unknown = JSON.parse(answered);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}

function asNumber({ metric }: CheckedRule, value: string): string {
  if (metric === "uniq" || metric === "uniq_exact") return `toFloat64(${value})`;
  if (metric === "quantile") return `${value} / ${1 + sketchAccuracy}`;
  return metric === "min" || metric === "max" ? `assumeNotNull(${value})` : value;
}

/** By its digits: a decimal's own way to a double rounds twice. */
const nearest = (state: string): string => `toFloat64(toString(assumeNotNull(${state})))`;

function counted(rule: CheckedRule, bindings: Binder): string {
  if (rule.metric !== "rate") return "toFloat64(n)";
  const start = "toUInt32(toUnixTimestamp(pane))";
  return `n / (${endOf(rule.window.size, start, bindings)} - ${start})`;
}

/** Any level can be read from the state, whatever level it was made with. */
const quantile = (level: number, bindings: Binder): string =>
  `quantileDDMerge(${sketchAccuracy}, ${bindings.bind("level", "Float64", level)})(sketch)`;

function frequentValues(answered: unknown): FrequentValue[] {
  if (!Array.isArray(answered)) return [];
  return answered.map((entry: { readonly item: string; readonly count: number }) => ({
    value: entry.item,
    count: entry.count,
  }));
}
