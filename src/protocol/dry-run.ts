import Type from "typebox";
import type { Static } from "typebox";
import { PlainRule, RuleAnswer } from "./rules.ts";
import { StatsRow } from "./stats.ts";

export const PutParameters = Type.Object(
  {
    dry_run: Type.Optional(
      Type.Boolean({
        default: false,
        description: "store nothing; answer what the rule would have made of the newest events, and what it costs",
      }),
    ),
  },
  { additionalProperties: false },
);
export type PutParameters = Static<typeof PutParameters>;

const Time = Type.String({ description: "RFC 3339 in UTC" });

const Warning = Type.Object({
  code: Type.Enum(["no_events", "nothing_entered", "much_skipped", "groups_over_bound", "many_groups"]),
  message: Type.String(),
});
export type DryRunWarning = Static<typeof Warning>;

export const DryRunAnswer = Type.Object(
  {
    dry_run: Type.Literal(true),
    rule: Type.Object(PlainRule.properties, { description: "the rule in its one form, as it would be stored" }),
    effect: Type.Enum(["create", "change", "none"], { description: "what the same body would do without `dry_run`" }),
    fills: Type.Boolean({
      description:
        "whether history would be read for it; if not, it would answer at once, from the windows that there are",
    }),
    sample: Type.Object(
      {
        events: Type.Integer(),
        from: Type.Union([Time, Type.Null()]),
        to: Type.Union([Time, Type.Null()]),
      },
      {
        description:
          "the newest counted events by arrival, at most 100,000, and the event times of the earliest and the latest",
      },
    ),
    entered: Type.Integer({ description: "events of the sample that entered the metric" }),
    skipped: Type.Integer({ description: "events that passed the filter, with nothing there for the metric to read" }),
    late: Type.Integer({ description: "events that came after their window's end and the allowed lateness" }),
    groups: Type.Integer({ description: "different groups in the sample" }),
    count: Type.Integer({ description: "the rows in `data`" }),
    data: Type.Array(StatsRow, {
      description:
        "the newest windows as `/stats` would answer them, at most 100 rows, of the events of the sample alone: the first and the last window may lack events. `max_groups` is not applied, each group has rows of its own",
    }),
    more: Type.Boolean({ description: "there are more rows than these" }),
    cost: Type.Object(
      {
        rows_read: Type.Integer({ description: "rows that the engine read for the sample" }),
        engine_ms_per_100k_events: Type.Union([Type.Number(), Type.Null()], {
          description:
            "how long one thread of the engine took, for 100,000 events; null of fewer than 10,000. Measured once, with the rule alone, while the machine did what else it had to. In force, rules share the reading of events, fields and filters, and cost less",
        }),
        rows_stored_per_day: Type.Union([Type.Integer(), Type.Null()], {
          description: "about so many rows a day, when all windows of a day are like those of the sample",
        }),
      },
      { description: "estimates; null when there was too little to measure" },
    ),
    warnings: Type.Array(Warning),
  },
  { description: "what a rule would do; nothing is stored" },
);
export type DryRunAnswer = Omit<Static<typeof DryRunAnswer>, "rule" | "data"> & {
  rule: Static<typeof PlainRule>;
  data: StatsRow[];
};

/** What creating or changing a rule is answered with when it is there already, and with `dry_run`. */
export const RuleOrDryRun = Type.Union([RuleAnswer, DryRunAnswer]);
