import type { CheckedRule } from "../rule/rule.ts";
import { finishOf } from "./finish.ts";
import type { Statement } from "./statement.ts";

/** Which windows of a series to read; the store's query. */
export interface WindowSelection {
  readonly series: number;
  readonly rule: CheckedRule;
  /** Milliseconds since the epoch: windows with `from ≤ window_start < to`. */
  readonly from: number;
  readonly to: number;
  readonly filters: readonly { readonly key: number; readonly value: string | null }[];
  readonly order: "newest" | "oldest";
  readonly limit: number;
  readonly behind?: { readonly windowStart: number; readonly group: readonly (string | null)[] };
}

/**
 * The rows of the asked windows: `window_start` (ms since the epoch), `grp` (the group values), `value`. Ordered by window,
 * then by the group values, each by its bytes, null last. States of all parts are merged, so that it does not matter
 * whether the engine has merged the parts.
 */
export function renderWindows(query: WindowSelection): Statement {
  const clauses = new Clauses();
  const finish = finishOf(query.rule, clauses);
  const where = [
    `series = ${clauses.bind("series", "UInt32", query.series)}`,
    `pane >= toDateTime(${clauses.bind("from", "UInt32", paneSecond(query.from))}, 'UTC')`,
    `pane < toDateTime(${clauses.bind("to", "UInt32", paneSecond(query.to))}, 'UTC')`,
    ...query.filters.map((filter, index) => filterClause(filter, index, clauses)),
    ...(query.behind === undefined ? [] : [behindClause(query.order, query.behind, clauses)]),
  ];
  const newest = query.order === "newest" ? " DESC" : "";
  const sql = `SELECT ${milliseconds("pane")} AS window_start, grp, ${finish.value} AS value
FROM (
  SELECT pane, grp, sum(rollups.n) AS n${finish.merged}
  FROM rollups
  WHERE ${where.join("\n    AND ")}
  GROUP BY pane, grp
  HAVING n != 0
)
ORDER BY ${[`pane${newest}`, ...groupOrder(query.rule.groupBy.length)].join(", ")}
LIMIT ${clauses.bind("limit", "UInt64", query.limit)}`;
  return { sql, parameters: clauses.parameters };
}

/** One row `window_start` (ms since the epoch), or none: the newest window of a series that has a row. */
export function renderNewest(series: number): Statement {
  const sql = `SELECT ${milliseconds("pane")} AS window_start
FROM rollups
WHERE series = {series:UInt32} AND n != 0
ORDER BY pane DESC
LIMIT 1`;
  return { sql, parameters: { series } };
}

/** One row: events `skipped` and `late` in all windows of a series, and how many different `groups` it has. */
export function renderSeriesCounts(series: number): Statement {
  const sql = `SELECT toFloat64(sum(rollups.skipped)) AS skipped, toFloat64(sum(rollups.late)) AS late,
  toFloat64(uniqExactIf(grp, n != 0)) AS groups
FROM rollups
WHERE series = {series:UInt32}`;
  return { sql, parameters: { series } };
}

/** Collects bound values, so that none finds its way into the text. */
class Clauses {
  readonly parameters: Record<string, unknown> = {};

  bind(name: string, type: string, value: unknown): string {
    this.parameters[name] = value;
    return `{${name}:${type}}`;
  }
}

// As a Float64, which every JSON output writes as a plain number.
const milliseconds = (pane: string): string => `toFloat64(toUnixTimestamp(${pane})) * 1000`;

/** The first whole second at or behind `ms`, inside what a DateTime holds. */
const paneSecond = (ms: number): number => Math.min(Math.max(Math.ceil(ms / 1000), 0), 0xffff_ffff);

const groupOrder = (keys: number): string[] =>
  Array.from({ length: keys }, (_, index) => `grp[${index + 1}] ASC NULLS LAST`);

function filterClause(
  filter: { readonly key: number; readonly value: string | null },
  index: number,
  clauses: Clauses,
): string {
  const key = `grp[${clauses.bind(`key${index}`, "UInt8", filter.key + 1)}]`;
  return filter.value === null ? `isNull(${key})` : `${key} = ${clauses.bind(`value${index}`, "String", filter.value)}`;
}

function behindClause(
  order: "newest" | "oldest",
  behind: NonNullable<WindowSelection["behind"]>,
  clauses: Clauses,
): string {
  const pane = `toDateTime(${clauses.bind("behind_pane", "UInt32", paneSecond(behind.windowStart))}, 'UTC')`;
  const further = `pane ${order === "newest" ? "<" : ">"} ${pane}`;
  if (behind.group.length === 0) return further;
  const row = behind.group.map((_, index) => `isNull(grp[${index + 1}]), ifNull(grp[${index + 1}], '')`);
  // Null sorts last: first whether a key is null, then its text. Neither side of the comparison is nullable.
  const last = behind.group.map((value, index) => {
    const isNull = clauses.bind(`behind_null${index}`, "UInt8", value === null ? 1 : 0);
    return `${isNull}, ${clauses.bind(`behind${index}`, "String", value ?? "")}`;
  });
  return `(${further} OR (pane = ${pane} AND tuple(${row.join(", ")}) > tuple(${last.join(", ")})))`;
}
