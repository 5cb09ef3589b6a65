import type { OffsetRange } from "../event/position.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { planRollup, type RollupTarget } from "./plan.ts";
import { renderRows } from "./render.ts";
import { secondAt, type WindowSelection } from "./selection.ts";
import type { Statement } from "./statement.ts";

/** A rule and the ranges of raw events to try it on. */
export interface TrialSelection {
  readonly rule: CheckedRule;
  /** At least one. */
  readonly ranges: readonly OffsetRange[];
}

/** Any series of a rule: the rows of a trial are in no table. */
const series = 16;
const endOfTime = 4_294_967_295_000;

/** The newest windows that a rule has over the ranges of a trial: what is read `overTrial`. */
export const trialWindows = (rule: CheckedRule, limit: number): WindowSelection => ({
  ...{ series, rule, from: 0, to: endOfTime, filters: [], order: "newest", limit },
});

/**
 * One row: events `entered`, `skipped` and `late`, different `groups`, of these the `groupsKept` in panes from `keptFrom` on (ms
 * since the epoch), and the `rows` of so many different `panes` that a store would keep.
 */
export function renderTrialCounts(trial: TrialSelection, keptFrom: number): Statement {
  const sql = `SELECT toFloat64(sum(rollups.n)) AS entered, toFloat64(sum(rollups.skipped)) AS skipped, toFloat64(sum(rollups.late)) AS late,
  toFloat64(uniqExactIf(grp, n != 0)) AS groups,
  toFloat64(uniqExactIf(grp, n != 0 AND toUnixTimestamp(pane) >= {kept_from:Int64})) AS groupsKept, toFloat64(uniqExact(pane, grp)) AS rows, toFloat64(uniqExact(pane)) AS panes
FROM rollups`;
  return overTrial({ sql, parameters: { kept_from: secondAt(keptFrom) } }, trial);
}

/** One row: how many `events` the ranges have, and the times (ms since the epoch) of the `earliest` and the `latest`. */
export function renderTrialEvents({ ranges }: Pick<TrialSelection, "ranges">): Statement {
  const inRange = "(src = {src:UInt16} AND off BETWEEN {from:UInt64} AND {to:UInt64})";
  const parts = ranges.map((range, index) => forRange(inRange, range, index));
  return {
    sql: `SELECT toFloat64(count()) AS events, toFloat64(toUnixTimestamp64Milli(min(timestamp))) AS earliest,
  toFloat64(toUnixTimestamp64Milli(max(timestamp))) AS latest
FROM raw_events
WHERE ${parts.map(({ sql }) => sql).join("\n  OR ")}`,
    parameters: Object.assign({}, ...parts.map(({ parameters }) => parameters)),
  };
}

/**
 * A statement that reads windows, over the ranges of a trial alone. Nothing is stored: the rows of the rollup, by the same
 * compiler, stand in the place of the table.
 */
export const overTrial = (reading: Statement, { rule, ranges }: TrialSelection): Statement =>
  overRows("rollups", reading, [{ series, rule }], ranges);

/** A statement in which `table` stands for the rows that rules have over the ranges. */
export function overRows(
  table: "rollups" | "expected_rows",
  reading: Statement,
  targets: readonly RollupTarget[],
  ranges: readonly OffsetRange[],
): Statement {
  const rows = renderRows(planRollup(targets));
  const parts = ranges.map((range, index) => forRange(rows.sql, range, index));
  const select = parts.map(({ sql }) => `(\n${sql}\n)`).join("\nUNION ALL\n");
  return {
    sql: [`WITH ${table} (${rows.columns.join(", ")}) AS MATERIALIZED (`, select, ")", reading.sql, rows.settings].join(
      "\n",
    ),
    parameters: Object.assign(
      { ...rows.parameters, ...reading.parameters },
      ...parts.map(({ parameters }) => parameters),
    ),
  };
}

/** The statement for one of several ranges: its places for a range get names of their own. */
function forRange(sql: string, { src, from, to }: OffsetRange, index: number): Statement {
  return {
    sql: sql.replaceAll(/\{(src|from|to):/g, `{$1_${index}:`),
    parameters: { [`src_${index}`]: src, [`from_${index}`]: from, [`to_${index}`]: to },
  };
}
