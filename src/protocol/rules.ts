import Type from "typebox";
import type { Static, TSchema } from "typebox";
import type { RuleSpec } from "../rule/rule.ts";

const ruleFields = {
  window_size: Type.String({
    description:
      "`1s` … `30d`, aligned to the epoch; calendar windows are `1d`, `1w` (from Monday) and `1mo`, in `timezone`",
    examples: ["10m"],
  }),
  window_type: Type.Optional(
    Type.Enum(["tumbling", "hopping", "cumulative"], {
      description:
        "`hopping`: windows begin at every `hop` and overlap; `cumulative`: windows grow by `hop` and begin anew every `window_size`. Left out: `hopping` with a `hop`, else `tumbling`",
    }),
  ),
  hop: Type.Optional(
    Type.String({
      description:
        "of hopping and cumulative windows: divides `window_size`, into at most 1000 parts; of calendar windows, which can be cumulative, divides a day, or is `1d`",
      examples: ["1m"],
    }),
  ),
  timezone: Type.Optional(
    Type.String({
      description: "IANA name of the zone that `1d`, `1w` and `1mo` are cut in; left out: UTC",
      examples: ["Europe/Berlin"],
    }),
  ),
  metric: Type.String({
    description: [
      "`count`, `sum`, `avg`, `min`, `max`, `uniq` (within 2 %), `uniq_exact`",
      "`p50` … any `pNN` or `pNN.N` (within 1 %), `rate` (events a second), `first`, `last` (by event time), `top_k`",
      "aliases `event_count` = `count` and `active_users` = `uniq_exact` of `user_id`",
    ].join("; "),
    examples: ["count"],
  }),
  field: Type.Optional(
    Type.String({
      description: "what the metric reads: `user_id` or a payload path; refused for `count` and `rate`",
      examples: ["payload.price"],
    }),
  ),
  decimals: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 9,
      description: "numbers are read as decimals with so many places: `sum`, `avg`, `min` and `max` are then exact",
      examples: [2],
    }),
  ),
  group_by: Type.Array(Type.String(), {
    maxItems: 8,
    description: "of `event_type`, `user_id`, payload paths",
    examples: [["event_type"]],
  }),
  max_groups: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        "so many different groups of the windows that are kept have rows of their own; events of further ones share a row that is marked `overflow`. Left out: the server's `--max-groups`",
      examples: [1000],
    }),
  ),
  filter: Type.Optional(
    Type.String({
      maxLength: 4096,
      description:
        "a CEL expression over `event_type`, `user_id`, `timestamp` and `payload`: only events for which it is true count; at most 4,096 bytes in UTF-8, each text in it 1,024, and 16 levels of operations inside each other",
      examples: ['event_type == "purchase" && payload.price > 10.0 && payload.country in ["DE", "FR"]'],
    }),
  ),
  having: Type.Optional(
    Type.String({
      maxLength: 512,
      description: "only windows and groups whose value passes: comparisons of `value` with numbers, joined by `&&`",
      examples: ["value >= 10 && value < 100"],
    }),
  ),
  top_n: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1000,
      description:
        "only so many groups of each window: those with the largest values, of equal ones the first in order",
      examples: [10],
    }),
  ),
  allowed_lateness: Type.Optional(
    Type.String({
      description: "`0s` … `30d`: how long after its end a window waits for late events; left out: `0s`",
      examples: ["5m"],
    }),
  ),
  late_policy: Type.Optional(
    Type.Enum(["count", "drop"], {
      description:
        "`count`: a late event still corrects its window; `drop`: it is only counted as late. Left out: `count`",
    }),
  ),
  retention: Type.Optional(
    Type.String({
      description:
        "`1s` … `3650d`, as long as a window at least: windows that ended so long ago are not answered any more, and deleted in time; left out: none",
      examples: ["90d"],
    }),
  ),
  active: Type.Boolean({ description: "false pauses" }),
} satisfies Readonly<Record<Exclude<keyof RuleSpec, "rule_id">, TSchema>>;
const RuleId = Type.String({
  minLength: 1,
  maxLength: 128,
  description: "letters, digits, `_ . -`",
  examples: ["top_events_10m"],
});
const Version = Type.Integer({ description: "1, 2, 3 … within the rule" });
const RolledBackTo = Type.Optional(
  Type.Integer({ description: "the earlier version whose fields this one took up again" }),
);
const Time = Type.String({ description: "RFC 3339 in UTC" });
const Count = (description: string) =>
  Type.Union([Type.Integer(), Type.Null()], { description: `${description}; null when the store can't say` });

const example = {
  rule_id: "top_events_10m",
  window_size: "10m",
  metric: "count",
  group_by: ["event_type"],
  active: true,
};
const furtherExample = {
  rule_id: "revenue_by_day",
  window_size: "1d",
  timezone: "Europe/Berlin",
  metric: "sum",
  field: "payload.price",
  decimals: 2,
  group_by: ["payload.country"],
  filter: 'event_type == "purchase"',
  allowed_lateness: "1h",
};

/** A rule without anything that the server adds, as it is answered. */
export const PlainRule = Type.Object(
  {
    rule_id: RuleId,
    ...ruleFields,
    group_by: Type.Optional(ruleFields.group_by),
    active: Type.Optional(ruleFields.active),
  },
  { additionalProperties: false, description: "a rule", examples: [example, furtherExample] },
);

const { window_size: windowSize, metric, ...optionalFields } = ruleFields;
const orNull = (field: TSchema) => {
  const { description = "" } = field as { readonly description?: string };
  return Type.Union([field, Type.Null()], { description });
};
const nullableFields = Object.fromEntries(Object.entries(optionalFields).map(([key, field]) => [key, orNull(field)]));

/** A rule as it is sent. Documentation: the check itself is the rule's own and says more. */
export const RuleBody = Type.Object(
  {
    rule_id: RuleId,
    window_size: windowSize,
    metric,
    ...Object.fromEntries(Object.entries(nullableFields).map(([key, field]) => [key, Type.Optional(field)])),
  },
  {
    additionalProperties: false,
    description: "a rule; `null` is the same as a field that is left out",
    examples: [example, furtherExample],
  },
);

/** The fields to change; `null` takes an optional field away, as `timezone: null`. */
export const RulePatch = Type.Partial(
  Type.Object({
    rule_id: { ...RuleId, description: "the rule's own, which can't be changed" },
    window_size: windowSize,
    metric,
    ...nullableFields,
  }),
  {
    additionalProperties: false,
    description: "the fields to change; `null` takes an optional field away",
    examples: [{ active: false }, { timezone: null }],
  },
);

const RuleCost = Type.Object({
  share: Type.Number({
    minimum: 0,
    maximum: 1,
    description:
      "of the time that the engine took to count live events for all rules. What rules share (reading a field, a filter, a grouping) is divided evenly among them",
  }),
  ms_per_100k_events: Type.Number({
    description:
      "the same as time: ms for 100,000 events that came in. Where few come at a time, most of it is the fixed price of their batches",
  }),
});

export const RuleAnswer = Type.Object(
  {
    rule_id: RuleId,
    ...ruleFields,
    version: Version,
    rolled_back_to: RolledBackTo,
    answering_version: Type.Integer({
      description: "whose windows `/stats` answers: the one before, until the newest is filled",
    }),
    state: Type.Enum(["filling", "live", "paused"], { description: "of the newest version" }),
    outdated: Type.Optional(
      Type.Boolean({
        description:
          "the windows that `/stats` answers are not what the stored events give, and are being made anew; missing otherwise",
      }),
    ),
    stopped_because: Type.Optional(
      Type.String({
        description:
          "why the server itself has paused the rule: the store refuses to compute it, and `active: true` tries again; or what is stored of it can't be read, and has to be changed",
      }),
    ),
    progress: Type.Number({ minimum: 0, maximum: 1, description: "how much of history is filled" }),
    eta: Type.Optional(
      Type.Union([Time, Type.Null()], {
        description: "while filling: when it will be done if it goes on like this; null when that is not known yet",
      }),
    ),
    waiting_for: Type.Optional(
      Type.String({
        description:
          "while filling: what the fill stands still for, such as a damaged part of the store; `/stats` answers the windows that were there before as long; missing otherwise",
      }),
    ),
    skipped: Count("events whose `field` was missing or not a number"),
    late: Count("events that came after their window's end and the allowed lateness"),
    groups: Count("groups that have a window, without the overflow"),
    overflowed: Count(
      "events, of the windows that are stored, that are in the row `overflow` because the rule has as many groups as it may",
    ),
    cost: Type.Union([RuleCost, Type.Null()], {
      description: "what the newest version has cost over the last minutes; null when nothing was counted for it",
    }),
    lag_ms: Type.Integer({
      description:
        "how long the oldest event that is not counted has waited, or for how long the log has not let itself be read to its end",
    }),
    created_at: Time,
    changed_at: Time,
  },
  { additionalProperties: true, description: "a rule and how it stands" },
);
export type RuleAnswer = Static<typeof RuleAnswer>;

export const RulesAnswer = Type.Object({
  count: Type.Integer(),
  rules: Type.Array(RuleAnswer, { description: "by `rule_id`" }),
});
export type RulesAnswer = Static<typeof RulesAnswer>;

const RuleVersionAnswer = Type.Object(
  {
    rule_id: RuleId,
    ...ruleFields,
    version: Version,
    rolled_back_to: RolledBackTo,
    state: Type.Enum(["filling", "live", "paused", "retired"]),
    readable: Type.Boolean({ description: "whether `/stats?version=` answers its windows" }),
    kept_until: Type.Optional(Type.String({ description: "of a retired one: until when it does" })),
    created_at: Time,
  },
  { additionalProperties: true },
);
export type RuleVersionAnswer = Static<typeof RuleVersionAnswer>;

export const RuleVersionsAnswer = Type.Object({
  rule_id: RuleId,
  versions: Type.Array(RuleVersionAnswer, { description: "newest first" }),
});
export type RuleVersionsAnswer = Static<typeof RuleVersionsAnswer>;

export const RuleDeleted = Type.Object({ rule_id: RuleId, status: Type.Literal("deleted") });

export const RulePath = Type.Object({ rule_id: Type.String({ minLength: 1, maxLength: 512 }) });

/** For routes without query parameters: each that is given is refused by name. */
export const NoParameters = Type.Object({}, { additionalProperties: false });

/** The header of a conditional change. Other headers pass. */
const ifMatch = Type.String({
  description:
    "change only this version of the rule: the ETag that it was answered with, or its number alone, which a rule that was deleted and made again has as well",
  examples: ['"3@2026-01-13T10:00:00.25Z"', '"3"'],
});
export const RuleCondition = Type.Object({ "if-match": Type.Optional(ifMatch) }, { additionalProperties: true });

export const PutCondition = Type.Object(
  {
    "if-match": Type.Optional(ifMatch),
    "if-none-match": Type.Optional(
      Type.String({ description: "`*`: make the rule only if there is none of its id", examples: ["*"] }),
    ),
  },
  { additionalProperties: true },
);
