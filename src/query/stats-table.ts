import type { Readable } from "node:stream";
import type { Progress } from "../progress/progress.ts";
import type { TableFormat } from "../rollup/table.ts";
import type { Store, WindowQuery } from "../store/store.ts";
import type { RawParameters } from "./parameters.ts";
import { pageEnd } from "./page-end.ts";
import { type Answering, statsRequest } from "./stats-request.ts";
import { hasWindows, isComplete } from "./stats.ts";

/** A page of `/stats` as a table. */
export interface StatsTable {
  readonly ruleId: string;
  readonly format: TableFormat;
  /** As in the JSON answer. */
  readonly complete: boolean;
  /** There is more; ask again with this cursor. */
  readonly nextCursor?: string;
  /** The bytes; the caller reads them to the end or destroys the stream. May be called once. */
  read(): Promise<Readable>;
}

export interface TableSources {
  readonly store: Pick<Store, "windowTable">;
  readonly progress: Pick<Progress, "countedThrough">;
  readonly knowsRules?: () => boolean;
}

/**
 * Answers `/stats` as a table. What is read and how far it is counted are fixed as in the JSON answer; the page's end is
 * looked for first, so that its cursor is known before the rows are.
 * @throws WeirError `invalid_query`, `store_unavailable`.
 */
export async function statsTable(
  raw: RawParameters,
  answering: Answering,
  sources: TableSources,
  { now, signal }: { readonly now: number; readonly signal: AbortSignal },
): Promise<StatsTable> {
  const request = statsRequest(raw, answering, now);
  const { query, format } = request;
  if (format === "json") throw new TypeError("an answer in JSON is no table");
  // Asked before the store: what is counted by then is surely in the rows.
  const countedThrough = sources.progress.countedThrough();
  const complete = isComplete(answering, sources);
  const finalThrough = complete ? countedThrough : 0;
  const asked = hasWindows(answering) ? query : noneOf(query);
  const table = await sources.store.windowTable({ ...asked, format, finalThrough }, signal);
  return {
    ruleId: answering.rule.spec.rule_id,
    format,
    complete,
    ...(table.last === undefined ? {} : { nextCursor: pageEnd([table.last], request).cursor }),
    read: () => table.read(signal),
  };
}

/** The same columns and no row: a table has a head also where there are no windows. */
function noneOf(query: WindowQuery): WindowQuery {
  const { fillTo: _, ...unfilled } = query;
  return { ...unfilled, to: query.from };
}
