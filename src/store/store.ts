import type { Readable } from "node:stream";
import type { PackedEvents } from "../event/packed.ts";
import type { Offset, OffsetRange, Src } from "../event/position.ts";
import type { WindowValue } from "../rollup/finish.ts";
import type { RollupPlan } from "../rollup/plan.ts";
import type { WindowPlace, WindowSelection } from "../rollup/selection.ts";
import type { TableFormat } from "../rollup/table.ts";
import type { Compared, Comparison } from "../rollup/verify.ts";
import type { CheckedRule } from "../rule/rule.ts";
import type { RejectStore } from "./rejects.ts";
import type { StoredEvent } from "./stored-event.ts";

export type { StoredEvent } from "./stored-event.ts";

/** Consecutive events of a range as they lie in a log record, with those to leave out. */
export interface RawPiece {
  /** The offset of the first event; the others follow without gap. */
  readonly from: Offset;
  readonly receivedAt: number;
  readonly events: PackedEvents;
  /** Byte position right behind each event in `events.bytes`. */
  readonly ends: Uint32Array;
  /** Not 0 for each event that must not be stored (a duplicate, or stored already); null: all are stored. */
  readonly skip: Uint8Array | null;
}

export interface RollupTask {
  readonly range: OffsetRange;
  readonly plan: RollupPlan;
  /** Written in the same part as the rows, so that all are there or none: of live processing one, of a fill one for each series. */
  readonly marks: readonly Mark[];
  /** Live processing goes first: the engine may take longer for this one. */
  readonly yielding?: boolean;
  /**
   * How many groups that are not listed yet each bounded series of the plan may take in; the rows of further ones become
   * overflow. One that is not named: none.
   */
  readonly rooms?: ReadonlyMap<number, number>;
  /**
   * Of each bounded series the start of the first pane (ms since the epoch) that anybody may be answered: what lies before it
   * takes no room, and only what was skipped or late there is stored. Of one that is not named all panes are kept.
   */
  readonly keptFrom?: ReadonlyMap<number, number>;
  /** Bounded series that may be given more room later: where one of them has more new groups than it has room for, nothing is written. */
  readonly roomMayGrow?: ReadonlySet<number>;
  /** No series may have more groups in this range: then nothing is written. Missing: any number. */
  readonly groupsMax?: number;
  /** Added to the partition's counters, in the same part. Null for a fill, which counts nothing anew. */
  readonly counts: { readonly events: number; readonly duplicates: number } | null;
}

/** Names a range that is done: by live processing, or by the fill of one series. */
export interface Mark {
  /** 0 for live processing. */
  readonly series: number;
  readonly range: OffsetRange;
}

export interface EventKey {
  readonly event_id: string;
  readonly timestamp: number;
}

export interface FirstEvents {
  readonly events: number;
  /** Says nothing where there are none. */
  readonly last: Offset;
}

export type WindowQuery = WindowSelection;

export interface WindowRow {
  /** Milliseconds since the epoch. */
  readonly windowStart: number;
  readonly windowEnd: number;
  /** One value for each group key; none at all for the overflow of a rule that has keys. */
  readonly group: readonly (string | null)[];
  readonly value: WindowValue;
}

export interface TableQuery extends WindowQuery {
  readonly format: TableFormat;
  /** Milliseconds since the epoch: windows that end by then are final. */
  readonly finalThrough: number;
}

/** One page of windows as a table with the columns `window_start`, each group key, `value`, `window_end`, `final`, and `overflow` if the span has any. */
export interface WindowTable {
  /** The page's last row when there are more behind it. Pages that begin where another ended leave nothing out. */
  readonly last?: WindowPlace;
  /**
   * The bytes of the table. Rows that came into the page since its end was chosen are in it, so that there may be more
   * than `limit`. Resolves once the store has computed all of it; the caller reads it to its end or destroys it. What
   * fails while it is read fails the stream, which never just ends.
   * @throws WeirError `invalid_query` when the rows are larger than the store hands out at once, `store_unavailable`.
   */
  read(signal: AbortSignal): Promise<Readable>;
}

export interface TrialQuery {
  readonly rule: CheckedRule;
  /** How many of the newest positions are taken, over all partitions together. */
  readonly eventsMax: number;
  /** The most windows that are answered. */
  readonly limit: number;
  /** What is older has gone by the rule's retention (ms since the epoch). */
  readonly keptFrom: number;
}

/** What a rule would have made of the newest counted events. */
export interface Trial {
  /** The events it was tried on, and the times (ms since the epoch) of the earliest and the latest; null: there are none. */
  readonly events: number;
  readonly span: { readonly earliest: number; readonly latest: number } | null;
  /** Of these: those that entered the metric, that had nothing for it, and that were late. */
  readonly entered: number;
  readonly skipped: number;
  readonly late: number;
  readonly groups: number;
  /** Those of them that are in windows from `keptFrom` on. */
  readonly groupsKept: number;
  /** The rows that would be stored, and of how many different panes they are. */
  readonly rows: number;
  readonly panes: number;
  /** The newest windows, of these events alone. */
  readonly windows: readonly WindowRow[];
  /** How long the engine took to roll the events up, in one thread; of the time, not of the processor alone. */
  readonly engineMs: number;
  readonly rowsRead: number;
}

export interface EventQuery {
  readonly from: number;
  readonly to: number;
  readonly event_id?: string;
  readonly event_type?: string;
  readonly user_id?: string;
  readonly limit: number;
  /** Only events behind this one; newest first by timestamp, then src, then offset. */
  readonly behind?: { readonly timestamp: number; readonly src: number; readonly off: number };
}

export interface SeriesCounts {
  readonly skipped: number;
  readonly late: number;
  /** Different groups that an event has entered. */
  readonly groups: number;
  /** Events that entered rows without a group: all of a rule that has no group keys, the overflow of one that has. */
  readonly ungrouped: number;
}

export interface Totals {
  readonly events: number;
  readonly duplicates: number;
  readonly rejects: number;
}

/** Rows of a series that may have groups which are not listed: those of panes with `from ≤ start < to`, ms since the epoch. */
export interface Unlisted {
  readonly series: number;
  readonly from: number;
  readonly to: number;
}

/** Events to take out: those that have one of the values, below an offset of each partition; of one that is not named, none. */
export interface EventsToErase {
  readonly by: "user_id" | "event_id";
  readonly values: readonly string[];
  readonly below: Readonly<Record<number, number>>;
}

/** What of panes is compared: how many events entered them, or their values. */
export type DifferenceKind = "events" | "values";

/** Panes whose rows are not what raw rows give. */
export interface Differences {
  readonly compared: Compared;
  /** How many there are; `rows` are the first of them, oldest first. */
  readonly different: number;
  readonly rows: readonly {
    /** Milliseconds since the epoch. */
    readonly windowStart: number;
    readonly group: readonly (string | null)[];
    readonly stored: string;
    readonly expected: string;
  }[];
}

/**
 * Raw events and rollups, in domain words.
 *
 * The store owes: a resolved write survives a crash of the process (and of the machine, where the engine is set so); a
 * mark is visible exactly when the rows of its task are; the rollup of a range is a pure function of the plan, of the
 * raw rows of the range, and for bounded series of the groups that are listed; reads see every resolved write.
 *
 * A bounded series (see `PlanMember.bounded`): groups that are listed keep their rows, as many new ones as there is room for
 * are taken in and listed with them, the rest is overflow. Which ones are new is right when all groups of earlier tasks have
 * been listed.
 *
 * The caller owes: one writer per partition at a time, which takes the partition over before it reads how far it is; after a write failed with `outcomeUnknown` it calls `settle`, reads
 * what is there, and writes only what is missing; it never repeats a write blind.
 *
 * Errors: WeirError `store_unavailable` (canRetry), `store_refused` (the statement or the data is at fault; `details.reason` says why, for
 * people, and where the store can tell, `details.row` which of the rows that were written together, from 0, in the order in which they were given;
 * of what was to be written a part may be there, so the outcome is settled by reading as well), `store_damaged` (canRetry; files of the
 * store can't be read: no fault of a statement, an event or a rule; the message names them, and the outcome is settled as well),
 * `store_taken` (another process writes the partition now: this one must end with it).
 */
export interface Store extends RejectStore {
  /** Makes or completes the schema. Waits until the store can be reached or the signal aborts. */
  open(signal: AbortSignal): Promise<void>;

  insertRaw(src: Src, pieces: readonly RawPiece[]): Promise<void>;
  /** Answers whether it was written; not when the range has, or may have, a series with more groups than `groupsMax`, or than there is room for of `roomMayGrow`. */
  rollUp(task: RollupTask): Promise<boolean>;
  /** Does what `rollUp` does for the plan, mark and counters included, and refuses what it would refuse, but keeps nothing. */
  tryRollUp(range: OffsetRange, plan: RollupPlan): Promise<void>;
  /**
   * This store writes the partition from now on. Resolves when no write that anybody else has ever started on it can happen
   * any more, nor one of this store that is in doubt: what is read afterwards is the truth. Another store that goes on writing fails
   * with `store_taken`.
   */
  takeOver(src: Src): Promise<void>;
  /**
   * Resolves when no write that this store has given up, on the partition or on all, can happen any more.
   * @throws WeirError `store_taken` when another process writes the partition that is named.
   */
  settle(src?: Src): Promise<void>;

  /** Marks of a series (0: live) on this partition that reach `from` or beyond, by offset. */
  marks(series: number, src: Src, from: Offset): Promise<readonly OffsetRange[]>;
  /** Marks of the fills of these series, on all partitions, in no order; none for a series that has none. */
  fillMarks(series: readonly number[]): Promise<ReadonlyMap<number, readonly OffsetRange[]>>;
  /** How many events raw has in the range, of which it counts the first `eventsMax` at most, and where the last of these is. */
  firstEvents(range: OffsetRange, eventsMax: number): Promise<FirstEvents>;
  /** Offsets ≥ `from` that raw has, ascending. */
  storedOffsets(src: Src, from: Offset): Promise<readonly Offset[]>;
  /** The ids with the latest timestamps, at most `limit`; fewer than `limit` means that these are all. */
  latestIds(src: Src, limit: number): Promise<readonly EventKey[]>;
  /** Which of the keys raw has (same id and timestamp, below offset `below`); answers a subset of `keys`. */
  findIds(src: Src, keys: readonly EventKey[], below: Offset): Promise<readonly EventKey[]>;
  /**
   * Puts one mark in the place of those of a series that lie end to end from the partition's first position on: what is marked
   * is the same at any time. The caller has the partition, and sees to it that nobody is writing a piece of these fills, who would
   * take the mark for somebody else's.
   */
  joinFillMarks(src: Src, series: readonly number[]): Promise<void>;
  /** Deletes live marks that lie wholly below `below`, but never the newest. */
  forgetMarks(src: Src, below: Offset): Promise<void>;
  /** Deletes all rows and marks of a series. */
  dropSeries(series: number): Promise<void>;
  /**
   * Deletes what these series have of windows that begin before a moment (whole seconds, ms since the epoch), as far as
   * there is any, and takes groups that have no rows any more off the list; their marks stay. Answers the series that had some. At most 1,000 at a time.
   */
  dropWindows(expired: readonly { readonly series: number; readonly before: number }[]): Promise<readonly number[]>;
  /** The series of rule versions of which anything is left, be it a mark. */
  seriesKept(): Promise<readonly number[]>;
  /** The newest series of a rule version of which anything is left, be it a mark; 0 when there is none. */
  newestSeries(): Promise<number>;

  /**
   * `secondsMax`: it takes no longer, where that is less than a question may take anyhow. An aborted signal stops the engine's
   * work, here and in other readings.
   * @throws WeirError `timeout` when it takes longer than it may, `too_costly` when it needs more memory, `invalid_query` when the rows are larger
   * than the store hands out at once.
   */
  windows(query: WindowQuery, secondsMax?: number, signal?: AbortSignal): Promise<readonly WindowRow[]>;
  /** Finds where the page ends; its rows are read when they are asked for. */
  windowTable(query: TableQuery, signal: AbortSignal): Promise<WindowTable>;
  /** The start of the newest pane of a series that an event has entered, ms since the epoch; undefined when there is none. */
  newestPane(series: number): Promise<number | undefined>;
  /**
   * Lists the groups that these rows have, and answers how many different ones each series has listed. Asked for at most
   * 10,000 series at a time; of a series with nothing unlisted, `from` is no less than `to`.
   */
  listGroups(series: readonly Unlisted[]): Promise<ReadonlyMap<number, number>>;
  /** The counts of each of these series; zeros for one that has no rows. Asked for at most 10,000 at a time. */
  seriesCounts(series: readonly number[]): Promise<ReadonlyMap<number, SeriesCounts>>;
  events(query: EventQuery, signal?: AbortSignal): Promise<readonly StoredEvent[]>;
  /**
   * Rolls the newest counted events up for a rule that is not there, by the same compiler, and stores nothing.
   * @throws WeirError `timeout` when it takes longer than a trial may, `too_costly` when it needs more memory.
   */
  tryOut(query: TrialQuery, signal: AbortSignal): Promise<Trial>;
  /** Sums over all partitions since the beginning; `events` has the `duplicates` in it. `rejects` are in quarantine now, and not in it. */
  totals(): Promise<Totals>;

  /**
   * Counts the windows of a series again from raw rows and compares their events, or their values where both sides have one;
   * of a series with overflow only the events of whole panes. What can't be compared does not differ. Stores nothing.
   */
  compare(comparison: Comparison, kind: DifferenceKind, signal: AbortSignal): Promise<Differences>;
  /**
   * Notes which stored events an erasure is to take out, beside those that were noted for it before, and answers how many
   * they are. Doing it again changes nothing.
   */
  noteErasing(erasure: string, events: EventsToErase): Promise<number>;
  /** Takes the events that are noted for these erasures out of the raw rows, and off the disk. Rollups stay as they are. */
  eraseNoted(erasures: readonly string[]): Promise<void>;
  /** Takes the windows that have been dropped off the disk, and forgets what was noted for these erasures. */
  purge(erasures: readonly string[]): Promise<void>;

  /** Answers within a second or rejects. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
