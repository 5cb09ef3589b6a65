import { formatTime } from "../lib/rfc3339.ts";
import type { Progress } from "../progress/progress.ts";
import { statsRow } from "../protocol/stats-row.ts";
import type { StatsAnswer } from "../protocol/stats.ts";
import type { Store, WindowRow } from "../store/store.ts";
import type { RawParameters } from "./parameters.ts";
import { statsRequest } from "./stats-request.ts";
import type { Answering } from "./stats-request.ts";

export interface StatsSources {
  readonly store: Pick<Store, "windows">;
  readonly progress: Pick<Progress, "countedThrough" | "lagMs">;
}

/**
 * Answers `/stats` for the version of a rule that answers.
 * @throws WeirError `invalid_query`, `store_unavailable`.
 */
export async function stats(
  raw: RawParameters,
  answering: Answering,
  sources: StatsSources,
  now: number,
): Promise<StatsAnswer> {
  const { query, nextCursor } = statsRequest(raw, answering, now);
  // Asked before the store: what is counted by then is surely in the rows.
  const countedThrough = sources.progress.countedThrough();
  const rows = await read(sources.store, query, answering);
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const complete = isComplete(answering);
  return {
    rule_id: answering.rule.spec.rule_id,
    from: formatTime(query.from),
    to: formatTime(query.to),
    count: page.length,
    data: page.map((row) => statsRow(row, answering.rule, complete ? countedThrough : 0)),
    version: answering.version.version,
    complete,
    lag_ms: sources.progress.lagMs(),
    ...(rows.length > query.limit && last ? { next_cursor: nextCursor(last) } : {}),
  };
}

/** A filling version lacks history, a paused one what came since. */
export function isComplete({ version }: Answering): boolean {
  return version.phase === "live";
}

/** One row more than asked for, to know whether there is a next page. A version without activation has no windows yet. */
function read(
  store: StatsSources["store"],
  query: Parameters<Store["windows"]>[0],
  { version }: Answering,
): Promise<readonly WindowRow[]> {
  if (version.phase === "pending") return Promise.resolve([]);
  return store.windows({ ...query, limit: query.limit + 1 });
}
