import { pageSize } from "./files.ts";
import type { Meta } from "./files.ts";
import { damaged } from "./check.ts";
import type { AppendJob, AppendedJob, Mark } from "./messages.ts";
import { Witness } from "./witness.ts";
import type { WriterFiles } from "./writer-files.ts";

/** Per transaction, besides as much again as it appends: deletion keeps pace and no append waits long for it. */
const trimBytesMin = 4 << 20;
/** A file this much larger than its content is shrunk in a quiet moment. */
const slackBytesMax = 64 << 20;
/** No more than this is written anew at once: appends wait for it, a second at the most. */
const rewriteBytesMax = 64 << 20;
/** When the write-ahead log is so large, the writer itself finishes its checkpoint, so that the file is used from its start again. */
const walBytesMax = 64 << 20;

/**
 * The one writer of the log's files: synchronous, without a thread of its own. Every method either has done durably
 * what it says or throws and has kept nothing that is visible; what the files threw is passed on.
 */
export class LogWriter {
  readonly #files: WriterFiles;
  readonly #witness: Witness;
  #meta: Meta;
  /** Up to where the caller allowed deletion; at least `#meta.committed`. */
  #target: number;
  #walBytes = 0;

  /** The files have been checked; they are the writer's from now on. */
  constructor(files: WriterFiles) {
    this.#files = files;
    // Whatever recovery found was perhaps never synced; from here on it is read, so it must be durable.
    files.makeDurable();
    this.#meta = files.meta();
    this.#target = this.#meta.committed;
    this.#witness = new Witness(files.witness);
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
    this.#files.begin();
    try {
      const trimmed = this.#trim(trimBytesMin + 2 * jobs.reduce((sum, job) => sum + job.length, 0));
      const { appended, meta } = this.#insert(jobs, trimmed);
      this.#saveMeta(meta);
      this.#files.commit();
      this.#meta = meta;
      this.#witness.write(meta);
      return appended;
    } catch (error) {
      this.#files.rollBack();
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
    if (walBytes >= walBytesMax) this.#files.checkpoint();
  }

  /** For a moment without appends: a short way back after a crash, and a file without much slack. */
  tidy(): void {
    if (this.#walBytes > 0) this.checkpointed(walBytesMax);
    this.#witness.sync();
    if (this.#meta.bytes < slackBytesMax / 16 && this.#files.bytes() - this.#meta.bytes > slackBytesMax)
      this.#files.shrink();
  }

  /**
   * Takes everything below `next` off the disk. Answers whether it is: not, while something of it is still to be deleted, more
   * is kept than can be written anew at once, or somebody reads.
   */
  scrub(next: number): boolean {
    if (this.#meta.base < next || this.#meta.bytes > rewriteBytesMax) return false;
    this.#walBytes = 0;
    return this.#files.shrink();
  }

  close(): void {
    this.#witness.sync();
    this.#witness.close();
    this.#files.close();
  }

  #insert(jobs: readonly AppendJob[], meta: Meta): { appended: AppendedJob[]; meta: Meta } {
    let { next, bytes } = meta;
    const appended = jobs.map((job) => {
      const body = new Uint8Array(job.body, 0, job.length);
      const first = next;
      this.#files.insert(first, job.count, job.appendedAt, body);
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
      const row = this.#files.oldest();
      if (row === undefined || base + row.count > this.#target) break;
      if (row.first !== base)
        throw damaged(this.#files.place, `records begin at offset ${row.first} instead of ${base}`);
      this.#files.remove(base);
      base += row.count;
      bytes -= storedBytes(row.length);
      freed += storedBytes(row.length);
    }
    return { ...this.#meta, base, bytes, committed: this.#target };
  }

  #hasDeletable(): boolean {
    if (this.#meta.base >= this.#target) return false;
    const row = this.#files.oldest();
    return row !== undefined && this.#meta.base + row.count <= this.#target;
  }

  #saveMeta(meta: Meta): void {
    this.#files.saveMeta(meta);
    this.#wrote(2 * pageSize);
  }

  #wrote(bytes: number): void {
    this.#walBytes += Math.ceil(bytes / pageSize + 1) * pageSize;
  }
}

/** What a record takes in the file, about: small ones share a page, larger ones fill whole pages. */
function storedBytes(bodyBytes: number): number {
  const bytes = bodyBytes + 64;
  return bytes < pageSize / 4 ? bytes : Math.ceil(bytes / pageSize) * pageSize;
}
