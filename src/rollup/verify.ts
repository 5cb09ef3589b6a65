import type { OffsetRange } from "../event/position.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { frequentMax } from "./metrics.ts";
import { renderWindows } from "./read.ts";
import type { Statement } from "./statement.ts";
import { overRows } from "./trial.ts";

/** The stored rows of a series, and the raw rows that they should have been made of. */
export interface Comparison {
  readonly series: number;
  readonly rule: CheckedRule;
  /** At least one. */
  readonly ranges: readonly OffsetRange[];
  /** Windows that begin before this are left out, ms since the epoch. */
  readonly from: number;
  /** The most differences that are answered. */
  readonly limit: number;
}

/** What is compared: how many events entered each group of a pane, or the pane as a whole, or the values of groups. */
export type Compared = "events" | "events of panes" | "values";

const endOfTime = 4_294_967_295_000;
/** Sums of doubles depend on the order; whatever else is a number has one value, however it came together. */
const slack = "1e-9";
const dependsOnOrder = ({ metric, decimals }: CheckedRule): boolean =>
  (metric === "sum" || metric === "avg") && decimals === undefined;

/**
 * Rows `window_start`, `grp` (as JSON), `stored` and `expected` (as texts), and in each how many are `different`: the panes
 * that are not what the raw rows give, by the same compiler, oldest first. Panes that only one side has differ in their events.
 */
export function renderDifferences(comparison: Comparison, compared: Compared): Statement {
  const { series, ranges, from, limit } = comparison;
  const rule = byPanes(comparison.rule, compared);
  const reading = renderWindows({ ...query(rule), series, from, whole: true });
  // Values are bound and names of columns are ours, so that the word stands for the table alone.
  const expected = reading.sql.replaceAll(/\brollups\b/g, "expected_rows");
  const asText = compared === "values" && isText(rule);
  const value = asText ? textOf(rule) : "toFloat64(value)";
  const side = (sql: string, is: number): string =>
    `SELECT window_start, ${compared === "events of panes" ? "'[]'" : "toJSONString(grp)"} AS grp, ${value} AS one, ${is} AS side FROM (\n${sql}\n)`;
  const merge = asText ? "anyIf" : "sumIf";
  const sql = `SELECT window_start, grp, toString(stored_value) AS stored, toString(expected_value) AS expected, toFloat64(count() OVER ()) AS different
FROM (
  SELECT window_start, grp, ${merge}(one, side = 1) AS stored_value, ${merge}(one, side = 2) AS expected_value, uniqExact(side) AS sides
  FROM (${side(reading.sql, 1)}\nUNION ALL\n${side(expected, 2)})
  GROUP BY window_start, grp
)
WHERE ${asText ? "stored_value != expected_value AND notEmpty(stored_value) AND notEmpty(expected_value)" : numbersDiffer(rule)}${compared === "values" ? " AND sides = 2" : ""}
ORDER BY window_start, grp
LIMIT {differences:UInt64}`;
  const statement = { sql, parameters: { ...reading.parameters, differences: limit } };
  // The rows are the rule's own: only what has the field enters, whatever is read of them.
  return overRows("expected_rows", statement, { rule: comparison.rule, ranges, series });
}

/** Beyond all doubles nothing is near to anything. */
function numbersDiffer(rule: CheckedRule): string {
  const alike = "stored_value = expected_value OR (isNaN(stored_value) AND isNaN(expected_value))";
  if (!dependsOnOrder(rule)) return `NOT (${alike})`;
  return `NOT (${alike} OR (isFinite(stored_value) AND isFinite(expected_value)
  AND abs(stored_value - expected_value) <= ${slack} * greatest(abs(stored_value), abs(expected_value))))`;
}

/**
 * Empty where there are as many frequent values as are kept: then it depends on the order in which states were merged which
 * they are, and it differs without anybody's fault.
 */
const textOf = ({ metric }: CheckedRule): string =>
  metric === "top_k"
    ? `if(length(value) < ${frequentMax}, toJSONString(arraySlice(value, 1, 10)), '')`
    : "toJSONString(value)";

const isText = ({ metric }: CheckedRule): boolean => metric === "first" || metric === "last" || metric === "top_k";

/** What is stored, as windows of its own: without anything that only chooses among it. */
function byPanes(rule: CheckedRule, compared: Compared): CheckedRule {
  const { topN: _, ...all } = rule;
  const panes = {
    ...all,
    having: [],
    window: { kind: "tumbling", size: rule.window.pane, pane: rule.window.pane },
  } as const;
  return compared === "values" ? panes : { ...panes, metric: "count" };
}

const query = (rule: CheckedRule) =>
  ({ rule, to: endOfTime, filters: [], order: "oldest", limit: Number.MAX_SAFE_INTEGER }) as const;
