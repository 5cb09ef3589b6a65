import type { DatabaseSync, StatementSync } from "node:sqlite";
import { checkpoint, databasePath, metaCrc, openForWriting, pageSize, recordCrc, witnessPath } from "./files.ts";
import type { Meta } from "./files.ts";
import { checkLog, damaged, readMeta } from "./check.ts";
import type { AppendJob, AppendedJob, Mark } from "./messages.ts";
import { Witness } from "./witness.ts";

/** Per transaction, besides as much again as it appends: deletion keeps pace and no append waits long for it. */
const trimBytesMin = 4 << 20;
/** A file this much larger than its content is shrunk in a quiet moment. */
const slackBytesMax = 64 << 20;
/** When the write-ahead log is so large, the writer itself finishes its checkpoint, so that the file is used from its start again. */
const walBytesMax = 64 << 20;

interface Statements {
  readonly insert: StatementSync;
  readonly oldest: StatementSync;
  readonly remove: StatementSync;
  readonly mark: StatementSync;
}

/**
 * The one writer of the log's files: synchronous, without a thread of its own. Every method either has done durably
 * what it says or throws and has kept nothing that is visible; what SQLite threw is passed on.
 */
export class LogWriter {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #statements: Statements;
  readonly #witness: Witness;
  #meta: Meta;
  /** Up to where the caller allowed deletion; at least `#meta.committed`. */
  #target: number;
  #walBytes = 0;

  /**
   * Checks the log of `dir`, opens it, and makes durable what an earlier process may have left unsynced. The database
   * never grows beyond `fileBytesMax`: the second fence behind the caller's bound.
   */
  constructor(dir: string, fileBytesMax: number) {
    checkLog(dir);
    this.#path = databasePath(dir);
    this.#db = openForWriting(dir);
    this.#db.exec(`PRAGMA max_page_count = ${Math.ceil(fileBytesMax / pageSize)}`);
    // Whatever recovery found was perhaps never synced; from here on it is read, so it must be durable.
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#meta = readMeta(this.#db, this.#path);
    this.#target = this.#meta.committed;
    this.#statements = prepare(this.#db);
    this.#witness = new Witness(witnessPath(dir));
    this.#witness.write(this.#meta);
    this.#witness.sync();
  }

  get mark(): Mark {
    const { base, next, committed, bytes } = this.#meta;
    return { base, next, committed, bytes };
  }

  /** Bytes written to the write-ahead log since the last `checkpointed`, about. */
  get walBytes(): number {
    return this.#walBytes;
  }

  /** Whether committed records are still to be deleted; call `write([])` until it is false. */
  get hasTrimWork(): boolean {
    return this.#target > this.#meta.committed || this.#hasDeletable();
  }

  /** Allows deletion of every record below `next`; done bit by bit by `write`. */
  trimTo(next: number): void {
    this.#target = Math.min(Math.max(this.#target, next), this.#meta.next);
  }

  /** Makes the jobs durable in one transaction, in order, and deletes some of what is committed. */
  write(jobs: readonly AppendJob[]): AppendedJob[] {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const trimmed = this.#trim(trimBytesMin + 2 * jobs.reduce((sum, job) => sum + job.length, 0));
      const { appended, meta } = this.#insert(jobs, trimmed);
      this.#saveMeta(meta);
      this.#db.exec("COMMIT");
      this.#meta = meta;
      this.#witness.write(meta);
      return appended;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /**
   * Takes note that the reader has checkpointed, with `walBytes` in the write-ahead log afterwards. SQLite starts that
   * file anew only when all of it is checkpointed; under load that takes a moment in which nothing is written, and
   * the less is left, the shorter it is.
   */
  checkpointed(walBytes: number): void {
    this.#walBytes = 0;
    if (walBytes >= walBytesMax) checkpoint(this.#db);
  }

  /** For a moment without appends: a short way back after a crash, and a file without much slack. */
  tidy(): void {
    if (this.#walBytes > 0) this.checkpointed(walBytesMax);
    this.#witness.sync();
    if (this.#meta.bytes < slackBytesMax / 16 && this.#fileBytes() - this.#meta.bytes > slackBytesMax) this.#shrink();
  }

  close(): void {
    this.#witness.sync();
    this.#witness.close();
    this.#db.close();
  }

  /** After some errors SQLite has rolled back itself; and what rolling back throws says less than the error before. */
  #rollBack(): void {
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {}
  }

  #insert(jobs: readonly AppendJob[], meta: Meta): { appended: AppendedJob[]; meta: Meta } {
    let { next, bytes } = meta;
    const appended = jobs.map((job) => {
      const body = new Uint8Array(job.body, 0, job.length);
      const first = next;
      this.#statements.insert.run(
        first,
        job.count,
        job.appendedAt,
        recordCrc(first, job.count, job.appendedAt, body),
        body,
      );
      this.#wrote(job.length);
      next += job.count;
      bytes += storedBytes(job.length);
      return { ...job, first };
    });
    return { appended, meta: { ...meta, next, bytes, transaction: meta.transaction + 1 } };
  }

  /** Deletes committed records of about `bytesMax`. @returns what the mark will be. */
  #trim(bytesMax: number): Meta {
    let { base, bytes } = this.#meta;
    for (let freed = 0; freed < bytesMax;) {
      const row = this.#statements.oldest.get();
      if (row === undefined || base + Number(row["count"]) > this.#target) break;
      if (row["first"] !== base)
        throw damaged(this.#path, `records begin at offset ${String(row["first"])} instead of ${base}`);
      this.#statements.remove.run(base);
      base += Number(row["count"]);
      bytes -= storedBytes(Number(row["length"]));
      freed += storedBytes(Number(row["length"]));
    }
    return { ...this.#meta, base, bytes, committed: this.#target };
  }

  #hasDeletable(): boolean {
    if (this.#meta.base >= this.#target) return false;
    const row = this.#statements.oldest.get();
    return row !== undefined && this.#meta.base + Number(row["count"]) <= this.#target;
  }

  #saveMeta(meta: Meta): void {
    this.#statements.mark.run(meta.transaction, meta.base, meta.next, meta.committed, meta.bytes, metaCrc(meta));
    this.#wrote(2 * pageSize);
  }

  #wrote(bytes: number): void {
    this.#walBytes += Math.ceil(bytes / pageSize + 1) * pageSize;
  }

  #fileBytes(): number {
    return Number(this.#db.prepare("PRAGMA page_count").get()?.["page_count"]) * pageSize;
  }

  #shrink(): void {
    this.#db.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  }
}

/** What a record takes in the file, about: small ones share a page, larger ones fill whole pages. */
function storedBytes(bodyBytes: number): number {
  const bytes = bodyBytes + 64;
  return bytes < pageSize / 4 ? bytes : Math.ceil(bytes / pageSize) * pageSize;
}

function prepare(db: DatabaseSync): Statements {
  return {
    insert: db.prepare("INSERT INTO records (first, count, appended_at, crc, body) VALUES (?, ?, ?, ?, ?)"),
    oldest: db.prepare("SELECT first, count, length(body) AS length FROM records ORDER BY first LIMIT 1"),
    remove: db.prepare("DELETE FROM records WHERE first = ?"),
    mark: db.prepare(
      'UPDATE meta SET "transaction" = ?, base = ?, next = ?, committed = ?, bytes = ?, crc = ? WHERE id = 1',
    ),
  };
}
