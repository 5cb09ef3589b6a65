import { renderFirstPane, renderWindows } from "../../rollup/read.ts";
import { betweenPlaces } from "../../rollup/selection.ts";
import { secondsMaxOf } from "../../rule/window.ts";
import type { WindowQuery } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { FoundPlace, FoundWindow } from "./window-row.ts";

/** Windows of fewer panes are read all at once. */
const panesLeast = 16;
/** About how many panes a piece hands out to hopping windows, of each group in them. */
const handedOut = 65_536;
/** About how many rows a piece of cumulative windows has, of each group in them. */
const grown = 1024;
/** How much longer pieces become while there is nothing in them. */
const longest = 16;

/** What is read at a time. */
type Span = Pick<WindowQuery, "from" | "to">;

/**
 * The windows of a query, in its order. Where each pane is in many windows, a page needs only some of them and the engine
 * would make all: there the span is read piece by piece, from the end that is asked for first, until the page is full.
 * `groups`: how many a pane has, where that is known.
 */
export async function readWindows(
  connection: Pick<Connection, "rows">,
  query: WindowQuery,
  signal?: AbortSignal,
  groups = 1,
): Promise<readonly FoundWindow[]> {
  let length = lengthOfPiece(query, groups);
  if (length === undefined) return connection.rows<FoundWindow>(renderWindows(query), signal);
  const most = length * longest;
  const rows: FoundWindow[] = [];
  let rest: Span = betweenPlaces(query);
  while (rows.length < query.limit && rest.from < rest.to) {
    const [edge] = await connection.rows<{ first: number }>(renderFirstPane({ ...query, ...rest }), signal);
    if (edge === undefined) break;
    const piece = pieceFrom(query, rest, edge.first, length);
    const limit = query.limit - rows.length;
    const found = await connection.rows<FoundWindow>(renderWindows({ ...query, ...piece, limit }), signal);
    rows.push(...found);
    rest = query.order === "newest" ? { from: rest.from, to: piece.from } : { from: piece.to, to: rest.to };
    if (found.length === 0) length = Math.min(length * 2, most);
  }
  return rows;
}

/** Pages of more rows are not looked through to find where they end. */
const pageMost = 10_000;

/** Where a page ends and what lies behind it, as `renderPageEnd` has it, when that can be found by reading its windows; else undefined. */
export async function pageEnd(
  connection: Pick<Connection, "rows">,
  query: WindowQuery,
  signal: AbortSignal,
): Promise<readonly FoundPlace[] | undefined> {
  if (query.limit > pageMost || lengthOfPiece(query) === undefined) return undefined;
  const rows = await readWindows(connection, { ...query, limit: query.limit + 1 }, signal);
  return rows.slice(query.limit - 1);
}

/** In milliseconds; undefined for what is read at once. Filled windows ask for the groups of the whole span. */
function lengthOfPiece({ rule: { window }, step, fillTo }: WindowQuery, groups = 1): number | undefined {
  const { kind, size, hop } = window;
  if (hop === undefined || size.unit !== "second" || step !== undefined || fillTo !== undefined) return undefined;
  const panes = size.count / secondsMaxOf(hop);
  if (panes < panesLeast) return undefined;
  if (kind === "hopping") return Math.ceil(handedOut / panes / groups) * secondsMaxOf(hop) * 1000;
  return Math.max(1, Math.floor(grown / panes / groups)) * size.count * 1000;
}

/** The part of `rest` that comes first in the asked order and has a window with the pane `first` in it. */
function pieceFrom({ order, rule }: WindowQuery, rest: Span, first: number, length: number): Span {
  if (order === "newest") {
    const to = Math.min(rest.to, first + 1);
    return { from: Math.max(rest.from, to - length), to };
  }
  const from = Math.max(rest.from, first - secondsMaxOf(rule.window.size) * 1000 + 1);
  return { from, to: Math.min(rest.to, from + length) };
}
