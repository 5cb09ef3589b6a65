import type { DatabaseSync, StatementSync } from "node:sqlite";
import { checkLog, readMeta } from "./check.ts";
import { checkpoint, databasePath, metaCrc, openForWriting, pageSize, recordCrc, witnessPath } from "./files.ts";
import type { Meta } from "./files.ts";
import { openWitnessFile } from "./witness.ts";
import type { WitnessFile } from "./witness.ts";
import { keptFile } from "../../lib/kept-file.ts";

/** The oldest record, as far as deletion needs it. */
export interface Oldest {
  readonly first: number;
  readonly count: number;
  /** Of the body, bytes. */
  readonly length: number;
}

/**
 * What the writer needs of the disk, and no more: so small that a simulation can lose, tear and refuse what the real one may.
 *
 * It owes: what is done between `begin` and `commit` is there as a whole or not at all, also after a crash; when `commit`
 * has returned, it would survive one. What throws has kept nothing that is visible, but for a `commit` whose sync failed.
 */
export interface WriterFiles {
  /** Where it is, for messages. */
  readonly place: string;
  readonly witness: WitnessFile;
  /** @throws WeirError `log_damaged` */
  meta(): Meta;
  /** Makes durable what an earlier process may have left unsynced. */
  makeDurable(): void;
  begin(): void;
  insert(first: number, count: number, appendedAt: number, body: Uint8Array): void;
  oldest(): Oldest | undefined;
  remove(first: number): void;
  saveMeta(meta: Meta): void;
  commit(): void;
  rollBack(): void;
  checkpoint(): void;
  /** What the database takes on the disk. */
  bytes(): number;
  /**
   * Writes anew what is kept, and gives the rest back to the disk. Whether nothing of the rest is in a file any more: not, when
   * somebody was reading.
   */
  shrink(): boolean;
  close(): void;
}

/**
 * Checks the log of `dir` and opens it. The database never grows beyond `fileBytesMax`: the second fence behind the
 * caller's bound.
 */
export function openWriterFiles(dir: string, fileBytesMax: number): WriterFiles {
  checkLog(dir);
  const db = openForWriting(dir);
  db.exec(`PRAGMA max_page_count = ${Math.ceil(fileBytesMax / pageSize)}`);
  return new SqliteFiles(dir, db);
}

class SqliteFiles implements WriterFiles {
  readonly place: string;
  readonly witness: WitnessFile;
  readonly #db: DatabaseSync;
  readonly #statements: ReturnType<typeof prepare>;
  #kept: readonly (() => void)[] | undefined;

  constructor(dir: string, db: DatabaseSync) {
    this.place = databasePath(dir);
    this.#db = db;
    this.#statements = prepare(db);
    this.witness = openWitnessFile(witnessPath(dir));
  }

  meta(): Meta {
    return readMeta(this.#db, this.place);
  }

  makeDurable(): void {
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  begin(): void {
    this.#db.exec("BEGIN IMMEDIATE");
  }

  insert(first: number, count: number, appendedAt: number, body: Uint8Array): void {
    this.#statements.insert.run(first, count, appendedAt, recordCrc(first, count, appendedAt, body), body);
  }

  oldest(): Oldest | undefined {
    const row = this.#statements.oldest.get();
    return row && { first: Number(row["first"]), count: Number(row["count"]), length: Number(row["length"]) };
  }

  remove(first: number): void {
    this.#statements.remove.run(first);
  }

  saveMeta(meta: Meta): void {
    this.#statements.mark.run(meta.transaction, meta.base, meta.next, meta.committed, meta.bytes, metaCrc(meta));
  }

  commit(): void {
    this.#db.exec("COMMIT");
    // What was written may be in files that have no name any more; the write-ahead log is there from the first write on.
    this.#kept ??= [this.place, `${this.place}-wal`].map(keptFile);
    for (const mustBeThere of this.#kept) mustBeThere();
  }

  /** After some errors SQLite has rolled back itself; and what rolling back throws says less than the error before. */
  rollBack(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {}
  }

  checkpoint(): void {
    checkpoint(this.#db);
  }

  bytes(): number {
    return Number(this.#db.prepare("PRAGMA page_count").get()?.["page_count"]) * pageSize;
  }

  shrink(): boolean {
    this.#db.exec("VACUUM");
    return this.#db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
  }

  close(): void {
    this.#db.close();
  }
}

function prepare(db: DatabaseSync): Record<"insert" | "oldest" | "remove" | "mark", StatementSync> {
  return {
    insert: db.prepare("INSERT INTO records (first, count, appended_at, crc, body) VALUES (?, ?, ?, ?, ?)"),
    oldest: db.prepare("SELECT first, count, length(body) AS length FROM records ORDER BY first LIMIT 1"),
    remove: db.prepare("DELETE FROM records WHERE first = ?"),
    mark: db.prepare(
      'UPDATE meta SET "transaction" = ?, base = ?, next = ?, committed = ?, bytes = ?, crc = ? WHERE id = 1',
    ),
  };
}
