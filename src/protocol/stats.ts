import Type from "typebox";
import type { Static } from "typebox";
import { tableFormats } from "../rollup/table.ts";

const TimeParameter = Type.String({
  description: "RFC 3339 with any offset, or integer milliseconds since the epoch",
  examples: ["2026-01-17T00:00:00Z"],
  maxLength: 64,
});
export const Limit = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  default: 100,
  description: "the most rows in one answer",
});
export const Cursor = Type.String({
  maxLength: 8192,
  description: "the `next_cursor` of the answer before, with the same other parameters",
});
export const Time = Type.String({ description: "RFC 3339 in UTC", examples: ["2026-01-17T19:30:00Z"] });
export const NextCursor = Type.Optional(Type.String({ description: "there is more; ask again with this `cursor`" }));

/** The most rows that one answer may have: of `/stats` as a list in JSON, and as a table. */
export const statsLimits = {
  json: { default: 100, maximum: 10_000 },
  table: { default: 1_000_000, maximum: 1_000_000 },
} as const;

const StatsLimit = Type.Integer({
  minimum: 1,
  maximum: statsLimits.table.maximum,
  description:
    "the most rows in one answer: in JSON 100 when it is left out and at most 10,000, in other formats 1,000,000",
});
const Format = Type.Enum(["json", ...tableFormats], {
  default: "json",
  description:
    "`json` is the answer described here; the others are its rows alone, with the columns `window_start`, each name of `group_by`, `value`, `window_end`, `final`, and where the span has overflow the boolean `overflow`",
});

/** Besides these, every group key of the rule is a filter: `event_type`, `user_id`, `group.payload.country`. */
export const StatsParameters = Type.Object({
  rule_id: Type.String({ minLength: 1, maxLength: 128, description: "the rule whose windows are asked for" }),
  start_time: Type.Optional(TimeParameter),
  end_time: Type.Optional(TimeParameter),
  order: Type.Optional(
    Type.Enum(["newest", "oldest", "desc", "asc"], {
      default: "newest",
      description: "of the windows; groups are in order within a window",
    }),
  ),
  step: Type.Optional(
    Type.String({
      maxLength: 16,
      description:
        "windows of this length instead of the rule's own, merged exactly from what is stored: a multiple of the rule's window (of its hop, where it has one), or `1d`, `1w`, `1mo` of the rule's time zone",
      examples: ["1h"],
    }),
  ),
  fill: Type.Optional(
    Type.Enum(["none", "zero"], {
      default: "none",
      description:
        "`zero`: every group of the span (of a rule without `group_by` its only one) has a row in every window that has begun: where nothing entered, 0 of what counts and adds up, an empty list of `top_k`, else null",
    }),
  ),
  null_group: Type.Optional(
    Type.Array(Type.String(), {
      maxItems: 8,
      description:
        "only the group without a value (`null`) of this key of the rule's `group_by`; may be given for several. `group.payload.country=` asks for the empty text, which is another group",
      examples: ["payload.country"],
    }),
  ),
  limit: Type.Optional(StatsLimit),
  cursor: Type.Optional(Cursor),
  version: Type.Optional(
    Type.Integer({
      minimum: 1,
      description:
        "the version of the rule that is to answer; a replaced one stands still from then on, and can be read for a time. One that a later version only reads otherwise goes on with that one, in its own way",
    }),
  ),
  format: Type.Optional(Format),
});

/** As documented: with the filters that have a fixed name. Those on payload paths are told in the route's description. */
export const StatsParametersDocument = Type.Object({
  ...StatsParameters.properties,
  event_type: Type.Optional(Type.String({ description: "only this group, when the rule groups by `event_type`" })),
  user_id: Type.Optional(Type.String({ description: "only this group, when the rule groups by `user_id`" })),
});

/** What a window's value may be, by the rule's metric. */
export const WindowValue = Type.Union(
  [
    Type.Number(),
    Type.String(),
    Type.Boolean(),
    Type.Null(),
    Type.Array(Type.Object({ value: Type.String(), count: Type.Integer() }), {
      description: "of `top_k`: the most frequent values first, of equal ones the first by text; each as its text",
    }),
  ],
  { description: "a number; of `first` and `last` the value itself, of `top_k` a list" },
);

export const StatsRow = Type.Object(
  {
    window_start: Time,
    value: WindowValue,
    window_end: Type.String({ description: "where the window ends; the end is not in it" }),
    final: Type.Boolean({
      description:
        "the window has ended and every event acknowledged before its end is counted; only a late event can still change it",
    }),
    overflow: Type.Optional(
      Type.Literal(true, {
        description:
          "this row is of all events whose group came when the rule had as many as it may (`max_groups`): its group keys are null, and it is answered whatever `having` and `top_n` say",
      }),
    ),
  },
  {
    additionalProperties: Type.Union([Type.String(), Type.Null(), Type.Number(), Type.Boolean()]),
    description:
      "one window and group; each name of `group_by` is a key of its own, null for the group of those that have no such value",
  },
);
export type StatsRow = Static<typeof StatsRow> & Record<string, Static<typeof WindowValue>>;

export const StatsAnswer = Type.Object({
  rule_id: Type.String(),
  from: Type.String({
    description: "RFC 3339 in UTC; later than asked for where the rule's `retention` has ended windows",
  }),
  to: Time,
  count: Type.Integer({ description: "the rows in this answer" }),
  data: Type.Array(StatsRow, {
    description: "windows with `from ≤ window_start < to`, newest first, then groups in order, null last",
  }),
  version: Type.Integer({ description: "the version of the rule that answers" }),
  complete: Type.Boolean({
    description:
      "false while the rule is being filled or paused, or the server has not heard of a change of rules yet: windows may lack events",
  }),
  lag_ms: Type.Integer({
    description:
      "how long the oldest event that is not counted has waited, or for how long the log has not let itself be read to its end",
  }),
  next_cursor: NextCursor,
});
export type StatsAnswer = Omit<Static<typeof StatsAnswer>, "data"> & { data: StatsRow[] };

export const EventsParameters = Type.Object(
  {
    start_time: Type.Optional(TimeParameter),
    end_time: Type.Optional(TimeParameter),
    event_id: Type.Optional(Type.String({ maxLength: 1024 })),
    event_type: Type.Optional(Type.String({ maxLength: 1024 })),
    user_id: Type.Optional(Type.String({ maxLength: 1024 })),
    limit: Type.Optional(Limit),
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
);

export const EventRow = Type.Object({
  event_id: Type.String(),
  user_id: Type.String(),
  event_type: Type.String(),
  timestamp: Time,
  payload: Type.Object({}, { additionalProperties: true, description: "as it came, in canonical JSON" }),
  position: Type.String({
    description: "partition and offset in the log; names the event forever",
    examples: ["0:42"],
  }),
  received_at: Time,
});

export const EventsAnswer = Type.Object({
  count: Type.Integer({ description: "the events in this answer" }),
  data: Type.Array(EventRow, { description: "newest first by `timestamp`" }),
  next_cursor: NextCursor,
});
