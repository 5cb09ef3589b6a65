import type { RecordsBatch } from "@platformatic/kafka";
import { offset, src } from "../../event/position.ts";
import { WeirError } from "../../lib/errors.ts";
import type { LogRecord } from "../log.ts";
import type { Decoder } from "./record.ts";
import { firstSlot, lastSlot } from "./slots.ts";

/** What a partition's answer to a fetch holds of use. */
export interface FetchedBatches {
  readonly records?: readonly RecordsBatch[] | null;
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null;
}

const control = 0x20;
const transactional = 0x10;
const logAppendTime = 0x08;

/**
 * The records of a fetch from the record offset `from` on. Where a batch ends with offsets that no event can have (marks of
 * transactions, what was aborted or compacted away), an empty record covers them: nobody waits for them then.
 */
export function recordsOf(
  partition: number,
  fetched: FetchedBatches,
  from: number,
  parts: { readonly decoder: Decoder; readonly now: number },
): readonly LogRecord[] {
  const batches = fetched.records ?? [];
  const aborted = new Aborted(fetched.abortedTransactions ?? []);
  const found: LogRecord[] = [];
  let next = from;
  for (const batch of batches) {
    const isLive = aborted.admits(batch);
    for (const record of isLive ? batch.records : []) {
      const at = Number(batch.firstOffset) + record.offsetDelta;
      if (at < next) continue;
      const appendedAt = timeOf(batch, record.timestampDelta, parts.now);
      found.push(toLogRecord(partition, at, appendedAt, () => parts.decoder.decode(record, appendedAt)));
      next = at + 1;
    }
    const end = Number(batch.firstOffset) + batch.lastOffsetDelta + 1;
    if (end <= next) continue;
    found.push(nothingFrom(partition, next, end, timeOf(batch, 0n, parts.now)));
    next = end;
  }
  return found;
}

/** A record without events over the offsets of the records `[from, end)`. */
export function nothingFrom(partition: number, from: number, end: number, appendedAt: number): LogRecord {
  const events = { count: 0, bytes: new Uint8Array(0) };
  return { src: src(partition), from: firstSlot(from), to: lastSlot(end - 1), appendedAt, events };
}

/** What clocks of others say of a time to come is not believed. */
function timeOf(batch: RecordsBatch, delta: bigint, now: number): number {
  const isLogs = (batch.attributes & logAppendTime) !== 0;
  const at = Number(isLogs ? batch.maxTimestamp : batch.firstTimestamp + delta);
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
  readonly #later: { readonly producerId: bigint; readonly firstOffset: bigint }[];
  readonly #open = new Set<bigint>();

  constructor(list: NonNullable<FetchedBatches["abortedTransactions"]>) {
    this.#later = list.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  }

  admits(batch: RecordsBatch): boolean {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (this.#later.length > 0 && this.#later[0]!.firstOffset <= end)
      this.#open.add(this.#later.shift()!.producerId);
    if ((batch.attributes & control) !== 0) {
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
