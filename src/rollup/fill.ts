import type { Span } from "../rule/rule.ts";
import type { Bindings } from "./bindings.ts";
import { startBefore } from "./pane.ts";
import { paneConditions, secondAt, type WindowSelection } from "./selection.ts";

/** The start of the window in which a pane lies, and the conditions on it. */
export interface WindowStart {
  readonly start: string;
  readonly conditions: readonly string[];
}

/** The groups that any window of the selection has, as a select of `grp`. Without keys there is one, also where nothing entered. */
export function groupsSeen(
  query: WindowSelection,
  { start, conditions }: WindowStart,
  filters: readonly string[],
  bindings: Bindings,
): string {
  if (query.rule.groupBy.length === 0) return "SELECT CAST([], 'Array(Nullable(String))') AS grp";
  const where = [...paneConditions(query, bindings), ...conditions, ...filters, "n != 0"];
  // Of hopping windows every pane lies in one that is asked for.
  const startColumn = conditions.length === 0 ? "" : `, ${start} AS start`;
  return `SELECT DISTINCT grp FROM (SELECT grp${startColumn} FROM rollups WHERE ${where.join(" AND ")})`;
}

/** What decides how many windows a page of filled rows has: the groups (a select), and the least rows that each has in a window. */
interface Density {
  readonly groups: string;
  readonly hops: number;
}

/**
 * The starts (seconds) of windows to fill, as an array: from where the page begins, so many that they fill it. Every group
 * has a row in each of them, so their number bounds the work.
 */
export function startsToFill(span: Span, query: WindowSelection, density: Density, bindings: Bindings): string {
  const int = (value: number): string => bindings.bind("fill", "Int64", value);
  const [from, to] = [secondAt(query.from), secondAt(Math.min(query.to, query.fillTo ?? 0))];
  const rows = `greatest((SELECT toInt64(count()) FROM (${density.groups})), 1) * ${int(density.hops)}`;
  const most = `(intDiv(${int(query.limit)}, ${rows}) + 2)`;
  if (span.unit !== "second") {
    const starts = `arrayFilter(s -> s >= ${int(from)} AND s < ${int(to)}, ${calendarStarts(span, int(from), int(to), bindings)})`;
    return query.order === "newest" ? `arraySlice(${starts}, -${most})` : `arraySlice(${starts}, 1, ${most})`;
  }
  const up = (second: number): string => int(Math.ceil(second / span.count) * span.count);
  const reach = `${most} * ${int(span.count)}`;
  return query.order === "newest"
    ? `range(greatest(${up(from)}, ${up(to)} - ${reach}), ${up(to)}, ${int(span.count)})`
    : `range(${up(from)}, least(${up(to)}, ${up(from)} + ${reach}), ${int(span.count)})`;
}

/** Ascending starts of spans of the calendar from the one that holds `from` to the one behind `to`, seconds. */
export function calendarStarts(
  span: Exclude<Span, { readonly unit: "second" }>,
  from: string,
  to: string,
  bindings: Bindings,
): string {
  // No day is shorter than half a one.
  const half = bindings.bind("half_day", "Int64", 43_200);
  return `arrayDistinct(arrayMap(s -> ${startBefore(span, "s", bindings)}, range(${from}, ${to} + ${half}, ${half})))`;
}
