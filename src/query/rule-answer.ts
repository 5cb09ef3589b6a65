import { formatTime } from "../lib/rfc3339.ts";
import type { RuleAnswer, RuleVersionAnswer } from "../protocol/rules.ts";
import type { RulePhase, RuleRecord, RuleVersion } from "../rule/registry.ts";
import type { SeriesCounts } from "../store/store.ts";

/** How far the fill of a series is. */
export interface FillState {
  /** 0 … 1 */
  readonly progress: number;
  /** When it will be done if it goes on like this (ms since the epoch); null when nobody knows. */
  readonly endsAt: number | null;
  /** What it stands still for, for people; missing: nothing. */
  readonly waitingFor?: string;
}

/** What a rule's answer says besides the record. */
export interface RuleFacts {
  /** The version whose windows answer. */
  readonly answering: RuleVersion;
  /** Of the newest version. */
  readonly fill: FillState;
  /** Of the newest version; null when the store can't say. */
  readonly counts: SeriesCounts | null;
  /** Of the newest version; null when nothing was counted for it. */
  readonly cost: RuleCost | null;
  readonly lagMs: number;
}

/** What a rule costs of the time that counting takes; `share` is 0 … 1. */
export interface RuleCost {
  readonly share: number;
  readonly msPer100kEvents: number;
}

/** A rule as it is answered: the fields of its newest version, and how that stands. */
export function ruleAnswer(record: RuleRecord, facts: RuleFacts): RuleAnswer {
  const newest = newestVersion(record);
  return {
    ...newest.spec,
    group_by: [...newest.spec.group_by],
    version: newest.version,
    ...rolledBack(newest),
    answering_version: facts.answering.version,
    state: stateOf(newest.phase),
    ...(facts.answering.outdated === undefined ? {} : { outdated: true }),
    ...(newest.stoppedBecause === undefined ? {} : { stopped_because: newest.stoppedBecause }),
    progress: newest.phase === "live" ? 1 : facts.fill.progress,
    ...eta(newest, facts.fill),
    skipped: facts.counts?.skipped ?? null,
    late: facts.counts?.late ?? null,
    ...groupCounts(newest, facts.counts),
    cost: costOf(facts.cost),
    lag_ms: facts.lagMs,
    created_at: formatTime(record.versions[0]?.createdAt ?? newest.createdAt),
    changed_at: formatTime(newest.createdAt),
  };
}

/** What has no group is the overflow, but of a rule without `group_by` it is all that there is. */
export function groupCounts(
  { spec }: RuleVersion,
  counts: SeriesCounts | null,
): Pick<RuleAnswer, "groups" | "overflowed"> {
  if (counts === null) return { groups: null, overflowed: null };
  if (spec.group_by.length > 0) return { groups: counts.groups, overflowed: counts.ungrouped };
  return { groups: Math.min(counts.ungrouped, 1), overflowed: 0 };
}

function costOf(cost: RuleCost | null): RuleAnswer["cost"] {
  if (cost === null) return null;
  const rounded = (value: number, digits: number): number => Number(value.toPrecision(digits));
  return { share: rounded(cost.share, 3), ms_per_100k_events: rounded(cost.msPer100kEvents, 3) };
}

/** All versions that are known, newest first; `readable` are those that have windows. */
export function versionAnswers(record: RuleRecord, readable: ReadonlySet<RuleVersion>): RuleVersionAnswer[] {
  return onceEach(record.versions)
    .toReversed()
    .map((version) => ({
      ...version.spec,
      group_by: [...version.spec.group_by],
      version: version.version,
      ...rolledBack(version),
      state: version.phase === "retired" ? "retired" : stateOf(version.phase),
      readable: readable.has(version),
      ...(readable.has(version) ? keptUntil(record, version) : {}),
      created_at: formatTime(version.createdAt),
    }));
}

/** A version that is made anew stands twice in its record, first as it answers. */
const onceEach = (versions: readonly RuleVersion[]): RuleVersion[] =>
  versions.filter((version, index) => versions.findIndex((other) => other.version === version.version) === index);

/** Of the version that has taken its windows over last. */
function keptUntil({ versions }: RuleRecord, { series }: RuleVersion): { kept_until?: string } {
  const until = versions.findLast((version) => version.series === series)?.keptUntil;
  return until === undefined ? {} : { kept_until: formatTime(until) };
}

function eta({ phase }: RuleVersion, { endsAt, waitingFor }: FillState): Pick<RuleAnswer, "eta" | "waiting_for"> {
  if (stateOf(phase) !== "filling") return {};
  const waiting = waitingFor === undefined ? {} : { waiting_for: waitingFor };
  return { eta: endsAt === null ? null : formatTime(endsAt), ...waiting };
}

const rolledBack = ({ rolledBackTo }: RuleVersion): { rolled_back_to?: number } =>
  rolledBackTo === undefined ? {} : { rolled_back_to: rolledBackTo };

export function newestVersion(record: RuleRecord): RuleVersion {
  const newest = record.versions.at(-1);
  if (newest === undefined) throw new TypeError(`the record of rule ${record.rule_id} has no version`);
  return newest;
}

const states: Readonly<Record<RulePhase, RuleAnswer["state"]>> = {
  pending: "filling",
  filling: "filling",
  live: "live",
  paused: "paused",
  retired: "paused",
};

export const stateOf = (phase: RulePhase): RuleAnswer["state"] => states[phase];
