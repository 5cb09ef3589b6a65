import type { Filter } from "./cel/expression.ts";

/** A rule as it goes over the wire, in its canonical form: an optional key that is missing has its default. */
export interface RuleSpec {
  readonly rule_id: string;
  readonly window_size: string;
  /** Missing: `hopping` with a `hop`, else `tumbling`. */
  readonly window_type?: "cumulative";
  readonly hop?: string;
  /** Missing: UTC. */
  readonly timezone?: string;
  readonly metric: string;
  readonly field?: string;
  readonly decimals?: number;
  readonly group_by: readonly string[];
  /** Missing: what the server has as its default. */
  readonly max_groups?: number;
  readonly filter?: string;
  readonly having?: string;
  readonly top_n?: number;
  /** Missing: `0s`. */
  readonly allowed_lateness?: string;
  /** Missing: `count`. */
  readonly late_policy?: "count" | "drop";
  /** Missing: for ever. */
  readonly retention?: string;
  readonly active: boolean;
}

/** `quantile` is every `pNN`; its level stands beside it. */
export type MetricName =
  | "count"
  | "sum"
  | "avg"
  | "min"
  | "max"
  | "uniq"
  | "uniq_exact"
  | "quantile"
  | "rate"
  | "first"
  | "last"
  | "top_k";

/** What a metric or a group reads of an event. */
export type FieldRef =
  | { readonly kind: "event_type" }
  | { readonly kind: "user_id" }
  | { readonly kind: "payload"; readonly path: readonly string[] };

/** A stretch of event time that repeats: so many seconds counted from the epoch, or a calendar unit in a time zone. */
export type Span =
  | { readonly unit: "second"; readonly count: number }
  | { readonly unit: "day" | "week" | "month"; readonly timezone: string };

export interface RuleWindow {
  readonly kind: "tumbling" | "hopping" | "cumulative";
  readonly size: Span;
  /** What hopping windows start at, and cumulative ones grow by. */
  readonly hop?: Span;
  /** What is stored: every window of the rule is made of whole panes. The size of a tumbling window, else the hop. */
  readonly pane: Span;
}

/** A rule that passed every check, with its texts understood. */
export interface CheckedRule {
  readonly spec: RuleSpec;
  readonly window: RuleWindow;
  /** Aliases are resolved: `event_count` is `count`, `active_users` is `uniq_exact` of `user_id`. */
  readonly metric: MetricName;
  /** Present for `quantile`: above 0 and below 1. */
  readonly level?: number;
  /** Present for every metric but `count` and `rate`. */
  readonly field?: FieldRef;
  /** Numbers are read as decimals with so many places. */
  readonly decimals?: number;
  readonly groupBy: readonly FieldRef[];
  /** So many different groups are stored; further ones share one. Missing: the server's default. */
  readonly maxGroups?: number;
  /** Only events for which this is true. */
  readonly filter?: Filter;
  /** Only groups whose value passes all of these. */
  readonly having: readonly ValueCondition[];
  /** Only so many groups of each window: those with the largest values. */
  readonly topN?: number;
  /** How long after its end a window is open. */
  readonly latenessSeconds: number;
  readonly latePolicy: "count" | "drop";
  /** How long after its end a window is kept; missing: for ever. */
  readonly retentionSeconds?: number;
}

export interface ValueCondition {
  readonly operator: "==" | "!=" | "<" | "<=" | ">" | ">=";
  readonly value: number;
}
