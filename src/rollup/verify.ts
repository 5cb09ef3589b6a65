import type { OffsetRange } from "../event/position.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { frequentMax } from "./metrics.ts";
import type { RollupTarget } from "./plan.ts";
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
  /** The most bytes of their groups and values together, which may be as long as an event each; the first comes in any case. */
  readonly bytesMax?: number;
}

const bytesMaxUsual = 8 * 2 ** 20;

/** What is compared: how many events entered each group of a pane, or the pane as a whole, or the values of groups. */
export type Compared = "events" | "events of panes" | "values";

const endOfTime = 4_294_967_295_000;
/** Sums of doubles depend on the order; whatever else is a number has one value, however it came together. */
const slack = "1e-9";
const dependsOnOrder = ({ metric, decimals }: CheckedRule): boolean =>
  (metric === "sum" || metric === "avg") && decimals === undefined;
/** Sides of the comparison; the third says how large the numbers are that were added. */
const [storedSide, expectedSide, sizeSide] = [1, 2, 3];

/**
 * Rows `window_start`, `grp` (as JSON), `stored` and `expected` (as texts), and in each how many are `different`: the panes
 * that are not what the raw rows give, by the same compiler, oldest first. Panes that only one side has differ in their events.
 */
export function renderDifferences(comparison: Comparison, compared: Compared): Statement {
  const { series, ranges, from, limit, bytesMax = bytesMaxUsual } = comparison;
  const rule = byPanes(comparison.rule, compared);
  const reading = renderWindows({ ...query(rule), series, from, whole: true });
  // Values are bound and names of columns are ours, so that the word stands for the table alone.
  const expected = reading.sql.replaceAll(/\brollups\b/g, "expected_rows");
  const asText = compared === "values" && isText(rule);
  const value = asText ? textOf(rule) : "toFloat64(value)";
  const side = (sql: string, is: number): string =>
    `SELECT window_start, ${compared === "events of panes" ? "'[]'" : "toJSONString(grp)"} AS grp, ${value} AS one, ${is} AS side FROM (\n${sql}\n)`;
  const sides = [side(reading.sql, storedSide), side(expected, expectedSide), ...sizes(rule)];
  const merge = (is: number): string => `${asText ? "anyIf" : "sumIf"}(one, side = ${is})`;
  const differing = `SELECT window_start, grp, toString(stored_value) AS stored, toString(expected_value) AS expected
FROM (
  SELECT window_start, grp, ${merge(storedSide)} AS stored_value, ${merge(expectedSide)} AS expected_value, ${merge(sizeSide)} AS size,
    uniqExactIf(side, side != ${sizeSide}) AS sides
  FROM (${sides.join("\nUNION ALL\n")})
  GROUP BY window_start, grp
)
WHERE ${asText ? "stored_value != expected_value AND notEmpty(stored_value) AND notEmpty(expected_value)" : numbersDiffer(rule)}${compared === "values" ? " AND sides = 2" : ""}`;
  const sql = `SELECT window_start, grp, stored, expected, different
FROM (
  SELECT *, toFloat64(count() OVER ()) AS different, length(grp) + length(stored) + length(expected) AS own_bytes,
    sum(own_bytes) OVER (ORDER BY window_start, grp ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS bytes
  FROM (${differing})
)
WHERE bytes <= {bytes:UInt64} OR bytes = own_bytes
ORDER BY window_start, grp
LIMIT {differences:UInt64}`;
  const statement = { sql, parameters: { ...reading.parameters, own: series, differences: limit, bytes: bytesMax } };
  // The rows are the rule's own: only what has the field enters, whatever is read of them.
  const targets = [{ series, rule: comparison.rule }, ...ofPositive(rule, comparison)];
  return overRows("expected_rows", statement, targets, ranges);
}

/** The same rule over nothing but positive numbers, as another series, where it is asked how large numbers are. */
function ofPositive(rule: CheckedRule, { series, rule: { filter, field, ...own } }: Comparison): RollupTarget[] {
  if (!dependsOnOrder(rule) || field === undefined) return [];
  const zero = { kind: "literal", type: "double", value: 0 } as const;
  const isPositive = { kind: "compare", operator: ">", left: { kind: "field", field }, right: zero } as const;
  const expression = filter ? ({ kind: "and", operands: [filter.expression, isPositive] } as const) : isPositive;
  const positive = { text: "", expression, fields: [...(filter?.fields ?? []), field] };
  return [{ series: series + 1, rule: { ...own, field, filter: positive } }];
}

/** Of each group how large the numbers are that were added: the sum of them all without their signs, or its mean. */
function sizes(rule: CheckedRule): string[] {
  if (!dependsOnOrder(rule)) return [];
  const isOwn = "series = {own:UInt32}";
  const size = `2 * sumIf(total, NOT (${isOwn})) - sumIf(total, ${isOwn})`;
  return [
    `SELECT toFloat64(toUnixTimestamp(expected_rows.pane)) * 1000 AS window_start, toJSONString(expected_rows.grp) AS grp,
  ${rule.metric === "avg" ? `(${size}) / sumIf(n, ${isOwn})` : size} AS one, ${sizeSide} AS side
FROM expected_rows
GROUP BY expected_rows.pane, expected_rows.grp`,
  ];
}

/**
 * By what was added, not by what is left when it cancels out. Where the numbers without their signs are beyond all doubles
 * together, it is the order that decides whether their sum is.
 */
function numbersDiffer(rule: CheckedRule): string {
  const alike = "stored_value = expected_value OR (isNaN(stored_value) AND isNaN(expected_value))";
  if (!dependsOnOrder(rule)) return `NOT (${alike})`;
  return `NOT (${alike} OR NOT isFinite(size) OR abs(stored_value - expected_value) <= ${slack} * size)`;
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
