import { Bindings } from "./bindings.ts";
import { apart } from "./apart.ts";
import { type Finish, finishOf } from "./finish.ts";
import { growing } from "./growing.ts";
import { endOf } from "./pane.ts";
import {
  filterConditions,
  betweenPlaces,
  paneConditions,
  secondAt,
  type WindowPlace,
  type WindowSelection,
  windowsOf,
} from "./selection.ts";
import type { Statement } from "./statement.ts";

/**
 * The rows of the asked windows: `window_start` and `window_end` (ms since the epoch), `grp` (the group values), `value`.
 * Ordered by window, then by the group values, each by its bytes, null last, and the overflow, whose `grp` is empty, behind
 * all groups. What is merged are states, of panes and of
 * parts alike, so that it does not matter which of them the engine has merged already.
 */
export function renderWindows(query: WindowSelection): Statement {
  const bindings = new Bindings("r_");
  const { rule, fillTo, whole = false } = query;
  const finish = finishOf(rule, bindings, { orNothing: fillTo !== undefined, whole });
  const where = [
    ...(choosesLargest(query) ? filterConditions(query, bindings) : []),
    ...(query.behind === undefined ? [] : [behindCondition(query, query.behind, bindings)]),
    ...(query.through === undefined ? [] : [`NOT ${behindCondition(query, query.through, bindings)}`]),
  ];
  const newest = query.order === "newest" ? " DESC" : "";
  const order = [...windowKeys(query).map((key) => `${key}${newest}`), ...groupOrder(query.rule.groupBy.length)];
  const sql = `SELECT ${milliseconds("start")} AS window_start, ${milliseconds("ending")} AS window_end, grp, value
FROM (
${finished(query, finish, bindings)}
)${where.length === 0 ? "" : `\nWHERE ${where.join("\n  AND ")}`}
ORDER BY ${order.join(", ")}
LIMIT ${bindings.bind("limit", "UInt64", query.limit)}`;
  return { sql, parameters: bindings.values };
}

/** One row `pane` (ms since the epoch), or none: the newest pane of a series that an event has entered. */
export function renderNewest(series: number): Statement {
  const sql = `SELECT ${milliseconds("toUnixTimestamp(rollups.pane)")} AS pane
FROM rollups
WHERE series = {series:UInt32} AND n != 0
ORDER BY rollups.pane DESC
LIMIT 1`;
  return { sql, parameters: { series } };
}

/**
 * One row `first` (ms since the epoch), or none: of the panes that the asked windows are made of and that an event of an asked
 * group has entered, the first in the asked order.
 */
export function renderFirstPane(query: WindowSelection): Statement {
  const bindings = new Bindings("r_");
  const sql = `SELECT ${milliseconds("toUnixTimestamp(rollups.pane)")} AS first
FROM rollups
WHERE ${[...paneConditions(query, bindings), ...filterConditions(query, bindings), "n != 0"].join("\n  AND ")}
ORDER BY rollups.pane${query.order === "newest" ? " DESC" : ""}
LIMIT 1`;
  return { sql, parameters: bindings.values };
}

/**
 * One row: events `skipped` and `late` in all windows of a series, how many different `groups` it has, and the events that
 * are `ungrouped`.
 */
export function renderSeriesCounts(series: number): Statement {
  const sql = `SELECT toFloat64(sum(rollups.skipped)) AS skipped, toFloat64(sum(rollups.late)) AS late,
  ${groupCounts}
FROM rollups
WHERE series = {series:UInt32}`;
  return { sql, parameters: { series } };
}

/** The different `groups` that have an event, and the events in rows without a group. */
export const groupCounts = `toFloat64(uniqExactIf(grp, n != 0 AND notEmpty(grp))) AS groups,
  toFloat64(sumIf(rollups.n, empty(grp))) AS ungrouped`;

// As a Float64, which every JSON output writes as a plain number.
const milliseconds = (second: string): string => `toFloat64(${second}) * 1000`;

/** What tells two windows apart. */
const windowKeys = (query: WindowSelection): readonly string[] =>
  windowsOf(query).kind === "cumulative" ? ["start", "ending"] : ["start"];

/** The overflow has nulls for all keys. */
const groupOrder = (keys: number): string[] => [
  ...Array.from({ length: keys }, (_, index) => `grp[${index + 1}] ASC NULLS LAST`),
  ...(keys === 0 ? [] : ["empty(grp)"]),
];

/** Which groups are the largest is known only when all of a window are there: then filters come behind the choice. */
const choosesLargest = ({ rule }: WindowSelection): boolean => rule.topN !== undefined;

/** Windows and groups with their values: those that the rule chooses. */
function finished(query: WindowSelection, finish: Finish, bindings: Bindings): string {
  const windows = windowsOf(query);
  const scope = { finish, bindings, filters: choosesLargest(query) ? [] : filterConditions(query, bindings) };
  const within = betweenPlaces(query);
  const merged = windows.kind === "cumulative" ? growing(within, query, scope) : apart(within, query, scope);
  const sql = `  SELECT start, ${endingOf(query, bindings)} AS ending, grp, ${finish.value} AS value
  FROM (
${merged}
  )`;
  return [sql, ...having(query, bindings), ...largest(query, bindings)].join("\n");
}

function endingOf(query: WindowSelection, bindings: Bindings): string {
  const { kind, size, hop } = windowsOf(query);
  return kind === "cumulative" && hop ? endOf(hop, "slot", bindings) : endOf(size, "start", bindings);
}

/** Conditions are on groups: the overflow is none, and always answered. */
function having({ rule }: WindowSelection, bindings: Bindings): string[] {
  if (rule.having.length === 0) return [];
  const conditions = rule.having.map(
    ({ operator, value }) => `value ${operators[operator]} ${bindings.bind("having", "Float64", value)}`,
  );
  const passes = `isFinite(value) AND ${conditions.join(" AND ")}`;
  return [rule.groupBy.length === 0 ? `  WHERE ${passes}` : `  WHERE empty(grp) OR (${passes})`];
}

const operators = { "==": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=" } as const;

/** The overflow takes nobody's place among the largest. */
function largest(query: WindowSelection, bindings: Bindings): string[] {
  const { topN, groupBy } = query.rule;
  if (topN === undefined) return [];
  const keys = windowKeys(query);
  const order = [...keys, "isFinite(value) DESC", "value DESC", ...groupOrder(groupBy.length)];
  return [
    `  ORDER BY ${order.join(", ")}`,
    `  LIMIT ${bindings.bind("top", "UInt64", topN)} BY ${[...keys, "empty(grp)"].join(", ")}`,
  ];
}

function behindCondition(query: WindowSelection, behind: WindowPlace, bindings: Bindings): string {
  const [keys, places] = [windowKeys(query), windowPlace(query, behind, bindings)];
  const [window, place] = keys.length === 1 ? [keys[0]!, places[0]!] : [tuple(keys), tuple(places)];
  const further = `${window} ${query.order === "newest" ? "<" : ">"} ${place}`;
  const { groupBy } = query.rule;
  if (groupBy.length === 0) return `(${further})`;
  const row = groupBy.map((_, index) => `isNull(grp[${index + 1}]), ifNull(grp[${index + 1}], '')`);
  const last = [...groupBy.keys()].map((key) => valuePlace(behind.group[key] ?? null, bindings));
  const overflow = bindings.bind("behind_null", "UInt8", behind.group.length === 0 ? 1 : 0);
  return `(${further} OR (${window} = ${place} AND ${tuple([...row, "empty(grp)"])} > ${tuple([...last, overflow])}))`;
}

/** Null sorts last: first whether a key is null, then its text. Neither side of the comparison is nullable. */
function valuePlace(value: string | null, bindings: Bindings): string {
  const isNull = bindings.bind("behind_null", "UInt8", value === null ? 1 : 0);
  return `${isNull}, ${bindings.bind("behind", "String", value ?? "")}`;
}

const tuple = (parts: readonly string[]): string => `tuple(${parts.join(", ")})`;

function windowPlace(query: WindowSelection, place: WindowPlace, bindings: Bindings): string[] {
  const bound = (ms: number): string => bindings.bind("behind_window", "Int64", secondAt(ms));
  return windowKeys(query).map((key) => bound(key === "start" ? place.windowStart : place.windowEnd));
}
