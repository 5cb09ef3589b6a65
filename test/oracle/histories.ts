/** Random lives of a server: events arrive while rules are edited and processes end, in any order. */
import fc from "fast-check";
import type { Fate } from "../support/mortal-store.ts";
import type { OracleEvent, OracleRule } from "./model.ts";
import { event, rule as anyRule } from "./scenarios.ts";

/** `rule`: which of the rules, by number. `pick` chooses among what there is. */
export type Step =
  | { readonly kind: "events"; readonly count: number; readonly repeats: number }
  | { readonly kind: "put"; readonly rule: number; readonly spec: OracleRule }
  | { readonly kind: "pause" | "resume" | "delete"; readonly rule: number }
  | { readonly kind: "roll back"; readonly rule: number; readonly pick: number }
  | { readonly kind: "erase"; readonly by: "user_id" | "event_id"; readonly pick: number }
  | { readonly kind: "restart"; readonly life: Life }
  | { readonly kind: "settle" };

/** How a process works, and what befalls its writes (by number). */
export interface Life {
  readonly batchEventsMax: number;
  readonly fillChunkEventsMax: number;
  readonly fates: readonly (readonly [write: number, fate: Fate])[];
}

export interface History {
  readonly events: readonly OracleEvent[];
  readonly life: Life;
  readonly rules: readonly OracleRule[];
  readonly steps: readonly Step[];
}

/** Which groups come in under a bound depends on where batches are cut, which here only the processor knows; and what is kept, on the time. */
const rule = anyRule.map((one) => ({ ...one, max_groups: undefined, retention: undefined }));

const fate = fc.constantFrom<Fate>("refused", "answer lost", "dies before", "dies after");
const life: fc.Arbitrary<Life> = fc.record({
  batchEventsMax: fc.integer({ min: 1, max: 20 }),
  fillChunkEventsMax: fc.integer({ min: 3, max: 30 }),
  fates: fc.array(fc.tuple(fc.integer({ min: 1, max: 8 }), fate), { maxLength: 2 }),
});
const which = fc.nat({ max: 3 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("events"),
      count: fc.integer({ min: 1, max: 25 }),
      repeats: fc.nat({ max: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("put"), rule: which, spec: rule }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("pause", "resume", "resume", "delete"), rule: which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("roll back"), rule: which, pick: fc.nat({ max: 9 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("erase"),
      by: fc.constantFrom("user_id", "event_id"),
      pick: fc.nat({ max: 59 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("restart"), life }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("settle") }) },
);

export const history: fc.Arbitrary<History> = fc.record({
  // Made small, random ids become the same; only a repeat that is asked for is one.
  events: fc
    .array(event, { minLength: 1, maxLength: 60, size: "max" })
    .map((events) => events.map((one, index) => ({ ...one, event_id: `${index}-${one.event_id}` }))),
  life,
  rules: fc.array(rule, { minLength: 1, maxLength: 4 }),
  steps: fc.array(step, { minLength: 4, maxLength: 12, size: "max" }),
});
