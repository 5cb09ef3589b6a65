import Type from "typebox";
import type { Static } from "typebox";

const Count = (description: string) =>
  Type.Union([Type.Integer(), Type.Null()], { description: `${description}; null when the store can't say` });

export const PartHealth = Type.Object({
  ok: Type.Boolean(),
  detail: Type.Optional(Type.String({ description: "why not, or what is remarkable" })),
});
export type PartHealth = Static<typeof PartHealth>;

export const StatusAnswer = Type.Object({
  status: Type.Enum(["ok", "degraded"], { description: "ok: every part is" }),
  time: Type.String({ description: "the server's clock" }),
  lag_ms: Type.Integer({
    description:
      "how long the oldest event that is not counted has waited, or for how long the log has not let itself be read to its end",
  }),
  counted_through: Type.String({ description: "every event acknowledged before this moment is counted" }),
  rates: Type.Object({
    accepted_per_second: Type.Union([Type.Number(), Type.Null()], {
      description: "events acknowledged, over the last seconds; null in a process without the role `ingest`",
    }),
    counted_per_second: Type.Number({ description: "events counted, over the last seconds" }),
  }),
  events: Count("events counted since the beginning, repeated ones included"),
  duplicates: Count("of these, how many repeated an `event_id` and were left out"),
  late: Count("late events over all rules"),
  overflowed: Count("events in the overflow rows of all rules, which have as many groups as they may"),
  rejects: Count("events in quarantine, which the store did not take: see `/rejects`"),
  rules: Type.Object({ live: Type.Integer(), filling: Type.Integer(), paused: Type.Integer() }),
  log: Type.Object({
    bytes: Type.Integer(),
    bytes_max: Type.Integer(),
    accepting: Type.Boolean(),
    reason: Type.Optional(Type.String()),
  }),
  parts: Type.Record(Type.String(), PartHealth, { description: "each part by name" }),
});
export type StatusAnswer = Static<typeof StatusAnswer>;
