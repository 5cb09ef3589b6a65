/** What the oracle is asked, and what it answers. */

export interface OracleRule {
  readonly rule_id: string;
  readonly window_size: string;
  readonly window_type?: string | undefined;
  readonly hop?: string | undefined;
  readonly timezone?: string | undefined;
  readonly metric: string;
  readonly field?: string | undefined;
  readonly group_by?: readonly string[] | undefined;
  readonly decimals?: number | undefined;
  readonly filter?: string | undefined;
  readonly allowed_lateness?: string | undefined;
  readonly late_policy?: string | undefined;
  readonly having?: string | undefined;
  readonly top_n?: number | undefined;
  readonly max_groups?: number | undefined;
  readonly retention?: string | undefined;
}

/** How the windows are read. */
export interface OracleReading {
  readonly rule: OracleRule;
  /** The events of each range, in the order in which ranges are rolled up; missing: all in one. Decides who comes in under `max_groups`. */
  readonly ranges?: readonly (readonly OracleEvent[])[] | undefined;
  /** The time at which they are, ms since the epoch: then windows may have ended too long ago to take room. Missing: none has. */
  readonly now?: number | undefined;
  /** Windows of this length instead of the rule's. */
  readonly step?: string | undefined;
  /** Windows that start in `from ≤ … < to` have a row for each group that has one in any that starts in `from ≤ … < until`. */
  readonly fill?: { readonly from: number; readonly to: number; readonly until: number } | undefined;
}

/** A filter's text with what it means. */
export interface OracleFilter {
  readonly text: string;
  readonly accepts: (event: OracleEvent) => boolean;
}

/** A counted event: accepted, not a repeat. */
export interface OracleEvent {
  readonly event_id: string;
  readonly event_type: string;
  readonly user_id: string | number;
  /** RFC 3339 or milliseconds. */
  readonly timestamp: string | number;
  readonly payload?: Readonly<Record<string, unknown>>;
  /** When the server took it, ms since the epoch. */
  readonly receivedAt: number;
}

export interface OracleRow {
  /** Milliseconds since the epoch. */
  readonly windowStart: number;
  readonly windowEnd: number;
  /** In `group_by` order; empty: the overflow. */
  readonly group: readonly (string | null)[];
  /** A number; the JSON value of `first` and `last`; for `top_k` every value with its count. */
  readonly value: unknown;
  /** Instead of the value: what a quantile is near to. */
  readonly near?: number;
  /** How far the value may be off: doubles that are added in another order have another last digit. Otherwise it is exact. Infinite: it may also be no double. */
  readonly slack?: number;
  /** It may as well be missing: whether it is chosen depends on such a digit. */
  readonly maybe?: true;
}

export interface OracleResult {
  /** Newest window first, then groups ascending by their bytes, null last. */
  readonly rows: readonly OracleRow[];
  /** Events whose field is missing or of the wrong type. */
  readonly skipped: number;
  /** Events received when the first of their windows to end had ended. */
  readonly late: number;
  /** How many different groups have an event that entered. */
  readonly groups: number;
  /** Events that entered without a group. */
  readonly ungrouped: number;
}
