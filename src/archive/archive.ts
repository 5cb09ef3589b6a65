import type { Event } from "../event/event.ts";
import type { Offset, Src } from "../event/position.ts";

/** An event as it came, with its position: the whole of it. */
export interface ArchivedEvent extends Event {
  readonly src: Src;
  readonly off: Offset;
  /** When the log had it, milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** What is to be erased of the archive: the events with one of these values that lie below these offsets. */
export interface ArchiveErasure {
  readonly by: "user_id" | "event_id";
  readonly values: readonly string[];
  /** Per partition. */
  readonly below: Readonly<Record<number, number>>;
}

/**
 * Where every event is kept as it came, repeats too, each under its position.
 *
 * The archive owes: a resolved `put` survives a crash; putting an event again, whole or in part, changes nothing. A resolved
 * `erase` has taken its events out, and `floor` knows it from then on, also after a crash. What is noted lies where the events
 * do: of an archive that was brought back from a copy it says no more than that has.
 * The caller owes: it puts nothing below `floor`, and erases below an offset only when all that lies below was put. It is alone.
 *
 * Errors: WeirError, with `canRetry` where trying again may help.
 */
export interface Archive {
  put(events: readonly ArchivedEvent[]): Promise<void>;
  /** Everything below it was put, and of that something erased since: it must not come back. 0 when nothing was. */
  floor(src: Src): Promise<Offset>;
  /** Up to where the partition is noted as put; 0 when nothing is. */
  noted(src: Src): Promise<Offset>;
  /**
   * Notes that all from `from` to below `next` was put, what lies below `from` being noted already. If that is not so, it notes
   * nothing and answers false: the archive is not the one that it was put into. From 0 on it is always so.
   */
  note(src: Src, from: Offset, next: Offset): Promise<boolean>;
  erase(erasure: ArchiveErasure): Promise<void>;
  close(): Promise<void>;
}
