import type { PackedEvents } from "../event/packed.ts";
import type { Offset, OffsetRange, Src } from "../event/position.ts";
import type { SharedLog } from "./membership.ts";

/**
 * One stored record of one partition. Its events have the consecutive offsets `from … from + count - 1`; those behind, up to
 * `to`, belong to it too and are never given to any event. Between one record and the next there may be offsets that
 * belong to none.
 */
export interface LogRecord {
  readonly src: Src;
  readonly from: Offset;
  /** No less than the offset of its last event; of a record without events no less than `from`. */
  readonly to: Offset;
  /** When the record was made durable, by the log's clock, ms since the epoch. */
  readonly appendedAt: number;
  readonly events: PackedEvents;
  /** Says that what lies at `from` is no event; then `events` has none. */
  readonly unreadable?: Unreadable;
}

/** Something in the log that others have written and that is no event. */
export interface Unreadable {
  /** For people; printable ASCII. */
  readonly reason: string;
  /** What is there, as far as it can be shown. */
  readonly text: string;
}

export interface ReadOptions {
  /** Stop adding records once this many bytes are gathered; at least one record is returned. */
  readonly bytesMax: number;
  /** Stop adding records once this many events are gathered; at least one record is returned. */
  readonly eventsMax: number;
  /** How long to wait for a first record when there is none yet. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

export interface LogState {
  /** What the records that are still kept take on disk; of a log that keeps them elsewhere, what waits to become durable. */
  readonly bytes: number;
  readonly bytesMax: number;
  /** False while `append` would be refused. */
  readonly accepting: boolean;
  /** Why not, for people. */
  readonly reason?: string;
  /** Then: when it is worth trying again. */
  readonly retryAfterMs?: number;
  /** Then: the code of the refusal; `log_full` when it is missing. */
  readonly code?: "log_full" | "log_unavailable";
}

/**
 * The durable log between ingest and the processor.
 *
 * The log owes: `append` resolves only when the events would survive a crash of the machine; offsets of a partition grow
 * and are never given twice; `read` returns records in offset order, without gaps that the log itself made, and only
 * durable ones; a record is kept until `commit` has passed it; the bytes handed to `append` are the caller's again when
 * the call has returned its promise: a log that needs them longer copies them before.
 *
 * The caller owes: it may append again before the first append resolves, but keeps its own bound on what is in flight;
 * a rejected append with `outcomeUnknown` is never repeated without the same event ids. It sets what is `unreadable` aside
 * where people find it, under its offset, before it commits beyond. It does not look at the bytes of a record that it has
 * committed beyond: their memory may be gone.
 */
export interface Log {
  /**
   * That several processes count this log together, and how they divide it; missing: this one alone.
   */
  readonly shared?: SharedLog;
  /**
   * That a record is kept whatever is committed, and that what is committed may be said by others, or be forgotten after a while: it
   * proves nothing, and is no more than where somebody begins to look. Missing: it is kept, and nobody else says it.
   */
  readonly committedIsHint?: boolean;
  /** The partitions that this process may read. */
  sources(): readonly Src[];
  /**
   * Makes the events durable, keyed by hash of `event_id` over the partitions.
   * @returns one range per partition touched.
   * @throws WeirError `log_full`, `log_unavailable`, `overloaded` (nothing was kept), `log_failed` (unknown), `stopping`.
   */
  append(events: PackedEvents): Promise<readonly OffsetRange[]>;
  /**
   * Records that hold offsets ≥ `from`; the first may begin below `from`, the caller skips what it has.
   * Resolves with an empty list when `waitMs` has passed or the signal aborts. While the log can't be reached it goes on
   * trying, however long: that nothing can be read is said only by a log that was asked. Whether nothing is there, `givenThrough` says.
   * @throws WeirError `log_gap` when records at or behind `from` are gone.
   */
  read(from: { readonly src: Src; readonly off: Offset }, options: ReadOptions): Promise<readonly LogRecord[]>;
  /**
   * If a read that begins now gives nothing: everything of the partition that came before this moment (ms since the epoch) has
   * been given. What came later may be there and not be given yet: it is being made durable, or lies behind what others have
   * begun to write. 0: not known. Missing: now.
   */
  givenThrough?(src: Src): number;
  /**
   * Per partition (all of them, also those that others read) the offset that its next event will get at least:
   * everything below it is durable.
   */
  ends(): Promise<ReadonlyMap<Src, Offset>>;
  /** Records that everything below `next` is handled and may be deleted. A hint of where to look on start, not the truth. */
  commit(src: Src, next: Offset): Promise<void>;
  /**
   * The latest committed `next` that would survive a crash; 0 when none. It may follow `commit` after a moment. Whoever
   * throws away what a start would need must go by this, not by what it has committed.
   */
  committed(src: Src): Promise<Offset>;
  /**
   * Takes what lies below `next`, which is committed, off the disk: when it resolves, no file of the log holds a byte of it any
   * more. That waits until what is kept is little enough to be written anew. Missing: a log whose files are others'.
   * @throws WeirError `stopping`, `log_failed`.
   */
  scrub?(src: Src, next: Offset): Promise<void>;
  /** As it is for a request of so many bytes, where small ones are taken longer than others; by default for a large one. */
  state(bytes?: number): LogState;
  /** Refuses new appends, finishes those in flight, releases the files. */
  close(): Promise<void>;
}
