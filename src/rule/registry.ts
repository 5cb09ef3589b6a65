import type { RuleSpec } from "./rule.ts";

/**
 * pending  stored, but its activation position is not known yet; nobody may answer for it
 * filling  live processing has it from its activation on; what lies below is being filled
 * live     complete
 * paused   kept and readable, not computed
 * retired  replaced by a later version; its windows stand still, and go at the end of `keptUntil`
 */
export type RulePhase = "pending" | "filling" | "live" | "paused" | "retired";

export interface RuleVersion {
  /** 1, 2, 3 … within the rule. */
  readonly version: number;
  readonly spec: RuleSpec;
  /** Names the windows of this version in the store: unique over all rules and versions, never used again, from 16 on. */
  readonly series: number;
  readonly phase: RulePhase;
  /** Per partition the first offset that live processing computes; everything below is the fill's. Null while pending. */
  readonly activation: Readonly<Record<number, number>> | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** The earlier version whose spec this one took up again. */
  readonly rolledBackTo?: number;
  /** Why the server has paused the rule by itself with this version, for people. */
  readonly stoppedBecause?: string;
  /** Retired, it keeps its windows up to this moment, ms since the epoch; missing: it has none. */
  readonly keptUntil?: number;
  /** Its windows are not what raw rows give any more: they answer until they have been made anew, and are never kept. */
  readonly outdated?: true;
  /** The series of the same version, made anew from raw rows: its windows take that one's place once they are filled. */
  readonly rebuilds?: number;
}

/** Whether the windows of a version, if it has any, are to stay in the store. */
export function keepsWindows({ phase, keptUntil = 0 }: RuleVersion, now: number): boolean {
  return phase !== "retired" || keptUntil > now;
}

/** A paused version without an activation was never computed. */
export function hasWindows(version: RuleVersion): boolean {
  return version.phase === "live" || (version.phase === "paused" && version.activation !== null);
}

/** Everything known of one rule. The unit of compare-and-set. */
export interface RuleRecord {
  readonly rule_id: string;
  /** Grows with every change of this record, also of its phases, and never comes again for this id. 0: not stored yet. */
  readonly revision: number;
  /** Oldest first; at least one. */
  readonly versions: readonly RuleVersion[];
}

/** Whether windows that are not right answer, or stand still. */
export const isOutdated = ({ versions }: RuleRecord): boolean =>
  versions.some((version) => version.outdated !== undefined && hasWindows(version));

/** What is to be changed in one go. At most one record of each id. */
export interface RegistryChange {
  readonly save: readonly RuleRecord[];
  readonly remove: readonly RuleRecord[];
}

/** A change that was made. */
export interface MadeChange {
  /** The registry's after it, and that of each record that it has saved. */
  readonly revision: number;
  /** The saved ones as they are stored now, in their order. */
  readonly records: readonly RuleRecord[];
}

/**
 * Where rules are kept.
 *
 * The registry owes: a resolved change survives a crash; a change takes effect as a whole or not at all, and only when each
 * of its records still has the revision that the caller has seen; the record of an id that was removed and made again has
 * none of the revisions that it had before, so that nobody takes it for the one he knew; `revision` grows by one with every
 * change of any records and is cheap enough to be asked before every batch; `takeSeries` never gives a number twice.
 *
 * The caller owes: it treats records as values, and on a lost change reads again and decides anew.
 *
 * Errors: WeirError `registry_unavailable`.
 */
export interface Registry {
  all(): Promise<readonly RuleRecord[]>;
  get(ruleId: string): Promise<RuleRecord | undefined>;
  /**
   * Stores and removes records, one at least, each on the revision that it carries (0: there is none of this id). Undefined:
   * someone else was first with one of them, and nothing is changed.
   */
  change(change: RegistryChange): Promise<MadeChange | undefined>;
  /** How many changes there were. */
  revision(): Promise<number>;
  /** The first of `count` consecutive numbers that are the caller's from now on. */
  takeSeries(count: number): Promise<number>;
  /** Calls `changed` after every change, also those of other processes (within a second). Returns how to stop. */
  watch(changed: () => void): () => void;
  /** Why it does not answer now, in a few words for people; undefined when it does, as far as watching has shown. */
  trouble(): string | undefined;
  close(): Promise<void>;
}
