// Made by `npm run docs` from the schemas of the server: don't edit. More keys may come with later versions.

export interface Problem {
  /** where it is: a JSON path or the name of a parameter */
  readonly path: string;
  /** what is wrong */
  readonly message: string;
  /** the offending value, shortened when it is long */
  readonly value?: unknown;
}

/** an error */
export interface ErrorBody {
  readonly error: {
    /** stable; made for programs */
    readonly code:
      | "bad_request"
      | "headers_too_large"
      | "request_timeout"
      | "invalid_json"
      | "empty_batch"
      | "too_many_events"
      | "body_too_large"
      | "unsupported_media_type"
      | "unsupported_encoding"
      | "invalid_encoding"
      | "invalid_events"
      | "invalid_rule"
      | "invalid_query"
      | "invalid_token"
      | "unknown_rule"
      | "rule_unreadable"
      | "unknown_version"
      | "unknown_erasure"
      | "unknown_route"
      | "method_not_allowed"
      | "version_conflict"
      | "origin_refused"
      | "host_refused"
      | "upgrade_required"
      | "overloaded"
      | "log_full"
      | "log_unavailable"
      | "log_failed"
      | "log_damaged"
      | "log_gap"
      | "folder_mixed"
      | "store_unavailable"
      | "store_refused"
      | "store_damaged"
      | "store_taken"
      | "store_unfit"
      | "registry_unavailable"
      | "data_dir_in_use"
      | "disk_full"
      | "port_taken"
      | "invalid_config"
      | "too_costly"
      | "timeout"
      | "stopping"
      | "internal";
    /** made for people */
    readonly message: string;
    /** facts about the error, most often a list of problems; null when there are none */
    readonly details: unknown;
  };
}

/** an event */
export interface WeirEvent {
  /** names the event; a repeated one is accepted and counted once */
  readonly event_id: string;
  readonly user_id: string | number;
  /** what happened */
  readonly event_type: string;
  readonly timestamp: string | number;
  /** any object; up to 32 levels, 512 keys, keys of 256 bytes, integers of 64 bits; the event as a whole up to 65536 bytes */
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** the events are durable */
export interface IngestAnswer {
  readonly status: "accepted";
  /** events that were accepted */
  readonly count: number;
  /** for `GET /ingest/status` */
  readonly token: string;
  /** with `partial=true`: events that were refused */
  readonly refused_count?: number;
  /** with `partial=true`: the first 100 of them */
  readonly refused?: readonly {
    /** which event of the request, from 0 */
    readonly index: number;
    /** its line in NDJSON, from 1 */
    readonly line?: number;
    readonly problems: readonly Problem[];
  }[];
}

/** how far the events of a token are */
export interface TokenStatus {
  /** the events would survive a crash */
  readonly durable: boolean;
  /** they are in the raw store and in every active rule */
  readonly counted: boolean;
}

/** a number; of `first` and `last` the value itself, of `top_k` a list */
export type WindowValue =
  | number
  | string
  | boolean
  | null
  | readonly {
      readonly value: string;
      readonly count: number;
    }[];

/** one window and group; each name of `group_by` is a key of its own, null for the group of those that have no such value */
export interface StatsRow {
  /** RFC 3339 in UTC */
  readonly window_start: string;
  /** a number; of `first` and `last` the value itself, of `top_k` a list */
  readonly value: WindowValue;
  /** where the window ends; the end is not in it */
  readonly window_end: string;
  /** the window has ended and every event acknowledged before its end is counted; only a late event can still change it */
  readonly final: boolean;
  /** this row is of all events whose group came when the rule had as many as it may (`max_groups`): its group keys are null, and it is answered whatever `having` and `top_n` say */
  readonly overflow?: true;
  readonly [key: string]:
    | boolean
    | null
    | number
    | readonly {
        readonly value: string;
        readonly count: number;
      }[]
    | string
    | undefined;
}

export interface StatsAnswer {
  readonly rule_id: string;
  /** RFC 3339 in UTC; later than asked for where the rule's `retention` has ended windows */
  readonly from: string;
  /** RFC 3339 in UTC */
  readonly to: string;
  /** the rows in this answer */
  readonly count: number;
  /** windows with `from ≤ window_start < to`, newest first, then groups in order, null last */
  readonly data: readonly StatsRow[];
  /** the version of the rule that answers */
  readonly version: number;
  /** false while the rule is being filled or paused, or the server has not heard of a change of rules yet: windows may lack events */
  readonly complete: boolean;
  /** how long the oldest event that is not counted has waited, or for how long the log has not let itself be read to its end */
  readonly lag_ms: number;
  /** there is more; ask again with this `cursor` */
  readonly next_cursor?: string;
}

export interface EventRow {
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  /** RFC 3339 in UTC */
  readonly timestamp: string;
  /** as it came, in canonical JSON */
  readonly payload: Readonly<Record<string, unknown>>;
  /** partition and offset in the log; names the event forever */
  readonly position: string;
  /** RFC 3339 in UTC */
  readonly received_at: string;
}

export interface EventsAnswer {
  /** the events in this answer */
  readonly count: number;
  /** newest first by `timestamp` */
  readonly data: readonly EventRow[];
  /** there is more; ask again with this `cursor` */
  readonly next_cursor?: string;
}

export interface RejectRow {
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  /** RFC 3339 in UTC */
  readonly timestamp: string;
  /** as it came, in canonical JSON; its text, should it be none */
  readonly payload: Readonly<Record<string, unknown>> | string;
  /** partition and offset in the log; names the event forever */
  readonly position: string;
  /** RFC 3339 in UTC */
  readonly received_at: string;
  /** why the store did not take it */
  readonly reason: string;
  /** RFC 3339 in UTC */
  readonly rejected_at: string;
}

export interface RejectsAnswer {
  /** the events in this answer */
  readonly count: number;
  /** what was set aside last comes first */
  readonly data: readonly RejectRow[];
  /** there is more; ask again with this `cursor` */
  readonly next_cursor?: string;
}

export interface StatusAnswer {
  /** ok: every part is */
  readonly status: "ok" | "degraded";
  /** the server's clock */
  readonly time: string;
  /** how long the oldest event that is not counted has waited, or for how long the log has not let itself be read to its end */
  readonly lag_ms: number;
  /** every event acknowledged before this moment is counted */
  readonly counted_through: string;
  readonly rates: {
    /** events acknowledged, over the last seconds; null in a process without the role `ingest` */
    readonly accepted_per_second: number | null;
    /** events counted, over the last seconds */
    readonly counted_per_second: number;
  };
  /** events counted since the beginning, repeated ones included; null when the store can't say */
  readonly events: number | null;
  /** of these, how many repeated an `event_id` and were left out; null when the store can't say */
  readonly duplicates: number | null;
  /** late events over all rules; null when the store can't say */
  readonly late: number | null;
  /** events in the overflow rows of all rules, which have as many groups as they may; null when the store can't say */
  readonly overflowed: number | null;
  /** events in quarantine, which the store did not take: see `/rejects`; null when the store can't say */
  readonly rejects: number | null;
  readonly rules: {
    readonly live: number;
    readonly filling: number;
    readonly paused: number;
  };
  readonly log: {
    readonly bytes: number;
    readonly bytes_max: number;
    readonly accepting: boolean;
    readonly reason?: string;
  };
  /** each part by name */
  readonly parts: Readonly<
    Record<
      string,
      {
        readonly ok: boolean;
        /** why not, or what is remarkable */
        readonly detail?: string;
      }
    >
  >;
}

/** a rule */
export interface Rule {
  /** letters, digits, `_ . -` */
  readonly rule_id: string;
  /** `1s` … `30d`, aligned to the epoch; calendar windows are `1d`, `1w` (from Monday) and `1mo`, in `timezone` */
  readonly window_size: string;
  /** `hopping`: windows begin at every `hop` and overlap; `cumulative`: windows grow by `hop` and begin anew every `window_size`. Left out: `hopping` with a `hop`, else `tumbling` */
  readonly window_type?: "tumbling" | "hopping" | "cumulative";
  /** of hopping and cumulative windows: divides `window_size`, into at most 1000 parts; of calendar windows, which can be cumulative, divides a day, or is `1d` */
  readonly hop?: string;
  /** IANA name of the zone that `1d`, `1w` and `1mo` are cut in; left out: UTC */
  readonly timezone?: string;
  /** `count`, `sum`, `avg`, `min`, `max`, `uniq` (within 2 %), `uniq_exact`; `p50` … any `pNN` or `pNN.N` (within 1 %), `rate` (events a second), `first`, `last` (by event time), `top_k`; aliases `event_count` = `count` and `active_users` = `uniq_exact` of `user_id` */
  readonly metric: string;
  /** what the metric reads: `user_id` or a payload path; refused for `count` and `rate` */
  readonly field?: string;
  /** numbers are read as decimals with so many places: `sum`, `avg`, `min` and `max` are then exact */
  readonly decimals?: number;
  /** of `event_type`, `user_id`, payload paths */
  readonly group_by?: readonly string[];
  /** so many different groups of the windows that are kept have rows of their own; events of further ones share a row that is marked `overflow`. Left out: the server's `--max-groups` */
  readonly max_groups?: number;
  /** a CEL expression over `event_type`, `user_id`, `timestamp` and `payload`: only events for which it is true count; at most 4,096 bytes in UTF-8, each text in it 1,024, and 16 levels of operations inside each other */
  readonly filter?: string;
  /** only windows and groups whose value passes: comparisons of `value` with numbers, joined by `&&` */
  readonly having?: string;
  /** only so many groups of each window: those with the largest values, of equal ones the first in order */
  readonly top_n?: number;
  /** `0s` … `30d`: how long after its end a window waits for late events; left out: `0s` */
  readonly allowed_lateness?: string;
  /** `count`: a late event still corrects its window; `drop`: it is only counted as late. Left out: `count` */
  readonly late_policy?: "count" | "drop";
  /** `1s` … `3650d`, as long as a window at least: windows that ended so long ago are not answered any more, and deleted in time; left out: none */
  readonly retention?: string;
  /** false pauses */
  readonly active?: boolean;
}

/** the fields to change; `null` takes an optional field away */
export interface RulePatch {
  /** the rule's own, which can't be changed */
  readonly rule_id?: string;
  /** `1s` … `30d`, aligned to the epoch; calendar windows are `1d`, `1w` (from Monday) and `1mo`, in `timezone` */
  readonly window_size?: string;
  /** `count`, `sum`, `avg`, `min`, `max`, `uniq` (within 2 %), `uniq_exact`; `p50` … any `pNN` or `pNN.N` (within 1 %), `rate` (events a second), `first`, `last` (by event time), `top_k`; aliases `event_count` = `count` and `active_users` = `uniq_exact` of `user_id` */
  readonly metric?: string;
  /** `hopping`: windows begin at every `hop` and overlap; `cumulative`: windows grow by `hop` and begin anew every `window_size`. Left out: `hopping` with a `hop`, else `tumbling` */
  readonly window_type?: "tumbling" | "hopping" | "cumulative" | null;
  /** of hopping and cumulative windows: divides `window_size`, into at most 1000 parts; of calendar windows, which can be cumulative, divides a day, or is `1d` */
  readonly hop?: string | null;
  /** IANA name of the zone that `1d`, `1w` and `1mo` are cut in; left out: UTC */
  readonly timezone?: string | null;
  /** what the metric reads: `user_id` or a payload path; refused for `count` and `rate` */
  readonly field?: string | null;
  /** numbers are read as decimals with so many places: `sum`, `avg`, `min` and `max` are then exact */
  readonly decimals?: number | null;
  /** of `event_type`, `user_id`, payload paths */
  readonly group_by?: readonly string[] | null;
  /** so many different groups of the windows that are kept have rows of their own; events of further ones share a row that is marked `overflow`. Left out: the server's `--max-groups` */
  readonly max_groups?: number | null;
  /** a CEL expression over `event_type`, `user_id`, `timestamp` and `payload`: only events for which it is true count; at most 4,096 bytes in UTF-8, each text in it 1,024, and 16 levels of operations inside each other */
  readonly filter?: string | null;
  /** only windows and groups whose value passes: comparisons of `value` with numbers, joined by `&&` */
  readonly having?: string | null;
  /** only so many groups of each window: those with the largest values, of equal ones the first in order */
  readonly top_n?: number | null;
  /** `0s` … `30d`: how long after its end a window waits for late events; left out: `0s` */
  readonly allowed_lateness?: string | null;
  /** `count`: a late event still corrects its window; `drop`: it is only counted as late. Left out: `count` */
  readonly late_policy?: "count" | "drop" | null;
  /** `1s` … `3650d`, as long as a window at least: windows that ended so long ago are not answered any more, and deleted in time; left out: none */
  readonly retention?: string | null;
  /** false pauses */
  readonly active?: boolean | null;
}

/** a rule and how it stands */
export interface RuleAnswer {
  /** letters, digits, `_ . -` */
  readonly rule_id: string;
  /** `1s` … `30d`, aligned to the epoch; calendar windows are `1d`, `1w` (from Monday) and `1mo`, in `timezone` */
  readonly window_size: string;
  /** `hopping`: windows begin at every `hop` and overlap; `cumulative`: windows grow by `hop` and begin anew every `window_size`. Left out: `hopping` with a `hop`, else `tumbling` */
  readonly window_type?: "tumbling" | "hopping" | "cumulative";
  /** of hopping and cumulative windows: divides `window_size`, into at most 1000 parts; of calendar windows, which can be cumulative, divides a day, or is `1d` */
  readonly hop?: string;
  /** IANA name of the zone that `1d`, `1w` and `1mo` are cut in; left out: UTC */
  readonly timezone?: string;
  /** `count`, `sum`, `avg`, `min`, `max`, `uniq` (within 2 %), `uniq_exact`; `p50` … any `pNN` or `pNN.N` (within 1 %), `rate` (events a second), `first`, `last` (by event time), `top_k`; aliases `event_count` = `count` and `active_users` = `uniq_exact` of `user_id` */
  readonly metric: string;
  /** what the metric reads: `user_id` or a payload path; refused for `count` and `rate` */
  readonly field?: string;
  /** numbers are read as decimals with so many places: `sum`, `avg`, `min` and `max` are then exact */
  readonly decimals?: number;
  /** of `event_type`, `user_id`, payload paths */
  readonly group_by: readonly string[];
  /** so many different groups of the windows that are kept have rows of their own; events of further ones share a row that is marked `overflow`. Left out: the server's `--max-groups` */
  readonly max_groups?: number;
  /** a CEL expression over `event_type`, `user_id`, `timestamp` and `payload`: only events for which it is true count; at most 4,096 bytes in UTF-8, each text in it 1,024, and 16 levels of operations inside each other */
  readonly filter?: string;
  /** only windows and groups whose value passes: comparisons of `value` with numbers, joined by `&&` */
  readonly having?: string;
  /** only so many groups of each window: those with the largest values, of equal ones the first in order */
  readonly top_n?: number;
  /** `0s` … `30d`: how long after its end a window waits for late events; left out: `0s` */
  readonly allowed_lateness?: string;
  /** `count`: a late event still corrects its window; `drop`: it is only counted as late. Left out: `count` */
  readonly late_policy?: "count" | "drop";
  /** `1s` … `3650d`, as long as a window at least: windows that ended so long ago are not answered any more, and deleted in time; left out: none */
  readonly retention?: string;
  /** false pauses */
  readonly active: boolean;
  /** 1, 2, 3 … within the rule */
  readonly version: number;
  /** the earlier version whose fields this one took up again */
  readonly rolled_back_to?: number;
  /** whose windows `/stats` answers: the one before, until the newest is filled */
  readonly answering_version: number;
  /** of the newest version */
  readonly state: "filling" | "live" | "paused";
  /** the windows that `/stats` answers are not what the stored events give, and are being made anew; missing otherwise */
  readonly outdated?: boolean;
  /** why the server itself has paused the rule: the store refuses to compute it, and `active: true` tries again; or what is stored of it can't be read, and has to be changed */
  readonly stopped_because?: string;
  /** how much of history is filled */
  readonly progress: number;
  /** while filling: when it will be done if it goes on like this; null when that is not known yet */
  readonly eta?: string | null;
  /** while filling: what the fill stands still for, such as a damaged part of the store; `/stats` answers the windows that were there before as long; missing otherwise */
  readonly waiting_for?: string;
  /** events whose `field` was missing or not a number; null when the store can't say */
  readonly skipped: number | null;
  /** events that came after their window's end and the allowed lateness; null when the store can't say */
  readonly late: number | null;
  /** groups that have a window, without the overflow; null when the store can't say */
  readonly groups: number | null;
  /** events, of the windows that are stored, that are in the row `overflow` because the rule has as many groups as it may; null when the store can't say */
  readonly overflowed: number | null;
  /** what the newest version has cost over the last minutes; null when nothing was counted for it */
  readonly cost: {
    /** of the time that the engine took to count live events for all rules. What rules share (reading a field, a filter, a grouping) is divided evenly among them */
    readonly share: number;
    /** the same as time: ms for 100,000 events that came in. Where few come at a time, most of it is the fixed price of their batches */
    readonly ms_per_100k_events: number;
  } | null;
  /** how long the oldest event that is not counted has waited, or for how long the log has not let itself be read to its end */
  readonly lag_ms: number;
  /** RFC 3339 in UTC */
  readonly created_at: string;
  /** RFC 3339 in UTC */
  readonly changed_at: string;
}

export interface RulesAnswer {
  readonly count: number;
  /** by `rule_id` */
  readonly rules: readonly RuleAnswer[];
}

export interface RuleVersionsAnswer {
  /** letters, digits, `_ . -` */
  readonly rule_id: string;
  /** newest first */
  readonly versions: readonly {
    /** letters, digits, `_ . -` */
    readonly rule_id: string;
    /** `1s` … `30d`, aligned to the epoch; calendar windows are `1d`, `1w` (from Monday) and `1mo`, in `timezone` */
    readonly window_size: string;
    /** `hopping`: windows begin at every `hop` and overlap; `cumulative`: windows grow by `hop` and begin anew every `window_size`. Left out: `hopping` with a `hop`, else `tumbling` */
    readonly window_type?: "tumbling" | "hopping" | "cumulative";
    /** of hopping and cumulative windows: divides `window_size`, into at most 1000 parts; of calendar windows, which can be cumulative, divides a day, or is `1d` */
    readonly hop?: string;
    /** IANA name of the zone that `1d`, `1w` and `1mo` are cut in; left out: UTC */
    readonly timezone?: string;
    /** `count`, `sum`, `avg`, `min`, `max`, `uniq` (within 2 %), `uniq_exact`; `p50` … any `pNN` or `pNN.N` (within 1 %), `rate` (events a second), `first`, `last` (by event time), `top_k`; aliases `event_count` = `count` and `active_users` = `uniq_exact` of `user_id` */
    readonly metric: string;
    /** what the metric reads: `user_id` or a payload path; refused for `count` and `rate` */
    readonly field?: string;
    /** numbers are read as decimals with so many places: `sum`, `avg`, `min` and `max` are then exact */
    readonly decimals?: number;
    /** of `event_type`, `user_id`, payload paths */
    readonly group_by: readonly string[];
    /** so many different groups of the windows that are kept have rows of their own; events of further ones share a row that is marked `overflow`. Left out: the server's `--max-groups` */
    readonly max_groups?: number;
    /** a CEL expression over `event_type`, `user_id`, `timestamp` and `payload`: only events for which it is true count; at most 4,096 bytes in UTF-8, each text in it 1,024, and 16 levels of operations inside each other */
    readonly filter?: string;
    /** only windows and groups whose value passes: comparisons of `value` with numbers, joined by `&&` */
    readonly having?: string;
    /** only so many groups of each window: those with the largest values, of equal ones the first in order */
    readonly top_n?: number;
    /** `0s` … `30d`: how long after its end a window waits for late events; left out: `0s` */
    readonly allowed_lateness?: string;
    /** `count`: a late event still corrects its window; `drop`: it is only counted as late. Left out: `count` */
    readonly late_policy?: "count" | "drop";
    /** `1s` … `3650d`, as long as a window at least: windows that ended so long ago are not answered any more, and deleted in time; left out: none */
    readonly retention?: string;
    /** false pauses */
    readonly active: boolean;
    /** 1, 2, 3 … within the rule */
    readonly version: number;
    /** the earlier version whose fields this one took up again */
    readonly rolled_back_to?: number;
    readonly state: "filling" | "live" | "paused" | "retired";
    /** whether `/stats?version=` answers its windows */
    readonly readable: boolean;
    /** of a retired one: until when it does */
    readonly kept_until?: string;
    /** RFC 3339 in UTC */
    readonly created_at: string;
  }[];
}

export interface RuleDeleted {
  /** letters, digits, `_ . -` */
  readonly rule_id: string;
  readonly status: "deleted";
}

/** the rules as one document */
export interface RuleDocument {
  /** by `rule_id`; each id once */
  readonly rules: readonly Rule[];
}

export interface DocumentAnswer {
  /** new rules, by `rule_id` */
  readonly created: readonly string[];
  /** rules with a new version, by `rule_id` */
  readonly changed: readonly string[];
  /** rules that said the same already: no new version, nothing is filled again, by `rule_id` */
  readonly unchanged: readonly string[];
  /** rules that went with their windows, by `rule_id` */
  readonly deleted: readonly string[];
  /** rules that are not in the document and stay, for want of `delete=true`, by `rule_id` */
  readonly kept: readonly string[];
}

/** what a rule would do; nothing is stored */
export interface DryRunAnswer {
  readonly dry_run: true;
  /** the rule in its one form, as it would be stored */
  readonly rule: {
    /** letters, digits, `_ . -` */
    readonly rule_id: string;
    /** `1s` … `30d`, aligned to the epoch; calendar windows are `1d`, `1w` (from Monday) and `1mo`, in `timezone` */
    readonly window_size: string;
    /** `hopping`: windows begin at every `hop` and overlap; `cumulative`: windows grow by `hop` and begin anew every `window_size`. Left out: `hopping` with a `hop`, else `tumbling` */
    readonly window_type?: "tumbling" | "hopping" | "cumulative";
    /** of hopping and cumulative windows: divides `window_size`, into at most 1000 parts; of calendar windows, which can be cumulative, divides a day, or is `1d` */
    readonly hop?: string;
    /** IANA name of the zone that `1d`, `1w` and `1mo` are cut in; left out: UTC */
    readonly timezone?: string;
    /** `count`, `sum`, `avg`, `min`, `max`, `uniq` (within 2 %), `uniq_exact`; `p50` … any `pNN` or `pNN.N` (within 1 %), `rate` (events a second), `first`, `last` (by event time), `top_k`; aliases `event_count` = `count` and `active_users` = `uniq_exact` of `user_id` */
    readonly metric: string;
    /** what the metric reads: `user_id` or a payload path; refused for `count` and `rate` */
    readonly field?: string;
    /** numbers are read as decimals with so many places: `sum`, `avg`, `min` and `max` are then exact */
    readonly decimals?: number;
    /** of `event_type`, `user_id`, payload paths */
    readonly group_by?: readonly string[];
    /** so many different groups of the windows that are kept have rows of their own; events of further ones share a row that is marked `overflow`. Left out: the server's `--max-groups` */
    readonly max_groups?: number;
    /** a CEL expression over `event_type`, `user_id`, `timestamp` and `payload`: only events for which it is true count; at most 4,096 bytes in UTF-8, each text in it 1,024, and 16 levels of operations inside each other */
    readonly filter?: string;
    /** only windows and groups whose value passes: comparisons of `value` with numbers, joined by `&&` */
    readonly having?: string;
    /** only so many groups of each window: those with the largest values, of equal ones the first in order */
    readonly top_n?: number;
    /** `0s` … `30d`: how long after its end a window waits for late events; left out: `0s` */
    readonly allowed_lateness?: string;
    /** `count`: a late event still corrects its window; `drop`: it is only counted as late. Left out: `count` */
    readonly late_policy?: "count" | "drop";
    /** `1s` … `3650d`, as long as a window at least: windows that ended so long ago are not answered any more, and deleted in time; left out: none */
    readonly retention?: string;
    /** false pauses */
    readonly active?: boolean;
  };
  /** what the same body would do without `dry_run` */
  readonly effect: "create" | "change" | "none";
  /** whether history would be read for it; if not, it would answer at once, from the windows that there are */
  readonly fills: boolean;
  /** the newest counted events by arrival, at most 100,000, and the event times of the earliest and the latest */
  readonly sample: {
    readonly events: number;
    readonly from: string | null;
    readonly to: string | null;
  };
  /** events of the sample that entered the metric */
  readonly entered: number;
  /** events that passed the filter, with nothing there for the metric to read */
  readonly skipped: number;
  /** events that came after their window's end and the allowed lateness */
  readonly late: number;
  /** different groups in the sample */
  readonly groups: number;
  /** the rows in `data` */
  readonly count: number;
  /** the newest windows as `/stats` would answer them, at most 100 rows, of the events of the sample alone: the first and the last window may lack events. `max_groups` is not applied, each group has rows of its own */
  readonly data: readonly StatsRow[];
  /** there are more rows than these */
  readonly more: boolean;
  /** estimates; null when there was too little to measure */
  readonly cost: {
    /** rows that the engine read for the sample */
    readonly rows_read: number;
    /** how long one thread of the engine took, for 100,000 events; null of fewer than 10,000. Measured once, with the rule alone, while the machine did what else it had to. In force, rules share the reading of events, fields and filters, and cost less */
    readonly engine_ms_per_100k_events: number | null;
    /** about so many rows a day, when all windows of a day are like those of the sample */
    readonly rows_stored_per_day: number | null;
  };
  readonly warnings: readonly {
    readonly code: "no_events" | "nothing_entered" | "much_skipped" | "groups_over_bound" | "many_groups";
    readonly message: string;
  }[];
}

export interface VerificationAnswer {
  readonly rule_id: string;
  /** the version that answers, which was compared */
  readonly version: number;
  readonly result: "equal" | "different" | "not_comparable";
  /** why it can't be compared */
  readonly reason?: string;
  /** what differs: how many events entered a window, or, where these are right, its value */
  readonly compared?: "events" | "value";
  /** how many windows and groups differ */
  readonly different: number;
  /** the first hundred, oldest first */
  readonly differences: readonly {
    /** of the pane: the hop, where windows hop or grow */
    readonly window_start: string;
    readonly group: readonly (string | null)[];
    readonly stored: string;
    /** counted again from the stored events */
    readonly expected: string;
  }[];
}

export interface RebuildAnswer {
  readonly rule_id: string;
  readonly status: "rebuilding";
}

/** what a client sends */
export interface LiveRequest {
  /** rules to watch */
  readonly subscribe_rules?: readonly string[];
  /** rules to watch no longer */
  readonly unsubscribe_rules?: readonly string[];
  /** `plain`, which is the default: rows as they change; `delta`: the exact protocol */
  readonly mode?: "plain" | "delta";
  /** how long at least between two pushes of a rule: when left out 5000, in the mode delta 250 */
  readonly interval_ms?: number;
  /** the beginning of the first window that is wanted: RFC 3339 or milliseconds since the epoch; the newest 60 windows when left out */
  readonly from?: string;
  /** per rule the epoch and the last seq that the client has */
  readonly resume?: Readonly<
    Record<
      string,
      {
        readonly epoch: string;
        readonly seq: number;
      }
    >
  >;
}

/** all windows from `from` on; takes the place of what the client has */
export interface LiveSnapshot {
  readonly type: "snapshot";
  readonly rule_id: string;
  /** the version of the rule that answers */
  readonly version: number;
  /** what `seq` counts in; to be given back as it is */
  readonly epoch: string;
  /** grows with every change of the rule's windows */
  readonly seq: number;
  /** the rows are all that `/stats` has with this `start_time` */
  readonly from: string;
  /** as in `/stats`: false while the rule is being filled or paused, or the server has not heard of a change of rules yet */
  readonly complete: boolean;
  /** there are older windows that were asked for; `from` says where these begin */
  readonly truncated?: true;
  /** rows as in `/stats`, newest window first */
  readonly rows: readonly StatsRow[];
}

/** windows that changed, whole */
export interface LiveDelta {
  readonly type: "delta";
  readonly rule_id: string;
  /** grows with every change of the rule's windows */
  readonly seq: number;
  /** the `seq` that the client must have */
  readonly prev: number;
  /** every row of each window that changed, with its full new value: they take the place of all rows of these windows */
  readonly rows: readonly StatsRow[];
  /** the beginnings of windows that have no rows any more */
  readonly gone?: readonly string[];
}

/** the window has closed; the client's rows of it become `final` */
export interface LiveFinal {
  readonly type: "final";
  readonly rule_id: string;
  /** RFC 3339 in UTC */
  readonly window_start: string;
  /** RFC 3339 in UTC */
  readonly window_end: string;
}

/** nothing has been told for a while */
export interface LiveHeartbeat {
  readonly type: "heartbeat";
  readonly rule_id: string;
  /** what the client must have */
  readonly seq: number;
  /** how long the oldest event that is not counted has waited, or what may have changed has not been read, or for how long the log has not let itself be read to its end */
  readonly lag_ms: number;
}

/** what the client has is void; a snapshot follows */
export interface LiveReset {
  readonly type: "reset";
  readonly rule_id: string;
  readonly reason: "rule_changed" | "rebuilt" | "resume_too_old" | "too_slow" | "too_large";
}

/** something was refused; the socket stays */
export interface LiveError {
  readonly type: "error";
  readonly code:
    | "invalid_json"
    | "invalid_message"
    | "unknown_rule"
    | "rule_deleted"
    | "too_many_subscriptions"
    | "too_large";
  readonly message: string;
  /** the rule that it is about */
  readonly rule_id?: string;
}
