import type { Form } from "./contract.ts";

/** A broken body that was once read wrongly. */
export interface NamedBody {
  readonly name: string;
  readonly form: Form;
  /** Bytes, one character each. `ID` becomes an id of its own. */
  readonly text: string;
  readonly isTaken: boolean;
}

/** Every body in which a mutant has found a fault, small. They are played first. */
export const namedBodies: readonly NamedBody[] = [
  {
    name: "a fraction of a hundred digits was taken when the event was plain, and refused when it was not",
    form: "json",
    text: `[{"event_id":"ID","event_type":"t","user_id":"u","timestamp":"2026-01-13T10:00:00.${"1".repeat(100)}Z"}]`,
    isTaken: false,
  },
];
