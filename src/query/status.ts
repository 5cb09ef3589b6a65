import type { Clock } from "../lib/clock.ts";
import { formatTime } from "../lib/rfc3339.ts";
import type { LogState } from "../log/log.ts";
import type { Progress } from "../progress/progress.ts";
import type { PartHealth, StatusAnswer } from "../protocol/status.ts";
import type { RuleRecord } from "../rule/registry.ts";
import type { RecentCounts } from "./counts.ts";
import type { RecentTotals } from "./totals.ts";
import { groupCounts, newestVersion, stateOf } from "./rule-answer.ts";

/** What `/status` is gathered from. Each is cheap, but for the store's sums. */
export interface StatusSources {
  readonly progress: Pick<Progress, "countedThrough" | "lagMs">;
  readonly rules: () => readonly RuleRecord[];
  readonly totals: RecentTotals;
  readonly counts: RecentCounts;
  readonly log: () => LogState;
  /** Events per second over the last seconds; null: they are accepted elsewhere. */
  readonly rates: () => { readonly accepted: number | null; readonly counted: number };
  /** The health of each part by name, as it is known without asking. */
  readonly parts: () => Readonly<Record<string, PartHealth>>;
  readonly clock: Clock;
}

/** What an operator asks first. Answers also when the store is away. */
export async function status(sources: StatusSources): Promise<StatusAnswer> {
  const rules = sources.rules();
  const [totals, sums] = await Promise.all([sources.totals.get(), sumsOf(rules, sources.counts)]);
  const log = sources.log();
  const parts = { ...sources.parts() };
  if (totals === null && parts.store?.ok !== false) parts.store = { ok: false, detail: "does not answer" };
  const healthy = log.accepting && Object.values(parts).every((part) => part.ok);
  const rates = sources.rates();
  return {
    status: healthy ? "ok" : "degraded",
    time: formatTime(sources.clock.now()),
    lag_ms: sources.progress.lagMs(),
    counted_through: formatTime(sources.progress.countedThrough()),
    rates: { accepted_per_second: rates.accepted, counted_per_second: rates.counted },
    events: totals?.events ?? null,
    duplicates: totals?.duplicates ?? null,
    late: sums?.late ?? null,
    overflowed: sums?.overflowed ?? null,
    rejects: totals?.rejects ?? null,
    rules: ruleStates(rules),
    log: {
      bytes: log.bytes,
      bytes_max: log.bytesMax,
      accepting: log.accepting,
      ...(log.reason === undefined ? {} : { reason: log.reason }),
    },
    parts,
  };
}

/** Over all rules; null when the store can't say it of each. */
async function sumsOf(
  rules: readonly RuleRecord[],
  counts: RecentCounts,
): Promise<{ readonly late: number; readonly overflowed: number } | null> {
  const sums = { late: 0, overflowed: 0 };
  const versions = rules.map(newestVersion);
  const all = await Promise.all(versions.map(({ series }) => counts.of(series)));
  for (const [index, one] of all.entries()) {
    if (one === null) return null;
    sums.late += one.late;
    sums.overflowed += groupCounts(versions[index]!, one).overflowed ?? 0;
  }
  return sums;
}

function ruleStates(rules: readonly RuleRecord[]): StatusAnswer["rules"] {
  const states = { live: 0, filling: 0, paused: 0 };
  for (const rule of rules) states[stateOf(newestVersion(rule).phase)] += 1;
  return states;
}
