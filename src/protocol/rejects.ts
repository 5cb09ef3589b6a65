import Type from "typebox";
import type { Static } from "typebox";
import { Cursor, EventRow, Limit, NextCursor, Time } from "./stats.ts";

export const RejectsParameters = Type.Object(
  { limit: Type.Optional(Limit), cursor: Type.Optional(Cursor) },
  { additionalProperties: false },
);

/** The most positions that one request may take out. */
export const dropsMax = 100;

export const RejectsDropParameters = Type.Object(
  {
    position: Type.Array(Type.String({ pattern: "^\\d{1,5}:\\d{1,16}$" }), {
      minItems: 1,
      maxItems: dropsMax,
      description: `the \`position\` of an event in quarantine; may be given up to ${dropsMax} times`,
      examples: [["0:42"]],
    }),
  },
  { additionalProperties: false },
);

export const RejectRow = Type.Object({
  ...EventRow.properties,
  payload: Type.Union([EventRow.properties.payload, Type.String()], {
    description: "as it came, in canonical JSON; its text, should it be none",
  }),
  reason: Type.String({
    description: "why the store did not take it",
    examples: ["the engine refused it: violated constraint, code 469"],
  }),
  rejected_at: Time,
});
export type RejectRow = Static<typeof RejectRow>;

export const RejectsAnswer = Type.Object({
  count: Type.Integer({ description: "the events in this answer" }),
  data: Type.Array(RejectRow, { description: "what was set aside last comes first" }),
  next_cursor: NextCursor,
});
export type RejectsAnswer = Static<typeof RejectsAnswer>;

export const RejectsDropAnswer = Type.Object({
  deleted: Type.Integer({ description: "how many of these were in quarantine until now" }),
});
export type RejectsDropAnswer = Static<typeof RejectsDropAnswer>;
