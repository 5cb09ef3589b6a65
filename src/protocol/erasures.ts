import Type from "typebox";
import type { Static } from "typebox";
import { eventLimits } from "../event/limits.ts";

/** How many values one erasure may have; more are asked for by several. */
const valuesMax = 100;

const values = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: eventLimits.textCharsMax }), {
      minItems: 1,
      maxItems: valuesMax,
      description: `${description}; may be given up to ${valuesMax} times`,
    }),
  );

export const ErasureParameters = Type.Object(
  {
    user_id: values("all events of this user"),
    event_id: values("the events of this id"),
  },
  { additionalProperties: false },
);
export type ErasureParameters = Static<typeof ErasureParameters>;

export const ErasuresParameters = Type.Object(
  { limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: "the most erasures in the answer" }) },
  { additionalProperties: false },
);
export type ErasuresParameters = Static<typeof ErasuresParameters>;

export const ErasurePath = Type.Object({ erasure_id: Type.String({ minLength: 1, maxLength: 128 }) });

const Time = Type.Union([Type.String(), Type.Null()]);

export const ErasureAnswer = Type.Object({
  erasure_id: Type.String(),
  by: Type.Enum(["user_id", "event_id"]),
  digests: Type.Array(Type.String(), {
    description:
      "in place of each value, which is not kept: the SHA-256, in hex, of the text `<erasure_id> <value>`. Who knows a value can so tell that it was erased",
  }),
  state: Type.Enum(["waiting", "removing", "rebuilding", "purging", "done"], {
    description: [
      "`waiting`: for what was accepted before to be counted; `removing`: from the stored events; `rebuilding`: the windows of the",
      "rules are made anew without them; `purging`: nothing answers with them any more, the disk is cleared; `done`",
    ].join(" "),
  }),
  events: Type.Union([Type.Integer(), Type.Null()], {
    description: "how many events it takes out; null: not known yet",
  }),
  requested_at: Type.String({ description: "events accepted later stay" }),
  removed_at: Time,
  finished_at: Time,
});
export type ErasureAnswer = Static<typeof ErasureAnswer>;

export const ErasuresAnswer = Type.Object({
  count: Type.Integer(),
  rules_left: Type.Integer({ description: "rules whose windows are being made anew" }),
  waiting_for: Type.Optional(
    Type.String({
      description:
        "what keeps the oldest from going on: what its step has failed with, a damaged part of the store for one; or a partition or the archive that it has waited for since two minutes or more",
    }),
  ),
  erasures: Type.Array(ErasureAnswer, { description: "the latest first" }),
});
export type ErasuresAnswer = Static<typeof ErasuresAnswer>;
