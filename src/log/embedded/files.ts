import { closeSync, existsSync, fsyncSync, openSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { Mark } from "./messages.ts";

/** The log's files in its folder: SQLite's database (with `-wal` and `-shm` beside it) and the witness. */
export const databasePath = (dir: string): string => join(dir, "log.db");
export const witnessPath = (dir: string): string => join(dir, "log.witness");

/** "Weir" in the header of the database, and the version of its layout. */
export const applicationId = 0x5765_6972;
export const layoutVersion = 1;
/** Large enough that a body lies in few pages, small enough that a commit of one event writes little. */
export const pageSize = 32_768;
/** Nobody but us should hold locks; a tool that looks into the database for a moment must not stop the log. */
const busyMs = 5_000;

/** The row of `meta`: the mark, and the number of the transaction that wrote it. */
export interface Meta extends Mark {
  readonly transaction: number;
}

const layout = `
  CREATE TABLE records (
    first INTEGER PRIMARY KEY, -- offset of the first event
    count INTEGER NOT NULL,    -- events in the body
    appended_at INTEGER NOT NULL, -- ms since the epoch
    crc INTEGER NOT NULL,      -- CRC-32 of the columns before and the body
    body BLOB NOT NULL         -- packed events
  ) STRICT;
  CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    "transaction" INTEGER NOT NULL,
    base INTEGER NOT NULL, next INTEGER NOT NULL, committed INTEGER NOT NULL, bytes INTEGER NOT NULL,
    crc INTEGER NOT NULL       -- CRC-32 of the columns before
  ) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${layoutVersion};`;

export const emptyMeta: Meta = { transaction: 1, base: 0, next: 0, committed: 0, bytes: 0 };

/** Opens the database for the one writer; makes it when there is none. */
export function openForWriting(dir: string): DatabaseSync {
  const path = databasePath(dir);
  const isNew = !existsSync(path) || statSync(path).size === 0;
  const db = new DatabaseSync(path, { timeout: busyMs });
  // Checkpoints are ours to place: SQLite's own would stop an append whenever its page counter says so.
  db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
    PRAGMA cache_size = -16384; PRAGMA cache_spill = OFF; PRAGMA secure_delete = OFF; PRAGMA temp_store = MEMORY`);
  if (isNew || !hasLayout(db)) createLayout(db, dir);
  return db;
}

/** Opens the database beside the writer, for reading and for checkpoints. */
export function openForReading(dir: string): DatabaseSync {
  const db = new DatabaseSync(databasePath(dir), { timeout: busyMs });
  db.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -2048");
  return db;
}

export const hasLayout = (db: DatabaseSync): boolean =>
  db.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name IN ('records', 'meta')").get()?.["tables"] === 2;

function createLayout(db: DatabaseSync, dir: string): void {
  db.exec(`BEGIN IMMEDIATE;${layout}`);
  const { transaction, base, next, committed, bytes } = emptyMeta;
  db.prepare("INSERT INTO meta VALUES (1, ?, ?, ?, ?, ?, ?)").run(
    transaction,
    base,
    next,
    committed,
    bytes,
    metaCrc(emptyMeta),
  );
  db.exec("COMMIT");
  syncFolder(dir);
  syncFolder(dirname(dir));
}

/** Makes the folder's entries survive a power loss. */
function syncFolder(dir: string): void {
  const folder = openSync(dir, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** CRC-32 of a record: its header and its body. */
export function recordCrc(first: number, count: number, appendedAt: number, body: Uint8Array): number {
  return crc32(body, numbersCrc([first, count, appendedAt, body.byteLength]));
}

export const metaCrc = (meta: Meta): number =>
  numbersCrc([meta.transaction, meta.base, meta.next, meta.committed, meta.bytes]);

const numbersCrc = (numbers: readonly number[]): number => crc32(new Uint8Array(Float64Array.from(numbers).buffer));

/** Moves what it can from the write-ahead log into the database without waiting for anybody. @returns the bytes in the log. */
export function checkpoint(db: DatabaseSync): number {
  const row = db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
  return Math.max(0, Number(row?.["log"] ?? 0)) * pageSize;
}
