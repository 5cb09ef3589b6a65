import { WeirError } from "../../lib/errors.ts";
import { damaged, toRecord } from "./check.ts";
import type { CheckedRecord } from "./check.ts";
import type { ReadQuery, StoredRecord } from "./messages.ts";
import type { ReaderFiles } from "./reader-files.ts";

/** Reads beside the writer, on a connection of its own, so that reading delays no append. Synchronous. */
export class LogReader {
  readonly #files: ReaderFiles;

  constructor(files: ReaderFiles) {
    this.#files = files;
  }

  /**
   * The records that hold offsets of `[from, end)`, in order and without a gap.
   * @throws WeirError `log_gap` when the first of them are deleted; `log_damaged` when the first is not whole: what lies before damage is
   * returned first.
   */
  read(query: ReadQuery): StoredRecord[] {
    this.#files.begin();
    try {
      return this.#gather(query);
    } finally {
      this.#files.end();
    }
  }

  /** @returns the bytes in the write-ahead log, of which those written before are in the database now. */
  checkpoint(): number {
    return this.#files.checkpoint();
  }

  close(): void {
    this.#files.close();
  }

  #gather(query: ReadQuery): StoredRecord[] {
    const meta = this.#files.meta();
    const end = Math.min(meta.next, query.end);
    const gathered: StoredRecord[] = [];
    let [bytes, events] = [0, 0];
    let expected = query.from;
    if (expected >= end) return gathered;
    if (expected < meta.base) throw this.#gone(expected, meta.base);
    try {
      for (const row of this.#files.rows(query.from, end)) {
        const record = this.#check(row, expected, gathered.length === 0);
        gathered.push(record);
        expected = record.first + record.count;
        bytes += record.body.byteLength;
        events += record.count;
        if (bytes >= query.bytesMax || events >= query.eventsMax) return gathered;
      }
      if (expected < end) throw damaged(this.#files.place, `the record of offset ${expected} is missing`);
    } catch (error) {
      if (gathered.length === 0) throw error;
    }
    return gathered;
  }

  /** Nobody asks for what was committed: who does would take what comes next for the first, and count without the rest. */
  #gone(from: number, base: number): WeirError {
    return new WeirError(
      "log_gap",
      `${this.#files.place}: the records from offset ${from} to ${base - 1} are deleted, as it was told that they are counted`,
      { details: { from, to: base } },
    );
  }

  /** The first record may begin below what is expected; every other one begins where the one before ends. */
  #check(row: Record<string, unknown>, expected: number, isFirst: boolean): CheckedRecord {
    const record = toRecord(row);
    if (record === undefined) throw damaged(this.#files.place, `the record of offset ${expected} is broken`);
    const fits = isFirst
      ? record.first <= expected && record.first + record.count > expected
      : record.first === expected;
    if (!fits) throw damaged(this.#files.place, `the record of offset ${expected} is missing`);
    return record;
  }
}
