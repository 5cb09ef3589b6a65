import Type from "typebox";
import type { Static } from "typebox";

export const HealthAnswer = Type.Object({ status: Type.Literal("ok") }, { description: "the process lives" });

export const ReadyAnswer = Type.Object(
  {
    ok: Type.Boolean(),
    parts: Type.Record(Type.String(), Type.Object({ ok: Type.Boolean(), detail: Type.Optional(Type.String()) }), {
      description: "each dependency by name",
    }),
  },
  { description: "whether the process can do its work" },
);
export type ReadyAnswer = Static<typeof ReadyAnswer>;

export const MetricsText = Type.String({ description: "metrics in Prometheus' text format" });
