import { offset, src } from "../../event/position.ts";
import { WeirError } from "../../lib/errors.ts";
import type { LogRecord, Unreadable } from "../log.ts";
import { DamagedBatch, batchesIn, isControl, openBatch, placeOf } from "./batch.ts";
import type { Batch, BatchHead, Opened } from "./batch.ts";
import { Said } from "./faults.ts";
import type { AbortedTransaction, FetchedBytes } from "./fetch.ts";
import type { Decoder } from "./record.ts";
import { firstSlot, lastSlot, recordAt } from "./slots.ts";

const transactional = 0x10;
const logAppendTime = 0x08;

/** So much is opened at a time; what is behind waits as it came. A single batch may be larger. */
const openBounds = { bytesMax: 16 << 20, recordsMax: 50_000 };

export interface Parts {
  readonly decoder: Decoder;
  readonly now: number;
  /** So much is opened at most, but for a single batch. */
  readonly bytesMax?: number | undefined;
}

export interface Taken {
  /** The record offset behind it. */
  readonly next: number;
  /** -1: not known. */
  readonly leaderEpoch: number;
}

/** What one fetch from the record offset `from` on has brought, opened as far as it is asked for. */
export class Fetched {
  readonly #partition: number;
  readonly #batches: Iterator<Batch, void, undefined>;
  readonly #aborted: Aborted;
  #upcoming: Batch | undefined;
  #next: number;
  #leaderEpoch = -1;

  constructor(partition: number, from: number, { bytes, aborted }: FetchedBytes) {
    this.#partition = partition;
    this.#batches = batchesIn(bytes);
    this.#aborted = new Aborted(aborted);
    this.#next = from;
    this.#upcoming = this.#batches.next().value ?? undefined;
    if (this.#upcoming === undefined && bytes.length > 0) throw new Said("it sends what is no batch of records");
  }

  /** The record offset that is next, as long as there is more here. */
  get next(): number | undefined {
    return this.#upcoming === undefined ? undefined : this.#next;
  }

  /** How far it has been taken, and under which leader the last of that was written. */
  get taken(): Taken {
    return { next: this.#next, leaderEpoch: this.#leaderEpoch };
  }

  /**
   * The next records, and none between what was asked for and the last of them that nobody can wait for: where there are
   * offsets at the beginning, or at the end of a batch, that no event can have (marks of transactions, what was aborted or
   * compacted away), an empty record covers them. A batch that can't be opened is one record that says why.
   * @throws WeirError `log_damaged` for a batch that is not what its producer has sent, when all before it has been taken.
   */
  take(parts: Parts): readonly LogRecord[] {
    const found: LogRecord[] = [];
    const start = this.#next;
    const { bytesMax = openBounds.bytesMax } = parts;
    try {
      for (let bytes = 0; bytes < bytesMax && found.length < openBounds.recordsMax;) {
        const batch = this.#upcoming;
        if (batch === undefined) break;
        bytes += this.#takeBatch(batch, parts, found);
        this.#leaderEpoch = batch.leaderEpoch;
        this.#upcoming = this.#batches.next().value ?? undefined;
      }
    } catch (error) {
      // It hides nothing that lies before it: whoever asks for more then hears of it.
      if (found.length === 0) throw error;
    }
    return [...this.#missingBefore(found[0], start), ...found];
  }

  #missingBefore(first: LogRecord | undefined, start: number): readonly LogRecord[] {
    if (first === undefined || first.from <= firstSlot(start)) return [];
    return [nothingFrom(this.#partition, start, recordAt(first.from), first.appendedAt)];
  }

  #open(batch: Batch): Opened {
    try {
      return openBatch(batch);
    } catch (error) {
      if (!(error instanceof DamagedBatch)) throw error;
      const { from, to } = placeOf(batch);
      throw new WeirError(
        "log_damaged",
        `Kafka's records ${from} to ${to} of partition ${this.#partition} are damaged: ${error.message}. Look at the disks of the brokers, and have another replica lead; to go on without them, delete the records before ${to + 1} (kafka-delete-records) and start once with --kafka-gap skip (of several processes, each)`,
      );
    }
  }

  /** Answers how many bytes it was when open. Up to where it comes, when it fails, is in `found` and passed. */
  #takeBatch(batch: Batch, { decoder, now }: Parts, found: LogRecord[]): number {
    const [partition, { from, to }] = [this.#partition, placeOf(batch)];
    if (to < this.#next) return 0;
    const opened = this.#aborted.admits(batch) ? this.#open(batch) : nothingIn;
    if ("why" in opened) {
      found.push({
        ...nothingFrom(partition, from, to + 1, timeOf(batch, 0, now)),
        unreadable: unopened(batch, opened),
      });
      this.#next = to + 1;
      return 0;
    }
    for (const record of opened.records) {
      const at = from + record.offsetDelta;
      if (at < this.#next) continue;
      const appendedAt = timeOf(batch, record.timestampDelta, now);
      const judgedAt = isLogsTime(batch) ? Number(batch.maxTimestamp) : appendedAt;
      found.push(toLogRecord(partition, at, appendedAt, () => decoder.decode(record, judgedAt)));
      this.#next = at + 1;
    }
    if (to >= this.#next) found.push(nothingFrom(partition, this.#next, to + 1, timeOf(batch, 0, now)));
    this.#next = to + 1;
    return opened.bytes;
  }
}

const nothingIn: Opened = { records: [], bytes: 0 };

function unopened(batch: Batch, { why }: { readonly why: string }): Unreadable {
  const { from, to } = placeOf(batch);
  const reason = `the batch of the records ${from} to ${to} ${why}`;
  return { reason: reason.replaceAll(/[^\x20-\x7e]/g, "?"), text: "" };
}

/** A record without events over the offsets of the records `[from, end)`. */
export function nothingFrom(partition: number, from: number, end: number, appendedAt: number): LogRecord {
  const events = { count: 0, bytes: new Uint8Array(0) };
  return { src: src(partition), from: firstSlot(from), to: lastSlot(end - 1), appendedAt, events };
}

/** The broker has given it: it says the same whenever it is read, and whatever clock reads it. */
const isLogsTime = ({ attributes }: BatchHead): boolean => (attributes & logAppendTime) !== 0;

/** What clocks of others say of a time to come is not believed. */
function timeOf(batch: BatchHead, delta: number, now: number): number {
  const at = isLogsTime(batch) ? Number(batch.maxTimestamp) : Number(batch.firstTimestamp) + delta;
  return at < 0 ? now : Math.min(at, now);
}

function toLogRecord(
  partition: number,
  at: number,
  appendedAt: number,
  decode: () => ReturnType<Decoder["decode"]>,
): LogRecord {
  const place = { src: src(partition), from: firstSlot(at), to: lastSlot(at), appendedAt };
  try {
    const decoded = decode();
    if ("count" in decoded) return { ...place, events: decoded };
    return { ...place, events: { count: 0, bytes: new Uint8Array(0) }, unreadable: decoded };
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    throw new WeirError(error.code, `the record at offset ${at} of partition ${partition}: ${error.message}`);
  }
}

/** Leaves out what was written in transactions that were aborted, by the list that comes with a fetch. */
class Aborted {
  readonly #later: AbortedTransaction[];
  readonly #open = new Set<bigint>();

  constructor(list: readonly AbortedTransaction[]) {
    this.#later = list.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  admits(batch: BatchHead): boolean {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (this.#later.length > 0 && this.#later[0]!.firstOffset <= end)
      this.#open.add(this.#later.shift()!.producerId);
    if (isControl(batch)) {
      this.#open.delete(batch.producerId);
      return false;
    }
    return (batch.attributes & transactional) === 0 || !this.#open.has(batch.producerId);
  }
}

export const covers = (records: readonly LogRecord[], off: number): boolean =>
  records.length > 0 && records[0]!.from <= off && records.at(-1)!.to >= off;

/** As many records from `off` on as the bounds allow, one at least. */
export function upTo(
  records: readonly LogRecord[],
  off: number,
  { bytesMax, eventsMax }: { readonly bytesMax: number; readonly eventsMax: number },
): readonly LogRecord[] {
  let [first, bytes, events] = [0, 0, 0];
  while (first < records.length && records[first]!.to < offset(off)) first += 1;
  let end = first;
  while (end < records.length && (end === first || (bytes < bytesMax && events < eventsMax))) {
    bytes += records[end]!.events.bytes.length + (records[end]!.unreadable?.text.length ?? 0);
    events += Math.max(1, records[end]!.events.count);
    end += 1;
  }
  return records.slice(first, end);
}
