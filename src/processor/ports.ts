import type { RuleRecord, RuleVersion } from "../rule/registry.ts";
import type { CheckedRule } from "../rule/rule.ts";
import type { Src } from "../event/position.ts";
import type { Touched } from "../progress/progress.ts";

/** A rule version that live processing has to compute from its activation on. */
export interface Target {
  readonly rule_id: string;
  readonly series: number;
  readonly rule: CheckedRule;
  /** Per partition; a partition that is not listed has nothing below. */
  readonly activation: Readonly<Record<number, number>>;
  readonly filling: boolean;
  /** Filled to take the place of windows that answer, and have everything, meanwhile. */
  readonly rebuilding?: boolean;
}

/** Below these positions not every active rule has everything yet. */
export const incompleteBelow = (targets: readonly Target[]): Target["activation"][] =>
  targets.filter(({ filling, rebuilding = false }) => filling && !rebuilding).map(({ activation }) => activation);

/** What the processor needs of the rules. */
export interface RuleSource {
  /** The records as they are now: asked after a batch was read from the log, never before. */
  current(): Promise<readonly RuleRecord[]>;
  /** Versions that are computed, of these records. Pending ones have been completed first. */
  targets(records: readonly RuleRecord[]): Promise<readonly Target[]>;
  /** What is computed of the records that are known now, without asking anybody: at least those that `current` answered last. */
  known(): readonly Target[];
  /** The rule that a version says; undefined when it can't be read. */
  ruleOf(version: RuleVersion): CheckedRule | undefined;
  /** Says that everything below the activation of this series is in the store. */
  filled(ruleId: string, series: number): Promise<void>;
  /** Says that this series can't be computed: its rule is paused, with the reason, until somebody resumes or changes it. */
  stop(ruleId: string, series: number, reason: string): Promise<unknown>;
  /** Begins to make windows anew again where a change of their rule has ended it before it was done. */
  goOnRebuilding(): Promise<unknown>;
  onChange(listener: () => void): () => void;
}

/** What the processor says of its progress. */
export interface ProgressWriter {
  /** Everything of the partition below `next` is counted; it was received up to `receivedThrough` (ms). */
  advance(next: number, receivedThrough: number, touched: Touched): void;
  /** Nothing of the partition that came before `at` (ms) is waiting; 0: it is not known of what. */
  caughtUp(src: Src, next: number, at: number): void;
  /** The oldest event that is being counted was received at this time. */
  working(src: Src, receivedAt: number): void;
  /** This process counts the partition from now on; below `next` it is counted. */
  takenUp(src: Src, next: number): void;
  /** Another process counts the partition from now on. */
  letGo(src: Src): void;
  /** A fill began (below these positions not all rules have everything) or ended. */
  filling(activations: readonly Readonly<Record<number, number>>[]): void;
  seriesChanged(series: number): void;
}

/** What the processor reports of its work, in numbers. */
export interface ProcessorMetrics {
  batch(facts: { events: number; duplicates: number; bytes: number }): void;
  stage(stage: "form" | "raw" | "reject" | "rollup", seconds: number): void;
  retried(stage: "ask" | "raw" | "reject" | "rollup", error: unknown): void;
  /** The store had not the memory or the time to roll up so many events at once; the next try is with fewer. */
  narrowed(events: number, eventsMax: number, lacks: "memory" | "time"): void;
  /** Events that the store refused were set aside. */
  rejected(events: number, reason: string): void;
  /** Another process has claimed a partition that this one was counting; it goes on without it. */
  taken(src: Src, error: unknown): void;
  /** The log of a partition can't be read on: it is not counted until somebody decides. */
  broken(src: Src, error: unknown): void;
  /** A rule was paused, since the store refuses to compute it. */
  ruleStopped(ruleId: string, reason: string): void;
}
