import type { OffsetRange } from "../event/position.ts";
import { before, offset } from "../event/position.ts";
import type { Offset } from "../event/position.ts";
import type { PackedExtent } from "../event/packed.ts";
import { walkPacked } from "../event/packed.ts";
import type { LogRecord, Unreadable } from "../log/log.ts";
import { keyText } from "../store/event-key.ts";
import type { EventKey, RawPiece } from "../store/store.ts";
import type { RecentIds } from "./recent-ids.ts";

/** A contiguous range of one partition, with what is to be stored of it. */
export interface Batch {
  readonly range: OffsetRange;
  readonly pieces: readonly Piece[];
  /** Without those that were set aside. */
  events: number;
  /** Event-time seconds touched, ascending; null: too many to list. */
  readonly seconds: readonly number[] | null;
  duplicates: number;
  /** What lies in the range and is no event, and is not set aside yet. */
  readonly unreadable: readonly UnreadableAt[];
}

export interface UnreadableAt extends Unreadable {
  readonly off: Offset;
  readonly receivedAt: number;
}

export interface Piece extends RawPiece {
  skip: Uint8Array | null;
}

/** A part of a batch that is rolled up by itself. */
export type BatchPart = Pick<Batch, "range" | "events" | "duplicates" | "seconds">;

/** Why an event of a piece is not to be stored: it repeats an id; the store has it already; it is none of the batch's. */
const [isRepeat, isStored, isNone] = [1, 2, 3];

/** An event whose id is older than what is remembered; whether it is a repeat, the store has to say. */
export interface Doubtful {
  readonly piece: Piece;
  readonly index: number;
  readonly key: EventKey;
}

export interface FormInput {
  readonly range: OffsetRange;
  readonly records: readonly LogRecord[];
  readonly ids: RecentIds;
  /** Offsets that an earlier, interrupted write of this range has left in the store. */
  readonly stored: ReadonlySet<number>;
  /** Offsets that it has set aside: no events of the batch, and their ids are free. */
  readonly rejected: ReadonlySet<number>;
}

const secondsMax = 10_000;

export interface FormedBatch {
  readonly batch: Batch;
  readonly doubtful: readonly Doubtful[];
}

/**
 * Cuts the records to the range, a step for each of them, and marks what must not be stored (again). Remembers the ids of what it lets through.
 *
 * Of several events with one id the first position wins. An offset that is stored already is left out and counts as
 * the original that it is.
 */
export function* formBatch(input: FormInput): Generator<undefined, FormedBatch, undefined> {
  yield* input.ids.makeRoom();
  const former = new Former(input);
  for (const record of input.records) {
    former.add(record);
    yield;
  }
  return former.finish();
}

/** Leaves out the doubtful events that the store turned out to have. */
export function settleDoubtful(batch: Batch, doubtful: readonly Doubtful[], found: readonly EventKey[]): void {
  const known = new Set(found.map(keyText));
  for (const { piece, index, key } of doubtful) {
    if (!known.has(keyText(key))) continue;
    skipEvent(piece, index, isRepeat);
    batch.duplicates += 1;
  }
}

/**
 * What a batch has from an offset on, or so much of it as has `eventsMax` events (1 or more). The parts that so follow each
 * other cover its range, and have its events and duplicates together.
 */
export function partFrom(batch: Batch, from: Offset, eventsMax: number): BatchPart {
  const { range, seconds, pieces } = batch;
  if (from === range.from && batch.events <= eventsMax) return batch;
  let [events, duplicates] = [0, 0];
  const upTo = (to: Offset): BatchPart => ({ range: { ...range, from, to }, events, duplicates, seconds });
  for (const piece of pieces) {
    const end = Math.min(piece.events.count, range.to - piece.from + 1);
    for (let index = Math.max(0, from - piece.from); index < end; index++) {
      const why = piece.skip?.[index];
      if (why === isNone) continue;
      if (events === eventsMax) return upTo(before(offset(piece.from + index)));
      events += 1;
      if (why === isRepeat) duplicates += 1;
    }
  }
  return upTo(range.to);
}

/** Leaves out every event whose offset is in `stored`. */
export function withoutStored(pieces: readonly Piece[], stored: ReadonlySet<number>): void {
  for (const piece of pieces) {
    for (let index = 0; index < piece.events.count; index++) {
      if (stored.has(piece.from + index)) skipEvent(piece, index, isStored);
    }
  }
}

/** Leaves out every event whose offset is in `rejected`: it is none of the batch's any more. */
export function withoutRejected(batch: Batch, rejected: ReadonlySet<number>): void {
  for (const piece of batch.pieces) {
    for (let index = 0; index < piece.events.count; index++) {
      if (!rejected.has(piece.from + index) || piece.skip?.[index]) continue;
      skipEvent(piece, index, isNone);
      batch.events -= 1;
    }
  }
}

class Former {
  readonly #input: FormInput;
  readonly #pieces: Piece[] = [];
  readonly #unreadable: UnreadableAt[] = [];
  readonly #doubtful: Doubtful[] = [];
  readonly #doubtfulIds = new Set<string>();
  /** How these end: an id is read as a text only when it ends like one. */
  readonly #doubtfulEnds = new Set<number>();
  readonly #seconds = new Set<number>();
  /** The last one that was added. */
  #second = -1;
  #events = 0;
  #duplicates = 0;

  constructor(input: FormInput) {
    this.#input = input;
  }

  add(record: LogRecord): void {
    if (record.unreadable !== undefined) return this.#setAside(record, record.unreadable);
    const ends = new Uint32Array(record.events.count);
    const piece: Piece = { from: record.from, receivedAt: record.appendedAt, events: record.events, ends, skip: null };
    walkPacked(record.events, (extent, index) => {
      ends[index] = extent.end;
      this.#judge(piece, extent, index);
    });
    this.#pieces.push(piece);
  }

  finish(): FormedBatch {
    const seconds = this.#seconds.size > secondsMax ? null : [...this.#seconds].sort((a, b) => a - b);
    const batch = {
      range: this.#input.range,
      pieces: this.#pieces,
      events: this.#events,
      duplicates: this.#duplicates,
      seconds,
      unreadable: this.#unreadable,
    };
    return { batch, doubtful: this.#doubtful };
  }

  /** What was taken for an event when it was written stays one: it is counted. */
  #setAside({ from, appendedAt }: LogRecord, unreadable: Unreadable): void {
    const { range, stored, rejected } = this.#input;
    if (from < range.from || from > range.to || stored.has(from) || rejected.has(from)) return;
    this.#unreadable.push({ ...unreadable, off: from, receivedAt: appendedAt });
  }

  #judge(piece: Piece, extent: PackedExtent, index: number): void {
    const { range, ids, stored, rejected } = this.#input;
    const off = piece.from + index;
    if (off < range.from || off > range.to || rejected.has(off)) return skipEvent(piece, index, isNone);
    this.#events += 1;
    const sighting = ids.take(piece.events.bytes, extent.idStart, extent.idEnd, extent.timestamp);
    const isThere = stored.size > 0 && stored.has(off);
    if (isThere) skipEvent(piece, index, isStored);
    else if (sighting === "repeat" || (sighting === "new" && this.#isDoubtful(piece, extent)))
      this.#repeat(piece, index);
    if (sighting === "unknown") this.#doubt(piece, extent, index, isThere);
    this.#touch(Math.floor(extent.timestamp / 1000));
  }

  /** Events of one second mostly come together, and a set is dear. */
  #touch(second: number): void {
    if (second === this.#second) return;
    this.#second = second;
    if (this.#seconds.size <= secondsMax) this.#seconds.add(second);
  }

  #repeat(piece: Piece, index: number): void {
    skipEvent(piece, index, isRepeat);
    this.#duplicates += 1;
  }

  #doubt(piece: Piece, extent: PackedExtent, index: number, isThere: boolean): void {
    const event_id = idOf(piece, extent);
    if (!isThere && this.#doubtfulIds.has(event_id)) return this.#repeat(piece, index);
    this.#doubtfulIds.add(event_id);
    this.#doubtfulEnds.add(endOf(piece, extent));
    if (!isThere) this.#doubtful.push({ piece, index, key: { event_id, timestamp: extent.timestamp } });
  }

  /** Whether it has come before in this batch with a time so old that it is not remembered. */
  #isDoubtful(piece: Piece, extent: PackedExtent): boolean {
    if (this.#doubtfulEnds.size === 0 || !this.#doubtfulEnds.has(endOf(piece, extent))) return false;
    return this.#doubtfulIds.has(idOf(piece, extent));
  }
}

function idOf({ events: { bytes } }: Piece, { idStart, idEnd }: PackedExtent): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + idStart, idEnd - idStart).toString("utf8");
}

/** A number of the id's last four bytes. */
function endOf({ events: { bytes } }: Piece, { idStart, idEnd }: PackedExtent): number {
  let end = 0;
  for (let at = Math.max(idStart, idEnd - 4); at < idEnd; at++) end = (end << 8) | bytes[at]!;
  return end;
}

/** The part of the records from `from` on that ends before `cut` (a position where the set of rules changes). */
export function rangeOf(records: readonly LogRecord[], from: number, cut: number): OffsetRange {
  const last = records.at(-1)!;
  return { src: last.src, from: offset(from), to: offset(Math.min(last.to, cut - 1)) };
}

/** The first reason stays: what repeats an id does so also when it is told apart from what is stored. */
function skipEvent(piece: Piece, index: number, why: number): void {
  piece.skip ??= new Uint8Array(piece.events.count);
  piece.skip[index] ||= why;
}
