import Type from "typebox";
import type { Static } from "typebox";
import { LiveDelta, LiveFinal, LiveHeartbeat, LiveReset, LiveSnapshot } from "./live-exact.ts";
import { WindowValue } from "./stats.ts";

const RuleIds = Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 1000 });

/** How often at most; in milliseconds. */
export const LiveInterval = Type.Integer({
  minimum: 50,
  maximum: 60_000,
  description: "how long at least between two pushes of a rule: when left out 5000, in the mode delta 250",
});

export const LiveFrom = Type.String({
  maxLength: 64,
  description:
    "the beginning of the first window that is wanted: RFC 3339 or milliseconds since the epoch; the newest 60 windows when left out",
  examples: ["2026-01-17T00:00:00Z"],
});

/** What a client sends over `WS /live-stats`, at most 16 KiB a message. */
export const LiveRequest = Type.Object(
  {
    subscribe_rules: Type.Optional({ ...RuleIds, description: "rules to watch" }),
    unsubscribe_rules: Type.Optional({ ...RuleIds, description: "rules to watch no longer" }),
    mode: Type.Optional(
      Type.Enum(["plain", "delta"], {
        description: "`plain`, which is the default: rows as they change; `delta`: the exact protocol",
      }),
    ),
    interval_ms: Type.Optional(LiveInterval),
    from: Type.Optional(LiveFrom),
    resume: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object(
          { epoch: Type.String({ maxLength: 128 }), seq: Type.Integer({ minimum: 0 }) },
          { additionalProperties: false },
        ),
        { description: "per rule the epoch and the last seq that the client has" },
      ),
    ),
  },
  { additionalProperties: false, description: "what a client sends" },
);
export type LiveRequest = Static<typeof LiveRequest>;

/** What is pushed in the mode plain: the newest window's rows at once, then the rows that changed, with their full new values. */
export const LivePush = Type.Object(
  {
    rule_id: Type.String(),
    timestamp: Type.String({ description: "when this was sent, by the server's clock" }),
    data: Type.Array(Type.Array(Type.Union([Type.String(), Type.Null(), WindowValue])), {
      description:
        "rows: window_start, the group values in `group_by` order, the value (of a cumulative window at its newest end); behind it the text `overflow` in the row of the events that are in no group of their own",
    }),
    truncated: Type.Optional(
      Type.Literal(true, { description: "there are, or may be, more rows than are pushed; ask `/stats`" }),
    ),
  },
  { description: "rows of a rule" },
);
export type LivePush = Static<typeof LivePush>;

/** Every code of an error message, with what it means. */
export const liveErrorCodes = {
  invalid_json: "the message is not JSON",
  invalid_message: "the message is not one that is understood",
  unknown_rule: "there is no rule of this id",
  rule_deleted: "the rule was deleted; it is no longer watched",
  too_many_subscriptions: "the socket watches as many rules as it may",
  too_large:
    "the windows have more than is kept of them, or take more to be read than a reading may; the rule is not watched",
} as const;
export type LiveErrorCode = keyof typeof liveErrorCodes;

export const LiveError = Type.Object(
  {
    type: Type.Literal("error"),
    code: Type.String({ enum: Object.keys(liveErrorCodes) }),
    message: Type.String(),
    rule_id: Type.Optional(Type.String({ description: "the rule that it is about" })),
  },
  { additionalProperties: false, description: "something was refused; the socket stays" },
);
export type LiveError = Static<typeof LiveError>;

/** What is sent in the mode delta, over sockets and as events. */
export const ExactMessage = Type.Union([LiveSnapshot, LiveDelta, LiveFinal, LiveHeartbeat, LiveReset, LiveError]);
export type ExactMessage = Static<typeof ExactMessage>;

export const LiveMessage = Type.Union([LivePush, ...ExactMessage.anyOf], { description: "what the server sends" });

/** Why a socket was closed by the server: the codes of the WebSocket protocol, and our own from 4000 on. */
export const closeCodes = {
  stopping: { code: 1001, reason: "the server is stopping" },
  text_only: { code: 1003, reason: "messages are text" },
  too_many_sockets: { code: 1013, reason: "as many sockets are open as may be; try again later" },
  too_slow: { code: 4008, reason: "too slow: what was sent was not read in time" },
  too_many_messages: { code: 4029, reason: "too many messages" },
} as const;
export type CloseReason = keyof typeof closeCodes;

/** Why a socket was closed whose frames are not as they must be. */
export const brokenCodes = {
  protocol: {
    code: 1002,
    reason: "a frame is not as the protocol of WebSockets has it (no compression was agreed on)",
  },
  not_utf8: { code: 1007, reason: "a message is not UTF-8" },
  in_pieces: { code: 1008, reason: "a message comes in too many pieces (16 frames at most)" },
  too_long: { code: 1009, reason: "a message is longer than 16 KiB" },
} as const;

/** What `GET /live-stats` takes: the same feed as events, for `EventSource` and `curl -N`. */
export const LiveEventsParameters = Type.Object(
  {
    rule_id: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
        minItems: 1,
        maxItems: 100,
        description: "the rules to watch, at most 100; of those that are not known an `error` tells on the stream",
      }),
    ),
    interval_ms: Type.Optional({
      ...LiveInterval,
      description: "how long at least between two pushes of a rule; 250 when left out",
    }),
    from: Type.Optional(LiveFrom),
    last_event_id: Type.Optional(
      Type.String({
        description:
          "as the header `Last-Event-ID`, which a page of another origin may not send by `fetch`; where both are given, the header counts",
      }),
    ),
  },
  { additionalProperties: false },
);
export type LiveEventsParameters = Static<typeof LiveEventsParameters>;

/** Where an `EventSource` was before its line ended; browsers send it by themselves. */
export const LiveEventsHeaders = Type.Object({
  "last-event-id": Type.Optional(
    Type.String({ description: "the last `id` that came: the stream goes on from there" }),
  ),
});
