import type { StatsRow, Weir } from "../../client/src/weir.ts";
import type { Clock } from "../lib/clock.ts";
import { unlessAborted } from "../lib/unless-aborted.ts";
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

export interface Checking {
  readonly weir: Pick<Weir, "stats" | "status">;
  readonly own: OwnCount;
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Compares as soon as the server has counted everything, and as often as it takes until then. @throws WeirError; the signal's reason */
export async function checkCounts(checking: Checking): Promise<Checked> {
  const { weir, own, clock, signal } = checking;
  const deadline = clock.monotonic() + patienceMs;
  let idleSince = Infinity;
  for (;;) {
    const { lag_ms } = await unlessAborted(weir.status(), signal);
    const at = clock.monotonic();
    const differences = await found(checking);
    if (differences.length === 0) return { windows: own.size, differences };
    idleSince = lag_ms > 0 ? Infinity : Math.min(idleSince, at);
    if (at - idleSince > idleMs || at > deadline) return { windows: own.size, differences };
    await clock.sleep(pauseMs, signal);
  }
}

async function found({ weir, own, clock, signal }: Checking): Promise<Difference[]> {
  const differences: Difference[] = [];
  if (own.size === 0) return differences;
  for (const rule of own.rules) {
    const rows: StatsRow[] = [];
    const to = clock.now() + 3_600_000;
    const asked = { rule: rule.rule_id, from: own.from, to, limit: 10_000, signal };
    for await (const row of weir.stats.rows(asked)) rows.push(row);
    differences.push(...own.differences(rule, rows));
  }
  return differences;
}
