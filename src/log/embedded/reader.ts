import type { DatabaseSync, StatementSync } from "node:sqlite";
import { damaged, readMeta, toRecord } from "./check.ts";
import type { CheckedRecord } from "./check.ts";
import { checkpoint, databasePath, openForReading } from "./files.ts";
import type { ReadQuery, StoredRecord } from "./messages.ts";

/** Reads beside the writer, on a connection of its own, so that reading delays no append. Synchronous. */
export class LogReader {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #records: StatementSync;

  constructor(dir: string) {
    this.#path = databasePath(dir);
    this.#db = openForReading(dir);
    this.#records = this.#db.prepare(
      `SELECT first, count, appended_at, crc, body FROM records
       WHERE first >= coalesce((SELECT max(first) FROM records WHERE first <= ?), 0) AND first < ? ORDER BY first`,
    );
  }

  /**
   * The records that hold offsets of `[from, end)`, in order and without a gap.
   * @throws WeirError `log_damaged` when the first of them is not whole; what lies before damage is returned first.
   */
  read(query: ReadQuery): StoredRecord[] {
    this.#db.exec("BEGIN");
    try {
      return this.#gather(query);
    } finally {
      // After some errors SQLite has ended it itself, and that must not hide the error.
      if (this.#db.isTransaction) this.#db.exec("COMMIT");
    }
  }

  /** @returns the bytes in the write-ahead log, of which those written before are in the database now. */
  checkpoint(): number {
    return checkpoint(this.#db);
  }

  close(): void {
    this.#db.close();
  }

  #gather(query: ReadQuery): StoredRecord[] {
    const meta = readMeta(this.#db, this.#path);
    const end = Math.min(meta.next, query.end);
    const gathered: StoredRecord[] = [];
    let expected = Math.max(query.from, meta.base);
    if (expected >= end) return gathered;
    try {
      for (const row of this.#records.iterate(query.from, end)) {
        const record = this.#check(row, expected, gathered.length === 0);
        gathered.push(record);
        expected = record.first + record.count;
        if (isEnough(gathered, query)) return gathered;
      }
      if (expected < end) throw damaged(this.#path, `the record of offset ${expected} is missing`);
    } catch (error) {
      if (gathered.length === 0) throw error;
    }
    return gathered;
  }

  /** The first record may begin below what is expected; every other one begins where the one before ends. */
  #check(row: Record<string, unknown>, expected: number, isFirst: boolean): CheckedRecord {
    const record = toRecord(row);
    if (record === undefined) throw damaged(this.#path, `the record of offset ${expected} is broken`);
    const fits = isFirst
      ? record.first <= expected && record.first + record.count > expected
      : record.first === expected;
    if (!fits) throw damaged(this.#path, `the record of offset ${expected} is missing`);
    return record;
  }
}

function isEnough(gathered: readonly StoredRecord[], query: ReadQuery): boolean {
  let bytes = 0;
  let events = 0;
  for (const record of gathered) {
    bytes += record.body.byteLength;
    events += record.count;
  }
  return bytes >= query.bytesMax || events >= query.eventsMax;
}
