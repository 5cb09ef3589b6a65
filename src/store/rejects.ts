import type { Offset, Src } from "../event/position.ts";
import type { StoredEvent } from "./stored-event.ts";

/** An event that the store did not take as a raw row, and why. */
export interface RejectedEvent extends StoredEvent {
  /** For people: nothing of the engine's own texts. */
  readonly reason: string;
  /** When it was set aside, ms since the epoch. */
  readonly rejectedAt: number;
}

export interface RejectQuery {
  readonly limit: number;
  /** Only events behind this one; newest first by `rejectedAt`, then src, then offset. */
  readonly behind?: Pick<RejectedEvent, "rejectedAt" | "src" | "off">;
}

export interface Position {
  readonly src: number;
  readonly off: number;
}

/**
 * The quarantine: events that were acknowledged and that the store refuses as raw rows.
 *
 * The store owes: it takes every event that the log can hold, whatever is odd about it; a resolved write survives a crash.
 *
 * The caller owes: a position is set aside only while raw has no row of it, and once: after a failure with
 * `outcomeUnknown` it calls `settle` and reads what is there.
 */
export interface RejectStore {
  setAside(events: readonly RejectedEvent[]): Promise<void>;
  /** Offsets ≥ `from` that were set aside, in no order. */
  rejectedOffsets(src: Src, from: Offset): Promise<readonly Offset[]>;
  rejects(query: RejectQuery, signal?: AbortSignal): Promise<readonly RejectedEvent[]>;
  /** Takes these out of the quarantine, as far as they are in it; answers how many were. At most 1,000 at a time. */
  dropRejects(positions: readonly Position[]): Promise<number>;
  /** Resolves when a harmless raw row of the partition would be taken: what is refused all the same is refused for what is in it. Keeps nothing. */
  takesRows(src: Src): Promise<void>;
}
