/** A rule as it goes over the wire, complete: what was left out has its default. */
export interface RuleSpec {
  readonly rule_id: string;
  readonly window_size: string;
  readonly metric: string;
  readonly field?: string;
  readonly group_by: readonly string[];
  readonly active: boolean;
}

export type MetricName = "count" | "sum" | "avg" | "min" | "max" | "uniq_exact";

/** What a metric or a group reads of an event. */
export type FieldRef =
  | { readonly kind: "event_type" }
  | { readonly kind: "user_id" }
  | { readonly kind: "payload"; readonly path: readonly string[] };

/** A rule that passed every check, with its texts understood. */
export interface CheckedRule {
  readonly spec: RuleSpec;
  readonly windowSeconds: number;
  /** Aliases are resolved: `event_count` is `count`, `active_users` is `uniq_exact` of `user_id`. */
  readonly metric: MetricName;
  /** Present for every metric but `count`. */
  readonly field?: FieldRef;
  readonly groupBy: readonly FieldRef[];
}
