import { readMeta } from "./check.ts";
import { checkpoint, databasePath, openForReading } from "./files.ts";
import type { Meta } from "./files.ts";

/** What the reader needs of the disk. Between `begin` and `end` it sees one state of it. */
export interface ReaderFiles {
  /** Where it is, for messages. */
  readonly place: string;
  begin(): void;
  end(): void;
  /** @throws WeirError `log_damaged` */
  meta(): Meta;
  /** The rows from the one that holds `from`, or begins behind it, up to below `end`, in order; as they are stored. */
  rows(from: number, end: number): Iterable<Record<string, unknown>>;
  /** @returns the bytes in the write-ahead log, of which those written before are in the database now. */
  checkpoint(): number;
  close(): void;
}

export function openReaderFiles(dir: string): ReaderFiles {
  const place = databasePath(dir);
  const db = openForReading(dir);
  const records = db.prepare(
    `SELECT first, count, appended_at, crc, body FROM records
     WHERE first >= coalesce((SELECT max(first) FROM records WHERE first <= ?), 0) AND first < ? ORDER BY first`,
  );
  return {
    place,
    begin: () => db.exec("BEGIN"),
    end: () => {
      // After some errors SQLite has ended it itself, and that must not hide the error.
      if (db.isTransaction) db.exec("COMMIT");
    },
    meta: () => readMeta(db, place),
    rows: (from, end) => records.iterate(from, end),
    checkpoint: () => checkpoint(db),
    close: () => db.close(),
  };
}
