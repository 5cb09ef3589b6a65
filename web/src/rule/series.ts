import type { StatsRow } from "../../../client/src/wire.ts";
import { shownText, valueText } from "../words/format.ts";
import { timelineOf } from "./timeline.ts";
import type { Timed } from "./timeline.ts";

/** What of a rule decides how its windows are drawn. */
export interface Drawn extends Timed {
  readonly metric: string;
  readonly group_by: readonly string[];
  readonly decimals?: number;
  readonly having?: string;
  readonly top_n?: number;
  /** These rows are not of all groups that their windows have. */
  readonly isPart?: boolean;
}

/** All of it that decides the lines, as one text. */
export const linesKey = ({ metric, group_by, window_type, hop, having, top_n, isPart }: Drawn): string =>
  JSON.stringify([metric, group_by, window_type, hop, having, top_n, isPart]);

export interface Line {
  /** Of the group, unlike that of any other: two labels may look alike. */
  readonly key: string;
  /** Of the group; of a rule without groups the metric. */
  readonly label: string;
  readonly values: readonly (number | null)[];
}

/** Windows as lines over time. */
export interface ChartData {
  /** Seconds since the epoch, rising. */
  readonly xs: readonly number[];
  readonly lines: readonly Line[];
  /** Between two windows, in seconds. */
  readonly step: number;
  /** Index of the first window that may still change; as many as there are windows when none is. */
  readonly openFrom: number;
  /** Groups that have no line, for want of room: smaller ones than those that have. 0 where that is not known. */
  readonly hiddenGroups: number;
  /** Values that are no numbers, and so have no place in a chart. */
  readonly isText: boolean;
}

/** More colours than these can't be told apart. */
export const linesMax = 8;

/** Metrics of which a window without events has a value: none came. */
const emptyIsZero: ReadonlySet<string> = new Set([
  ...["count", "sum", "rate", "uniq", "uniq_exact", "event_count", "active_users"],
]);

/**
 * What a group has counted in a window of which it has no row: where rows may be left out, nobody knows. Windows that grow have
 * none behind the last event, though they have all that came before it.
 */
const valueWithoutRow = ({ metric, having, top_n, window_type }: Drawn): 0 | null =>
  emptyIsZero.has(metric) && having === undefined && top_n === undefined && window_type !== "cumulative" ? 0 : null;

/** Rows as `/stats` has them, newest first, as lines of the largest groups. */
export function chartOf(rows: readonly StatsRow[], rule: Drawn): ChartData {
  const { xs, step, placeOf } = timelineOf(rows, rule);
  const groups = groupsOf(rows, rule);
  const largest = [...groups].sort((a, b) => b.weight - a.weight).slice(0, linesMax);
  const none = valueWithoutRow(rule);
  // Only these have a value for every window: there may be thousands of groups, and thousands of windows.
  const drawn = largest.map(({ key, rows }) => {
    const values = xs.map((): number | null => none);
    for (const { row, value } of rows) values[placeOf(row)] = value;
    return { key, label: groupLabel(rows[0]!.row, rule), values };
  });
  // By name, so that a group keeps its colour while others overtake it.
  const lines = drawn.sort((a, b) => (a.label < b.label ? -1 : 1));
  const isText = rows.length > 0 && groups.length === 0;
  const openFrom = rows.reduce((first, row) => (row.final ? first : Math.min(first, placeOf(row))), xs.length);
  const hiddenGroups = rule.isPart ? 0 : groups.length - lines.length;
  return { xs, lines, step, openFrom, hiddenGroups, isText };
}

interface Group {
  readonly key: string;
  /** Those that have a number; at least one. */
  readonly rows: { readonly row: StatsRow; readonly value: number }[];
  /** What its values amount to, whatever their signs. */
  weight: number;
}

function groupsOf(rows: readonly StatsRow[], rule: Drawn): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const { value } = row;
    if (typeof value !== "number") continue;
    const key = groupKey(row, rule);
    const group = groups.get(key) ?? { key, rows: [], weight: 0 };
    group.rows.push({ row, value });
    group.weight += Math.abs(value);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The group of a row, whatever is in its values. */
const groupKey = (row: StatsRow, { group_by }: Pick<Drawn, "group_by">): string =>
  JSON.stringify([row.overflow ?? false, ...group_by.map((name) => row[name])]);

/** The places that each value has, where values are exact. */
export const placesOf = ({ metric, decimals }: Drawn): number | undefined =>
  /^(?:sum|min|max)$/.test(metric) ? decimals : undefined;

/** The group of a row in one text. */
export function groupLabel(row: StatsRow, { group_by, metric }: Pick<Drawn, "group_by" | "metric">): string {
  if (row.overflow) return "further groups";
  if (group_by.length === 0) return metric;
  return group_by.map((name) => groupValue(row, name)).join(" · ");
}

/** The value of one group key of a row. */
export function groupValue(row: StatsRow, name: string): string {
  const value = row[name];
  return value === null || value === undefined ? "no value" : shownText(valueText(value));
}

/** One figure a window for a small picture: what groups add up to, or, of what does not add up, the largest. A window without a value is left out. */
export function sparkOf(rows: readonly StatsRow[], rule: Drawn): readonly number[] {
  const { xs, placeOf } = timelineOf(rows, rule);
  const adds = /^(?:count|sum|rate|event_count)$/.test(rule.metric);
  const figures = new Map<number, number>();
  for (const row of rows) {
    if (typeof row.value !== "number") continue;
    const place = placeOf(row);
    const before = figures.get(place) ?? (adds ? 0 : -Infinity);
    figures.set(place, adds ? before + row.value : Math.max(before, row.value));
  }
  // Of texts there is no picture.
  if (figures.size === 0) return [];
  return xs.flatMap((_x, place) => figures.get(place) ?? valueWithoutRow(rule) ?? []);
}
