import { offset } from "../../event/position.ts";
import { freeBytes } from "../../lib/free-bytes.ts";
import type { LogRecord, ReadOptions } from "../log.ts";

type Limits = Pick<ReadOptions, "bytesMax" | "eventsMax">;

/** A full one forgets so much at once: forgetting moves all that stay, of small records hundreds of thousands. */
const forgottenShare = 1 / 8;

/** The newest durable records, in memory: a reader that keeps up costs the disk nothing. */
export class Tail {
  readonly #bytesMax: number;
  #records: LogRecord[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The record must begin where the last one ends. */
  push(record: LogRecord): void {
    this.#records.push(record);
    this.#bytes += record.events.bytes.byteLength;
    if (this.#bytes > this.#bytesMax) this.#evict(this.#bytesMax * (1 - forgottenShare));
  }

  /** Forgets records that end below `next`, which nobody looks at any more, and gives their memory back. */
  dropBelow(next: number): void {
    let dropped = 0;
    for (; dropped < this.#records.length && this.#records[dropped]!.to < next; dropped++) {
      this.#forget(dropped);
      // Left to the collector it would be most of what makes its full passes necessary.
      freeBytes(this.#records[dropped]!.events.bytes);
    }
    if (dropped > 0) this.#records = this.#records.slice(dropped);
  }

  /** The records from `from` on; empty when the record of `from` is not here. */
  read(from: number, limits: Limits): LogRecord[] {
    const first = this.#records[0];
    if (first === undefined || first.from > from) return [];
    return takeWithin(this.#records, this.#indexOf(from), limits);
  }

  /** Forgets the oldest, until no more than `bytesMax` are left. */
  #evict(bytesMax: number): void {
    let evicted = 0;
    for (; this.#bytes > bytesMax && evicted < this.#records.length; evicted++) this.#forget(evicted);
    this.#records = this.#records.slice(evicted);
  }

  #forget(index: number): void {
    this.#bytes -= this.#records[index]!.events.bytes.byteLength;
  }

  /** Index of the first record that ends at or behind `from`. */
  #indexOf(from: number): number {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#records[middle]!.to < offset(from)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function takeWithin(records: readonly LogRecord[], start: number, limits: Limits): LogRecord[] {
  const taken: LogRecord[] = [];
  let bytes = 0;
  let events = 0;
  for (let index = start; index < records.length; index++) {
    if (taken.length > 0 && (bytes >= limits.bytesMax || events >= limits.eventsMax)) break;
    const record = records[index]!;
    taken.push(record);
    bytes += record.events.bytes.byteLength;
    events += record.events.count;
  }
  return taken;
}
