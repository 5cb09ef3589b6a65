import type { Span } from "../rule/rule.ts";
import type { Bindings } from "./bindings.ts";
import { groupsSeen, startsToFill, type WindowStart } from "./fill.ts";
import type { Finish } from "./finish.ts";
import { startBefore } from "./pane.ts";
import { paneConditions, secondAt, type WindowSelection, windowsOf } from "./selection.ts";

export interface ReadScope {
  readonly finish: Finish;
  readonly bindings: Bindings;
  /** Conditions on groups. */
  readonly filters: readonly string[];
}

/** In seconds. */
export const paneStart = "toInt64(toUnixTimestamp(pane))";

/**
 * Windows that are each merged from their own panes: `start` (seconds), `grp`, `n` and the state. A pane of hopping windows
 * is taken once for each window that it lies in. `whole`: the selection without its page, whose groups are filled in.
 */
export function apart(query: WindowSelection, whole: WindowSelection, scope: ReadScope): string {
  const { finish, filters, bindings } = scope;
  const { start, conditions } = startOfWindow(query, bindings);
  const fills = query.fillTo !== undefined;
  const columns = [`${start} AS start`, "grp", "n", ...(fills ? ["0 AS filled"] : []), ...stateColumn(finish)];
  const where = [...paneConditions(query, bindings), ...conditions, ...filters];
  return `    SELECT start, grp, sum(r.n) AS n${mergedState(finish, "")}
    FROM (
      SELECT ${columns.join(", ")}
      FROM rollups
      WHERE ${where.join("\n        AND ")}${fills ? `\n      UNION ALL\n      ${filling(query, whole, scope)}` : ""}
    ) AS r
    GROUP BY start, grp
    HAVING n != 0${fills ? " OR max(filled) != 0" : ""}`;
}

export const stateColumn = ({ state }: Finish): string[] => (state === null ? [] : [state.column]);
export const emptyState = ({ state }: Finish): string[] =>
  state === null ? [] : [`${state.empty} AS ${state.column}`];

/** The merged state under the name of its column; `over` is the window that it runs over. */
export const mergedState = ({ state }: Finish, over: string): string =>
  state === null ? "" : `, ${state.merge}${over} AS ${state.column}`;

/** The start of the window in which the pane lies, or each of them; and which of these are asked for, where panes don't say it. */
function startOfWindow(query: WindowSelection, bindings: Bindings): WindowStart {
  const { kind, size, hop, pane } = windowsOf(query);
  if (kind === "hopping" && size.unit === "second" && hop?.unit === "second")
    return { start: startsOver(size, hop, query, bindings), conditions: [] };
  if (pane === size) return { start: paneStart, conditions: [] };
  return { start: startBefore(size, paneStart, bindings), conditions: startConditions(query, bindings) };
}

export const startConditions = (query: WindowSelection, bindings: Bindings): string[] => [
  `start >= ${bindings.bind("start", "Int64", secondAt(query.from))}`,
  `start < ${bindings.bind("start", "Int64", secondAt(query.to))}`,
];

type Seconds = Extract<Span, { readonly unit: "second" }>;

/** The starts of the hopping windows, of those that are asked for, in which the pane lies: a row for each. */
function startsOver(size: Seconds, hop: Seconds, query: WindowSelection, bindings: Bindings): string {
  const int = (value: number): string => bindings.bind("hop", "Int64", value);
  const up = (ms: number): number => Math.ceil(secondAt(ms) / hop.count) * hop.count;
  const from = `greatest(${paneStart} - ${int(size.count - hop.count)}, ${int(up(query.from))})`;
  const to = `least(${paneStart}, ${int(up(query.to) - hop.count)}) + 1`;
  return `arrayJoin(range(${from}, ${to}, ${int(hop.count)}))`;
}

/** A row of nothing for every group in every window. */
function filling(query: WindowSelection, whole: WindowSelection, { finish, bindings, filters }: ReadScope): string {
  const { kind, size, hop } = windowsOf(query);
  const groups = groupsSeen(whole, startOfWindow(whole, bindings), filters, bindings);
  const starts = startsToFill(kind === "hopping" && hop ? hop : size, query, { groups, hops: 1 }, bindings);
  const columns = [`arrayJoin(${starts}) AS start`, "grp", "toUInt64(0) AS n", "1 AS filled", ...emptyState(finish)];
  return `SELECT ${columns.join(", ")} FROM (${groups})`;
}
