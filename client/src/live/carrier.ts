import type { WeirError } from "../errors.ts";
import type { Place } from "./mirror.ts";

/** A rule to be watched, and where to go on with it. */
export interface Wanted {
  readonly rule: string;
  readonly intervalMs?: number | undefined;
  /** As the server reads times. */
  readonly from?: string | undefined;
  readonly place?: Place | undefined;
}

/** What becomes of a line. Nothing is told of one that the client has closed. */
export interface LineEvents {
  readonly opened: () => void;
  readonly message: (text: string) => void;
  /** It was not opened, or has ended. `refusal`: trying again is of no use; `afterMs`: or not before so long. */
  readonly closed: (refusal?: WeirError, afterMs?: number) => void;
}

export interface Line {
  /** Watches one more rule; undefined where what is watched is settled when a line is opened. */
  readonly watch?: (wanted: Wanted) => void;
  readonly unwatch?: (rule: string) => void;
  readonly close: () => void;
}

/** Carries the live protocol: opens a line to the server on which the rules are watched that are wanted when it opens. */
export type Carrier = (wanted: () => readonly Wanted[], events: LineEvents) => Line;
