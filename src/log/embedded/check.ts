import { existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { messageOf, WeirError } from "../../lib/errors.ts";
import { isDamage } from "./fault.ts";
import { applicationId, databasePath, hasLayout, layoutVersion, metaCrc, recordCrc, witnessPath } from "./files.ts";
import type { Meta } from "./files.ts";
import { readWitness } from "./witness.ts";
import type { Witnessed } from "./witness.ts";

/** A database up to this size is checked page by page; it is the usual size of a log whose processor keeps up. */
const quickCheckBytesMax = 64 << 20;
const lastRecords = 8;

/**
 * Looks at a closed log before it is opened for writing: nothing is changed, so that a refused start keeps the evidence.
 * Cheap: the header, the end against the witness, the last records whole; the rest is checked when it is read.
 * @throws WeirError `log_damaged` with the place.
 */
export function checkLog(dir: string): void {
  const path = databasePath(dir);
  const witness = witnessPath(dir);
  if (!hasContent(path)) return mustBeNew(path, readWitness(witness));
  // A first start that is killed leaves it empty, behind a database that is whole.
  const seen = hasContent(witness) ? readWitness(witness) : undefined;
  try {
    checkDatabase(path, seen, witness);
  } catch (error) {
    if (isDamage(error)) throw damaged(path, messageOf(error));
    throw error;
  }
}

function mustBeNew(path: string, seen: Witnessed | undefined): void {
  if (seen !== undefined) throw damaged(path, `it is missing or empty, but ${seen.next} events had been logged`);
  if (hasContent(`${path}-wal`)) throw damaged(path, "it is missing or empty, but its write-ahead log is there");
}

// A read-only connection: it neither checkpoints nor deletes the write-ahead log when it is closed.
function checkDatabase(path: string, seen: Witnessed | undefined, witness: string): void {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    if (seen === undefined && !hasLayout(db)) return;
    checkLayout(db, path);
    const meta = readMeta(db, path);
    checkEnd(meta, seen, path);
    // An empty one says that nothing was ever logged.
    if (seen === undefined && meta.next > 0) readWitness(witness);
    if (sizeOf(db) <= quickCheckBytesMax) checkPages(db, path);
    checkLastRecords(db, meta, path);
  } finally {
    db.close();
  }
}

function checkLayout(db: DatabaseSync, path: string): void {
  const id = pragma(db, "application_id");
  const version = pragma(db, "user_version");
  if (!hasLayout(db) || id !== applicationId)
    throw damaged(path, "it is not the database of a log, or its header is broken");
  if (version !== layoutVersion)
    throw damaged(path, `its layout has version ${version}, this program knows ${layoutVersion}`);
}

/** Whether the log goes as far as its witness has seen. */
export function checkEnd(meta: Meta, seen: Witnessed | undefined, path: string): void {
  if (seen === undefined || (meta.transaction >= seen.transaction && meta.next >= seen.next)) return;
  throw damaged(
    path,
    `it ends at transaction ${meta.transaction}, offset ${meta.next}, but transaction ${seen.transaction}, offset ${seen.next} had been made durable; ` +
      "the end of the database or its write-ahead log is lost",
  );
}

function checkPages(db: DatabaseSync, path: string): void {
  const found = db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (found !== "ok") throw damaged(path, String(found));
}

function checkLastRecords(db: DatabaseSync, meta: Meta, path: string): void {
  const rows = db
    .prepare("SELECT first, count, appended_at, crc, body FROM records ORDER BY first DESC LIMIT ?")
    .all(lastRecords);
  let end = meta.next;
  for (const row of rows) end = checkRecord(row, end, path);
  const first = db.prepare("SELECT min(first) AS first FROM records").get()?.["first"] ?? meta.next;
  if (first !== meta.base) throw damaged(path, `records begin at offset ${String(first)} instead of ${meta.base}`);
}

/** @returns where the record before must end. */
function checkRecord(row: Record<string, unknown>, end: number, path: string): number {
  const record = toRecord(row);
  if (record === undefined) throw damaged(path, `the record before offset ${end} is broken`);
  if (record.first + record.count !== end) throw damaged(path, `no record ends at offset ${end}`);
  return record.first;
}

export interface CheckedRecord {
  readonly first: number;
  readonly count: number;
  readonly appendedAt: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The row as a record; undefined when its checksum does not fit. */
export function toRecord(row: Record<string, unknown>): CheckedRecord | undefined {
  const { first, count, appended_at: appendedAt, crc, body } = row;
  if (typeof first !== "number" || typeof count !== "number" || typeof appendedAt !== "number") return undefined;
  if (!(body instanceof Uint8Array) || !(body.buffer instanceof ArrayBuffer)) return undefined;
  if (recordCrc(first, count, appendedAt, body) !== crc) return undefined;
  return { first, count, appendedAt, body: new Uint8Array(body.buffer, body.byteOffset, body.byteLength) };
}

/** @throws WeirError `log_damaged` when the row is missing or its checksum does not fit. */
export function readMeta(db: DatabaseSync, path: string): Meta {
  const row = db.prepare('SELECT "transaction", base, next, committed, bytes, crc FROM meta WHERE id = 1').get() ?? {};
  const number = (name: string): number => (typeof row[name] === "number" ? row[name] : Number.NaN);
  const meta: Meta = {
    transaction: number("transaction"),
    base: number("base"),
    next: number("next"),
    committed: number("committed"),
    bytes: number("bytes"),
  };
  if (metaCrc(meta) !== row["crc"]) throw damaged(path, "the row that says how far the log goes is broken");
  return meta;
}

export const damaged = (path: string, what: string): WeirError =>
  new WeirError("log_damaged", `${path} is damaged: ${what}`);

const pragma = (db: DatabaseSync, name: string): number => Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
const sizeOf = (db: DatabaseSync): number => pragma(db, "page_count") * pragma(db, "page_size");
const hasContent = (path: string): boolean => existsSync(path) && statSync(path).size > 0;
