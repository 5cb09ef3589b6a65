import type { StatsRow } from "../../../client/src/wire.ts";
import { shownText, valueText } from "../words/format.ts";

/** What of a rule decides how its windows are drawn. */
export interface Drawn {
  readonly metric: string;
  readonly group_by: readonly string[];
  readonly window_type?: "tumbling" | "hopping" | "cumulative";
  readonly decimals?: number;
  readonly having?: string;
  readonly top_n?: number;
}

/** All of it that decides the lines, as one text. */
export const linesKey = ({ metric, group_by, window_type, having, top_n }: Drawn): string =>
  JSON.stringify([metric, group_by, window_type, having, top_n]);

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
  /** Groups that have no line, for want of room. */
  readonly hiddenGroups: number;
  /** Values that are no numbers, and so have no place in a chart. */
  readonly isText: boolean;
}

/** More colours than these can't be told apart. */
export const linesMax = 8;
/** More missing windows than these are left as a gap. */
const filledMax = 500;

/** Metrics of which a window without events has a value: none came. */
const emptyIsZero: ReadonlySet<string> = new Set([
  ...["count", "sum", "rate", "uniq", "uniq_exact", "event_count", "active_users"],
]);

/** What a group has counted in a window of which it has no row: where rows may be left out, nobody knows. */
const valueWithoutRow = ({ metric, having, top_n }: Drawn): 0 | null =>
  emptyIsZero.has(metric) && having === undefined && top_n === undefined ? 0 : null;

/** Rows as `/stats` has them, newest first, as lines of the largest groups. */
export function chartOf(rows: readonly StatsRow[], rule: Drawn, most: number = linesMax): ChartData {
  const moment = (row: StatsRow): number =>
    Date.parse(rule.window_type === "cumulative" ? row.window_end : row.window_start) / 1000;
  const xs = withMissing([...new Set(rows.map(moment))].sort((a, b) => a - b));
  const place = new Map(xs.map((x, index) => [x, index]));
  const none = valueWithoutRow(rule);
  const groups = new Map<string, { label: string; weight: number; values: (number | null)[] }>();
  let openFrom = xs.length;
  for (const row of rows) {
    const at = place.get(moment(row)) ?? 0;
    if (!row.final) openFrom = Math.min(openFrom, at);
    if (typeof row.value !== "number") continue;
    const key = groupKey(row, rule);
    const group = groups.get(key) ?? { label: groupLabel(row, rule), weight: 0, values: xs.map(() => none) };
    group.values[at] = row.value;
    group.weight += Math.abs(row.value);
    groups.set(key, group);
  }
  const byWeight = [...groups].sort(([, a], [, b]) => b.weight - a.weight);
  const largest = byWeight.slice(0, most).map(([key, { label, values }]) => ({ key, label, values }));
  // By name, so that a group keeps its colour while others overtake it.
  const lines = largest.sort((a, b) => (a.label < b.label ? -1 : 1));
  const isText = rows.length > 0 && groups.size === 0;
  const hiddenGroups = byWeight.length - lines.length;
  return { xs, lines, step: stepOf(xs, rows[0]), openFrom, hiddenGroups, isText };
}

/** The least distance of two windows; where there is one alone, its length. */
function stepOf(xs: readonly number[], row: StatsRow | undefined): number {
  if (xs.length > 1) return Math.min(...xs.slice(1).map((x, index) => x - xs[index]!));
  return row === undefined ? 1 : (Date.parse(row.window_end) - Date.parse(row.window_start)) / 1000;
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
  const { xs, lines } = chartOf(rows, rule, Infinity);
  const adds = /^(?:count|sum|rate|event_count)$/.test(rule.metric);
  return xs.flatMap((_x, index) => {
    const values = lines.flatMap(({ values }) => values[index] ?? []);
    if (values.length === 0) return [];
    return values.reduce((sum, value) => (adds ? sum + value : Math.max(sum, value)));
  });
}

/** With the windows in between that have no row, where windows are of equal length and not too many are missing. */
function withMissing(xs: readonly number[]): readonly number[] {
  const [first, last] = [xs[0], xs.at(-1)];
  if (first === undefined || last === undefined || xs.length < 2) return xs;
  const steps = xs.slice(1).map((x, index) => x - xs[index]!);
  const step = Math.min(...steps);
  const count = (last - first) / step + 1;
  if (count - xs.length > filledMax || steps.some((one) => one % step !== 0)) return xs;
  return Array.from({ length: count }, (_, index) => first + index * step);
}
