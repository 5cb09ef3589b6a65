import Type from "typebox";
import type { Static } from "typebox";

const ruleFields = {
  window_size: Type.String({ description: "`1s` … `30d`; windows are aligned to the epoch", examples: ["10m"] }),
  metric: Type.String({
    description: "`count`, `sum`, `avg`, `min`, `max`, `uniq_exact`; aliases `event_count` and `active_users`",
    examples: ["count"],
  }),
  field: Type.Optional(
    Type.String({ description: "what the metric reads; refused for `count`", examples: ["payload.price"] }),
  ),
  group_by: Type.Array(Type.String(), {
    maxItems: 8,
    description: "of `event_type`, `user_id`, payload paths",
    examples: [["event_type"]],
  }),
  active: Type.Boolean({ description: "false pauses" }),
};
const RuleId = Type.String({
  minLength: 1,
  maxLength: 128,
  description: "letters, digits, `_ . -`",
  examples: ["top_events_10m"],
});
const Version = Type.Integer({ description: "1, 2, 3 … within the rule; also the ETag" });
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

/** A rule as it is sent. Documentation: the check itself is the rule's own and says more. */
export const RuleBody = Type.Object(
  {
    rule_id: RuleId,
    ...ruleFields,
    group_by: Type.Optional(ruleFields.group_by),
    active: Type.Optional(ruleFields.active),
  },
  { additionalProperties: false, description: "a rule", examples: [example] },
);

/** The fields to change; `field: null` takes the field away. */
export const RulePatch = Type.Partial(Type.Object(ruleFields), {
  additionalProperties: false,
  description: "the fields to change",
  examples: [{ active: false }],
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
    progress: Type.Number({ minimum: 0, maximum: 1, description: "how much of history is filled" }),
    skipped: Count("events whose `field` was missing or not a number"),
    late: Count("events that came after their window's end"),
    groups: Count("groups that have a window"),
    lag_ms: Type.Number({ description: "how long the oldest event that is not counted has waited" }),
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
export const RuleCondition = Type.Object(
  {
    "if-match": Type.Optional(Type.String({ description: "change only this version of the rule", examples: ['"3"'] })),
  },
  { additionalProperties: true },
);
