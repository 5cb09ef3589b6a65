import type { Readable } from "node:stream";
import { WeirError } from "../lib/errors.ts";
import type { Progress } from "../progress/progress.ts";
import type { TableFormat } from "../rollup/table.ts";
import type { Store, WindowQuery } from "../store/store.ts";
import type { RawParameters } from "./parameters.ts";
import { pageEnd } from "./page-end.ts";
import { type Answering, keptSince, statsRequest } from "./stats-request.ts";
import { hasWindows, isComplete } from "./stats.ts";

/** A page of `/stats` as a table. */
export interface StatsTable {
  readonly ruleId: string;
  readonly format: TableFormat;
  /** As in the JSON answer. */
  readonly complete: boolean;
  /** There is more; ask again with this cursor. */
  readonly nextCursor?: string;
  /**
   * The bytes; the caller reads them to the end or destroys the stream. May be called once.
   * @throws WeirError `store_unavailable` too, when what its head says has become untrue meanwhile.
   */
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
  { now, signal }: { readonly now: () => number; readonly signal: AbortSignal },
): Promise<StatsTable> {
  const request = statsRequest(raw, answering, now());
  const { format } = request;
  if (format === "json") throw new TypeError("an answer in JSON is no table");
  // Asked before the store: what is counted by then is surely in the rows.
  const countedThrough = sources.progress.countedThrough();
  const complete = isComplete(answering, sources);
  const finalThrough = complete ? countedThrough : 0;
  const query = lasting(request.query, answering, now());
  const asked = hasWindows(answering) ? query : noneOf(query);
  const table = await sources.store.windowTable({ ...asked, format, finalThrough }, signal);
  /** What has come in between: rules that came may have had windows dropped, and windows that expire are deleted part by part. */
  const whyUntrue = (): string | undefined => {
    if (complete && !isComplete(answering, sources)) return otherRules;
    return asked.from < Math.min(keptSince(answering, now()), asked.to) ? expired : undefined;
  };
  return {
    ruleId: answering.rule.spec.rule_id,
    format,
    complete,
    ...(table.last === undefined ? {} : { nextCursor: pageEnd([table.last], request).cursor }),
    read: async () => {
      const bytes = await table.read(signal);
      const untrue = whyUntrue();
      if (untrue === undefined) return bytes;
      bytes.destroy();
      throw new WeirError("store_unavailable", untrue, { canRetry: true });
    },
  };
}

const expired = "windows expired while they were read; ask for fewer, or with a later start_time";
const otherRules = "the rules were changed while the windows were read";

/** How long a table may take to be read, by and large. */
const readingMs = 60_000;

/**
 * Without the windows that expire before it has been read: they are deleted part by part, and no row can be taken out of it any more.
 * Where windows are kept for a short time only those of its last twentieth are left out, as they are deleted that much later, too.
 */
function lasting(query: WindowQuery, answering: Answering, now: number): WindowQuery {
  const { rule, keeper = rule } = answering;
  const keptMs = 1000 * Math.min(rule.retentionSeconds ?? Infinity, keeper.retentionSeconds ?? Infinity);
  const from = Math.max(query.from, keptSince(answering, now + Math.min(readingMs, keptMs / 20)));
  return { ...query, from: Math.min(from, query.to) };
}

/** The same columns and no row: a table has a head also where there are no windows. */
function noneOf(query: WindowQuery): WindowQuery {
  const { fillTo: _, ...unfilled } = query;
  return { ...unfilled, to: query.from };
}
