import type { Readable } from "node:stream";
import { WeirError } from "../lib/errors.ts";
import type { Progress } from "../progress/progress.ts";
import type { TableFormat } from "../rollup/table.ts";
import type { Store } from "../store/store.ts";
import type { RawParameters } from "./parameters.ts";
import { type Answering, type StatsRequest, statsRequest } from "./stats-request.ts";
import { isComplete } from "./stats.ts";

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
}

/** With escapes, what headers and addresses of most servers and clients can carry. */
const cursorLengthMax = 8000;

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
  const complete = isComplete(answering);
  // Asked before the store: what is counted by then is surely in the rows.
  const finalThrough = complete ? sources.progress.countedThrough() : 0;
  const table = await sources.store.windowTable({ ...query, format, finalThrough }, signal);
  return {
    ruleId: answering.rule.spec.rule_id,
    format,
    complete,
    ...(table.last === undefined ? {} : { nextCursor: cursorBehind(table.last, request) }),
    read: () => table.read(signal),
  };
}

/** A cursor that nobody could send back is no cursor, and a table without one would look whole. */
function cursorBehind(last: Parameters<StatsRequest["nextCursor"]>[0], request: StatsRequest): string {
  const cursor = request.nextCursor(last);
  if (cursor.length <= cursorLengthMax) return cursor;
  const message = "ends the table at a group whose values are too long for a cursor; choose another";
  throw new WeirError("invalid_query", `limit ${message}`, {
    details: [{ path: "limit", message, value: request.query.limit }],
  });
}
