import type { RuleSpec } from "./rule.ts";

/**
 * pending  stored, but its activation position is not known yet; nobody may answer for it
 * filling  live processing has it from its activation on; what lies below is being filled
 * live     complete
 * paused   kept and readable, not computed
 * retired  replaced by a later version; its windows go
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
}

/** Everything known of one rule. The unit of compare-and-set. */
export interface RuleRecord {
  readonly rule_id: string;
  /** Counts the changes of this record, also those of its phases. 0: not stored yet. */
  readonly revision: number;
  /** Oldest first; at least one. */
  readonly versions: readonly RuleVersion[];
}

/**
 * Where rules are kept.
 *
 * The registry owes: a resolved change survives a crash; `save` and `remove` take effect only on the revision that the
 * caller has seen; `revision` changes with every change of any record and is cheap enough to be asked before every batch;
 * `takeSeries` never gives a number twice.
 *
 * The caller owes: it treats records as values, and on a lost `save` reads again and decides anew.
 *
 * Errors: WeirError `registry_unavailable`.
 */
export interface Registry {
  all(): Promise<readonly RuleRecord[]>;
  get(ruleId: string): Promise<RuleRecord | undefined>;
  /** Stores the record with `revision + 1` if the stored one has `record.revision` (0: there is none). False: someone else was first. */
  save(record: RuleRecord): Promise<boolean>;
  /** Deletes the record if it has this revision. */
  remove(ruleId: string, revision: number): Promise<boolean>;
  revision(): Promise<number>;
  takeSeries(): Promise<number>;
  /** Calls `changed` after every change, also those of other processes (within a second). Returns how to stop. */
  watch(changed: () => void): () => void;
  close(): Promise<void>;
}
