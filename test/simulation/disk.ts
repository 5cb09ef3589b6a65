import { checkEnd } from "../../src/log/embedded/check.ts";
import { type Meta, emptyMeta, recordCrc } from "../../src/log/embedded/files.ts";
import type { ReaderFiles } from "../../src/log/embedded/reader-files.ts";
import { witnessedBy } from "../../src/log/embedded/witness.ts";
import type { Oldest, WriterFiles } from "../../src/log/embedded/writer-files.ts";
import type { Random } from "../support/random.ts";
import type { CommitFate, DiskUser } from "./disk-user.ts";
import { type Death, Killed } from "./life.ts";
import { WitnessSlots } from "./witness-slots.ts";

/** One state of the database. Never changed, only replaced. */
interface Image {
  readonly rows: readonly Row[];
  readonly meta: Meta;
}

interface Row {
  readonly first: number;
  readonly count: number;
  readonly appended_at: number;
  readonly crc: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

interface Transaction {
  readonly image: Image;
  readonly writtenAt: number;
  /** Infinite: its sync has failed. */
  readonly durableAt: number;
}

const place = "the simulated disk";

/**
 * The log's files on a disk that keeps what was synced. Of transactions that were written and not synced a crash keeps
 * as many of the first as chance will have it, each as a whole: what is torn has a wrong checksum and ends recovery.
 */
export class Disk {
  readonly #random: Random;
  #transactions: Transaction[] = [{ image: { rows: [], meta: emptyMeta }, writtenAt: 0, durableAt: 0 }];
  readonly #witness = new WitnessSlots();
  #visible: Image = { rows: [], meta: emptyMeta };

  constructor(random: Random) {
    this.#random = random;
  }

  /** What is left when the process, or the machine, has died at this moment. */
  crash(death: Death, now: number): void {
    const written = this.#transactions.filter(({ writtenAt }) => writtenAt <= now);
    const durable = written.findLastIndex(({ durableAt }) => durableAt <= now);
    const kept = durable + this.#random.int(written.length - durable);
    // What outlives the process may still die with the machine.
    this.#transactions = written.slice(durable, kept + 1);
    this.#visible = this.#transactions.at(-1)!.image;
    this.#witness.crash(death, now, this.#random);
  }

  /** @throws WeirError `log_damaged` */
  openForWriting(user: DiskUser): WriterFiles {
    const seen = witnessedBy(this.#witness.contents());
    checkEnd(this.#visible.meta, seen, place);
    return this.#writer(user);
  }

  openForReading(): ReaderFiles {
    let image = this.#visible;
    return {
      place,
      begin: () => void (image = this.#visible),
      end: () => {},
      meta: () => image.meta,
      rows: (from, end) => rowsBetween(image, from, end),
      checkpoint: () => 0,
      close: () => {},
    };
  }

  #writer(user: DiskUser): WriterFiles {
    let next: { rows: Row[]; meta: Meta } | undefined;
    const open = (): { rows: Row[]; meta: Meta } => {
      if (!user.life.alive) throw new Killed();
      return (next ??= { rows: [...this.#visible.rows], meta: this.#visible.meta });
    };
    return {
      place,
      witness: this.#witness.file(user),
      meta: () => this.#visible.meta,
      makeDurable: () => this.#append(this.#visible, user, "synced"),
      begin: () => void open(),
      insert: (first, count, appended_at, bytes) => {
        const body = new Uint8Array(bytes);
        open().rows.push({ first, count, appended_at, crc: recordCrc(first, count, appended_at, body), body });
      },
      oldest: () => oldestOf(open().rows),
      remove: (first) => {
        const one = open();
        one.rows = one.rows.filter((row) => row.first !== first);
      },
      saveMeta: (meta) => void (open().meta = meta),
      commit: () => {
        const image = open();
        next = undefined;
        this.#commit(image, user);
      },
      rollBack: () => void (next = undefined),
      checkpoint: () => {},
      bytes: () => 0,
      shrink: () => true,
      close: () => {},
    };
  }

  #commit(image: Image, user: DiskUser): void {
    user.passed("before a commit");
    if (!user.life.alive) throw new Killed();
    const fate = user.commitFate();
    if (fate === "disk full") throw sqliteError("database or disk is full", 13);
    this.#append(image, user, fate);
    if (fate === "sync fails") throw sqliteError("disk I/O error", 1034);
    this.#visible = image;
    user.passed("after a commit");
    if (!user.life.alive) throw new Killed();
  }

  #append(image: Image, user: DiskUser, fate: CommitFate): void {
    const writtenAt = user.time();
    user.busy();
    this.#transactions.push({ image, writtenAt, durableAt: fate === "synced" ? user.time() : Infinity });
  }
}

function oldestOf(rows: readonly Row[]): Oldest | undefined {
  const [row] = rows;
  return row && { first: row.first, count: row.count, length: row.body.byteLength };
}

function rowsBetween({ rows }: Image, from: number, end: number): Record<string, unknown>[] {
  const start = rows.findLastIndex(({ first }) => first <= from);
  const found = rows.slice(Math.max(0, start)).filter(({ first }) => first < end);
  // The reader hands the bytes on to another thread.
  return found.map((row) => ({ ...row, body: new Uint8Array(row.body) }));
}

function sqliteError(message: string, errcode: number): Error {
  return Object.assign(new Error(message), { errcode });
}
