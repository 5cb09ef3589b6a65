import Type from "typebox";
import type { Static } from "typebox";
import { StatsRow, Time } from "./stats.ts";

/** Why what a subscriber has is void. */
export const resetReasons = {
  rule_changed: "another version of the rule answers now",
  rebuilt:
    "the same version of the rule has other windows, as after a fill, a pause or an erasure, or what was not known to be complete is",
  resume_too_old: "the numbers of `resume` are not known any more, or never were",
  too_slow: "changes were missed because what was sent was not read",
  too_large: "the windows have become more than are kept for a rule, or can be read at once: the oldest are left out",
} as const;
export type ResetReason = keyof typeof resetReasons;

const Seq = Type.Integer({ minimum: 0, description: "grows with every change of the rule's windows" });
const RuleId = Type.String();
const Rows = Type.Array(StatsRow, { description: "rows as in `/stats`, newest window first" });

export const LiveSnapshot = Type.Object(
  {
    type: Type.Literal("snapshot"),
    rule_id: RuleId,
    version: Type.Integer({ description: "the version of the rule that answers" }),
    epoch: Type.String({ description: "what `seq` counts in; to be given back as it is" }),
    seq: Seq,
    from: Type.String({ description: "the rows are all that `/stats` has with this `start_time`" }),
    complete: Type.Boolean({
      description:
        "as in `/stats`: false while the rule is being filled or paused, or the server has not heard of a change of rules yet",
    }),
    truncated: Type.Optional(
      Type.Literal(true, { description: "there are older windows that were asked for; `from` says where these begin" }),
    ),
    rows: Rows,
  },
  { additionalProperties: false, description: "all windows from `from` on; takes the place of what the client has" },
);

export const LiveDelta = Type.Object(
  {
    type: Type.Literal("delta"),
    rule_id: RuleId,
    seq: Seq,
    prev: Type.Integer({ description: "the `seq` that the client must have" }),
    rows: Type.Array(StatsRow, {
      description:
        "every row of each window that changed, with its full new value: they take the place of all rows of these windows",
    }),
    gone: Type.Optional(Type.Array(Time, { description: "the beginnings of windows that have no rows any more" })),
  },
  { additionalProperties: false, description: "windows that changed, whole" },
);

export const LiveFinal = Type.Object(
  {
    type: Type.Literal("final"),
    rule_id: RuleId,
    window_start: Time,
    window_end: Time,
  },
  { additionalProperties: false, description: "the window has closed; the client's rows of it become `final`" },
);

export const LiveHeartbeat = Type.Object(
  {
    type: Type.Literal("heartbeat"),
    rule_id: RuleId,
    seq: Type.Integer({ description: "what the client must have" }),
    lag_ms: Type.Integer({
      description:
        "how long the oldest event that is not counted has waited, or what may have changed has not been read, or for how long the log has not let itself be read to its end",
    }),
  },
  { additionalProperties: false, description: "nothing has been told for a while" },
);

export const LiveReset = Type.Object(
  {
    type: Type.Literal("reset"),
    rule_id: RuleId,
    reason: Type.String({ enum: Object.keys(resetReasons) }),
  },
  { additionalProperties: false, description: "what the client has is void; a snapshot follows" },
);

export type LiveSnapshot = Static<typeof LiveSnapshot>;
export type LiveDelta = Static<typeof LiveDelta>;
export type LiveFinal = Static<typeof LiveFinal>;
export type LiveHeartbeat = Static<typeof LiveHeartbeat>;
export type LiveReset = Static<typeof LiveReset>;
