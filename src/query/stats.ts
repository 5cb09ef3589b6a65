import { formatTime } from "../lib/rfc3339.ts";
import type { Progress } from "../progress/progress.ts";
import { statsRow } from "../protocol/stats-row.ts";
import type { StatsAnswer } from "../protocol/stats.ts";
import type { Store, WindowRow } from "../store/store.ts";
import type { RawParameters } from "./parameters.ts";
import { type Answering, type StatsRequest, keptSince, statsRequest } from "./stats-request.ts";
import { pageEnd } from "./page-end.ts";

export interface StatsSources {
  readonly store: Pick<Store, "windows">;
  readonly progress: Pick<Progress, "countedThrough" | "lagMs">;
  /** See `QueryParts`. */
  readonly knowsRules?: () => boolean;
}

/**
 * Answers `/stats` for the version of a rule that answers. A page has fewer rows than `limit` where its last ones have no cursor.
 * @throws WeirError `invalid_query`, `store_unavailable`.
 */
export async function stats(
  raw: RawParameters,
  answering: Answering,
  sources: StatsSources,
  { now, signal }: { readonly now: () => number; readonly signal?: AbortSignal | undefined },
): Promise<StatsAnswer> {
  const request = statsRequest(raw, answering, now());
  const { query } = request;
  // Asked before the store: what is counted by then is surely in the rows.
  const countedThrough = sources.progress.countedThrough();
  const known = isComplete(answering, sources);
  const { page, cursor } = pageOf(await read(sources.store, query, answering, signal), request);
  // Rules that came meanwhile may have had the windows dropped.
  const complete = known && isComplete(answering, sources);
  // Windows that expired meanwhile may have been read in part: they are deleted part by part.
  const from = Math.min(Math.max(query.from, keptSince(answering, now())), query.to);
  const kept = page.filter(({ windowStart }) => windowStart >= from);
  return {
    rule_id: answering.rule.spec.rule_id,
    from: formatTime(from),
    to: formatTime(query.to),
    count: kept.length,
    data: kept.map((row) => statsRow(row, answering.rule, complete ? countedThrough : 0)),
    version: answering.version.version,
    complete,
    lag_ms: sources.progress.lagMs(),
    ...(cursor === undefined ? {} : { next_cursor: cursor }),
  };
}

/**
 * A filling version lacks history, a paused one what came since. One that is live for all that is known here may be either where
 * events are counted by later rules.
 */
export function isComplete({ version }: Answering, { knowsRules }: Pick<StatsSources, "knowsRules">): boolean {
  return version.phase === "live" && (knowsRules?.() ?? true);
}

/** A version without activation has no windows yet. */
export function hasWindows({ version }: Answering): boolean {
  return version.phase !== "pending";
}

interface Page {
  readonly page: readonly WindowRow[];
  /** There is more. */
  readonly cursor?: string;
}

function pageOf(rows: readonly WindowRow[], request: StatsRequest): Page {
  const { limit } = request.query;
  if (rows.length <= limit) return { page: rows };
  const { count, cursor } = pageEnd(rows.slice(0, limit), request);
  return { page: rows.slice(0, count), cursor };
}

/** One row more than asked for, to know whether there is a next page. */
function read(
  store: StatsSources["store"],
  query: Parameters<Store["windows"]>[0],
  answering: Answering,
  signal: AbortSignal | undefined,
): Promise<readonly WindowRow[]> {
  if (!hasWindows(answering)) return Promise.resolve([]);
  return store.windows({ ...query, limit: query.limit + 1 }, undefined, signal);
}
