import Type from "typebox";
import type { Static } from "typebox";
import { errorCodes } from "../lib/errors.ts";

/** One mistake in what was sent. */
export const ProblemSchema = Type.Object({
  path: Type.String({
    description: "where it is: a JSON path or the name of a parameter",
    examples: ["[3].timestamp"],
  }),
  message: Type.String({ description: "what is wrong" }),
  value: Type.Optional(Type.Unknown({ description: "the offending value, shortened when it is long" })),
});

/** The one shape of every error answer. */
export const ErrorBody = Type.Object(
  {
    error: Type.Object({
      code: Type.String({ enum: Object.keys(errorCodes), description: "stable; made for programs" }),
      message: Type.String({ description: "made for people" }),
      details: Type.Unknown({
        description: "facts about the error, most often a list of problems; null when there are none",
      }),
    }),
  },
  { description: "an error" },
);
export type ErrorBody = Static<typeof ErrorBody>;
