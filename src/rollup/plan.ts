import type { CheckedRule, FieldRef, MetricName } from "../rule/rule.ts";

/** A rule version whose windows are to be computed. */
export interface RollupTarget {
  readonly series: number;
  readonly rule: CheckedRule;
}

/** One rule's part in a shape: the aggregate it wants. `field` is an index into the plan's `fields`. */
export interface PlanMember {
  readonly series: number;
  readonly metric: MetricName;
  readonly field: number | null;
  /** When the window ends, seconds behind its pane's start; for the late count. */
  readonly endSeconds: number;
}

/** Rules that share pane and group keys: one GROUP BY. */
export interface PlanShape {
  readonly paneSeconds: number;
  /** Indexes into the plan's `fields`. */
  readonly groupBy: readonly number[];
  readonly members: readonly PlanMember[];
}

/** What to compute over a range of raw rows for a set of rules: plain data, printable, independent of the range. */
export interface RollupPlan {
  /** Every field that any rule reads, once. */
  readonly fields: readonly FieldRef[];
  readonly shapes: readonly PlanShape[];
}
