import Type from "typebox";
import type { Static } from "typebox";

export const VerificationAnswer = Type.Object({
  rule_id: Type.String(),
  version: Type.Integer({ description: "the version that answers, which was compared" }),
  result: Type.Enum(["equal", "different", "not_comparable"]),
  reason: Type.Optional(Type.String({ description: "why it can't be compared" })),
  compared: Type.Optional(
    Type.Enum(["events", "value"], {
      description: "what differs: how many events entered a window, or, where these are right, its value",
    }),
  ),
  different: Type.Integer({ description: "how many windows and groups differ" }),
  differences: Type.Array(
    Type.Object({
      window_start: Type.String({ description: "of the pane: the hop, where windows hop or grow" }),
      group: Type.Array(Type.Union([Type.String(), Type.Null()])),
      stored: Type.String(),
      expected: Type.String({ description: "counted again from the stored events" }),
    }),
    { description: "the first hundred, oldest first" },
  ),
});
export type VerificationAnswer = Static<typeof VerificationAnswer>;

export const RebuildAnswer = Type.Object({ rule_id: Type.String(), status: Type.Literal("rebuilding") });
