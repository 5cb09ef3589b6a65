import { secondsMaxOf } from "../rule/window.ts";
import { emptyState, mergedState, paneStart, type ReadScope, startConditions, stateColumn } from "./apart.ts";
import type { Bindings } from "./bindings.ts";
import { calendarStarts, groupsSeen, startsToFill } from "./fill.ts";
import { endOf, startBefore } from "./pane.ts";
import { paneConditions, secondAt, type WindowSelection, windowsOf } from "./selection.ts";

/**
 * Cumulative windows: `start` and `slot`, which is the start of the last hop (seconds), `grp`, `n` and the state. States are
 * merged once, running over the hops of a window.
 *
 * A window has a row for every group at the end of each hop, from the group's first event to the window's newest event of
 * any group: these are the cells of a grid, and what runs over the panes is read off there.
 */
export function growing(query: WindowSelection, whole: WindowSelection, scope: ReadScope): string {
  const { finish, filters, bindings } = scope;
  const stored = ["start", "slot", "grp", "n", ...stateColumn(finish), "0 AS cell"].join(", ");
  const cells = ["start", "slot", "grp", "toUInt64(0) AS n", ...emptyState(finish), "cell"].join(", ");
  const kept = ["start", "slot", "grp", "n", ...stateColumn(finish)].join(", ");
  return `    SELECT ${kept}
    FROM (
      SELECT start, slot, grp, cell, sum(r.n) OVER growth AS n${mergedState(finish, " OVER growth")}
      FROM (
        SELECT ${stored} FROM (
          ${panes(query, filters, ["grp", "n", ...stateColumn(finish)], bindings)}
        )
        UNION ALL
        SELECT ${cells} FROM (
          ${grid(query, whole, scope)}
        )
      ) AS r
      WINDOW growth AS (PARTITION BY start, grp ORDER BY slot, cell ROWS UNBOUNDED PRECEDING)
    )
    WHERE cell != 0 AND (n != 0 OR cell = 2)`;
}

/** The panes of the asked windows with their window and hop. */
function panes(
  query: WindowSelection,
  filters: readonly string[],
  columns: readonly string[],
  bindings: Bindings,
): string {
  const { size } = windowsOf(query);
  const where = [...paneConditions(query, bindings), ...startConditions(query, bindings), ...filters].join(" AND ");
  const start = `${startBefore(size, paneStart, bindings)} AS start`;
  return `SELECT ${[start, `${slotOf(query)} AS slot`, ...columns].join(", ")} FROM rollups WHERE ${where}`;
}

/** A pane is a hop. What lies before its window, in the first hours of 1970, belongs to the first. */
function slotOf(query: WindowSelection): string {
  return windowsOf(query).size.unit === "second" ? paneStart : `greatest(${paneStart}, start)`;
}

/** The rows to answer: `start`, `slot`, `grp`, and `cell`: 1 where an event must have entered, 2 where none need have. */
function grid(query: WindowSelection, whole: WindowSelection, scope: ReadScope): string {
  const { bindings, filters } = scope;
  const entered = panes(query, [], ["grp", "n"], bindings);
  const groups = filters.length === 0 ? "groupUniqArray(grp)" : `groupUniqArrayIf(grp, ${filters.join(" AND ")})`;
  const slots = asked(query, slotsBetween(query, "oldest", "newest + 1", bindings), bindings);
  const own = `SELECT start, arrayJoin(${slots}) AS slot, arrayJoin(seen) AS grp, 1 AS cell
          FROM (SELECT start, ${groups} AS seen, min(slot) AS oldest, max(slot) AS newest FROM (${entered}) WHERE n != 0 GROUP BY start)`;
  if (query.fillTo === undefined) return own;
  return `SELECT start, slot, grp, max(c.cell) AS cell FROM (
          ${own}
          UNION ALL
          ${filling(query, whole, scope)}
          ) AS c GROUP BY start, slot, grp`;
}

function filling(query: WindowSelection, whole: WindowSelection, { bindings, filters }: ReadScope): string {
  const { size, hop } = windowsOf(query);
  const own = { start: startBefore(size, paneStart, bindings), conditions: startConditions(whole, bindings) };
  const groups = groupsSeen(whole, own, filters, bindings);
  // No window has fewer hops; a day may lack an hour.
  const hops = Math.max(1, Math.floor((secondsLeast[size.unit] ?? secondsMaxOf(size)) / secondsMaxOf(hop ?? size)));
  const starts = startsToFill(size, query, { groups, hops }, bindings);
  const end = `least(${endOf(size, "start", bindings)}, ${bindings.bind("fill", "Int64", secondAt(query.fillTo ?? 0))})`;
  const slots = asked(query, slotsBetween(query, "start", end, bindings), bindings);
  return `SELECT start, arrayJoin(${slots}) AS slot, grp, 2 AS cell
          FROM (SELECT arrayJoin(${starts}) AS start, grp FROM (${groups}))`;
}

const secondsLeast: Readonly<Record<string, number>> = { day: 23 * 3600, week: 167 * 3600, month: 671 * 3600 };

/** The slots with `from ≤ slot < to`, as an array; `from` is one. */
function slotsBetween(query: WindowSelection, from: string, to: string, bindings: Bindings): string {
  const hop = windowsOf(query).hop!;
  if (hop.unit === "second") return `range(${from}, ${to}, ${bindings.bind("hop", "Int64", hop.count)})`;
  return `arrayFilter(s -> s >= ${from} AND s < ${to}, ${calendarStarts(hop, from, to, bindings)})`;
}

function asked({ lastHops }: WindowSelection, slots: string, bindings: Bindings): string {
  if (lastHops === undefined) return slots;
  const bound = (ms: number): string => bindings.bind("slot", "Int64", secondAt(ms));
  return `arrayFilter(s -> s >= ${bound(lastHops.from)} AND s < ${bound(lastHops.to)}, ${slots})`;
}
