import type { StatsRow, Weir } from "../../client/src/weir.ts";
import type { Clock } from "../lib/clock.ts";
import type { Difference, OwnCount } from "./own-count.ts";

export interface Checked {
  /** Windows and groups that were counted here. */
  readonly windows: number;
  readonly differences: readonly Difference[];
}

const patienceMs = 120_000;
const pauseMs = 100;
/** Somebody else's events may wait behind ours: nothing to do is seen twice before it is believed. */
const idleMs = 1000;

/** Compares as soon as the server has counted everything, and as often as it takes until then. @throws WeirError */
export async function checkCounts(weir: Pick<Weir, "stats" | "status">, own: OwnCount, clock: Clock): Promise<Checked> {
  const deadline = clock.monotonic() + patienceMs;
  let idleSince = Infinity;
  for (;;) {
    const { lag_ms } = await weir.status();
    const at = clock.monotonic();
    const differences = await found(weir, own, clock);
    if (differences.length === 0) return { windows: own.size, differences };
    idleSince = lag_ms > 0 ? Infinity : Math.min(idleSince, at);
    if (at - idleSince > idleMs || at > deadline) return { windows: own.size, differences };
    await clock.sleep(pauseMs);
  }
}

async function found(weir: Pick<Weir, "stats">, own: OwnCount, clock: Clock): Promise<Difference[]> {
  const differences: Difference[] = [];
  if (own.size === 0) return differences;
  for (const rule of own.rules) {
    const rows: StatsRow[] = [];
    const to = clock.now() + 3_600_000;
    for await (const row of weir.stats.rows({ rule: rule.rule_id, from: own.from, to, limit: 10_000 })) rows.push(row);
    differences.push(...own.differences(rule, rows));
  }
  return differences;
}
