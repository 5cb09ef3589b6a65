import type { CheckedRule } from "../rule/rule.ts";
import { secondsMaxOf } from "../rule/window.ts";

/**
 * The answer of a rule's metric, from its merged state (by column name) and the merged count `n`, which is never 0.
 * Numbers are Float64; decimals keep their places.
 */
export function finishOf(rule: CheckedRule): string {
  const exact = rule.decimals === undefined ? "" : "exact_";
  switch (rule.metric) {
    case "count":
      return "toFloat64(n)";
    case "rate":
      return `n / ${secondsMaxOf(rule.window.size)}`;
    case "sum":
      return `${exact}total`;
    case "avg":
      return exact === "" ? "total / n" : "toFloat64(exact_total) / n";
    case "min":
      return `assumeNotNull(${exact}lowest)`;
    case "max":
      return `assumeNotNull(${exact}highest)`;
    case "uniq_exact":
      return "toFloat64(uniques)";
    case "uniq":
      return "toFloat64(uniques_near)";
    case "quantile":
      return "sketch";
    case "first":
      return "earliest";
    case "last":
      return "latest";
    case "top_k":
      return "frequent";
    default:
      return rule.metric satisfies never;
  }
}
