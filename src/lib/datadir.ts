import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf, WeirError } from "./errors.ts";

/** Held for the life of the lock: a database that is collected is closed, and its lock with it. */
const held = new Map<string, DatabaseSync>();

/**
 * Takes the data folder for this process; makes the folder when it is not there. The lock is one of the operating
 * system's on `weir.lock` (held by an open SQLite transaction), so it ends with the process, however that ends, and is
 * never stale. `weir.pid` beside it only tells people who has it.
 * @returns gives the folder back; calling it twice is harmless.
 * @throws WeirError `data_dir_in_use` naming folder and holder; `invalid_config` when the folder can't be made or written.
 */
export function lockDataDir(dir: string): () => void {
  const lock = openLock(dir);
  try {
    lock.exec("BEGIN EXCLUSIVE");
    // On a disk that can only be read the lock is had all the same.
    writeFileSync(join(dir, "weir.pid"), `${process.pid}\n`);
  } catch (error) {
    lock.close();
    throw isBusy(error) ? inUse(dir) : unusable(dir, error);
  }
  held.set(dir, lock);
  return () => {
    if (held.get(dir) !== lock) return;
    held.delete(dir);
    lock.close();
  };
}

/** What tells this folder from every other: made with the folder, and copied with it. */
export function folderId(dir: string): string {
  const file = join(dir, "weir.id");
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    // Under another name first: a half-written one would be another folder's for ever.
    writeFileSync(`${file}.new`, `${randomUUID()}\n`, { flush: true });
    renameSync(`${file}.new`, file);
  }
  return readFileSync(file, "utf8").trim();
}

function openLock(dir: string): DatabaseSync {
  try {
    makeFolder(resolve(dir));
    return new DatabaseSync(join(dir, "weir.lock"));
  } catch (error) {
    throw unusable(dir, error);
  }
}

/**
 * The folder and those above it. Node's own way (`recursive`) turns for ever where a folder can't be made in one that is
 * there, as in /proc.
 */
function makeFolder(path: string): void {
  if (isFolder(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!isFolder(path)) throw error;
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** SQLITE_BUSY with any extension: another connection, of this process or of another, has the lock. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5;

const inUse = (dir: string): WeirError =>
  new WeirError(
    "data_dir_in_use",
    `the data folder ${dir} is in use by another process (pid ${holder(dir)}); stop it or choose another folder`,
    {
      details: { dir, pid: holder(dir) },
    },
  );

const unusable = (dir: string, cause: unknown): WeirError =>
  new WeirError("invalid_config", `the data folder ${dir} can't be used: ${messageOf(cause)}`, { cause });

function holder(dir: string): string {
  try {
    return readFileSync(join(dir, "weir.pid"), "utf8").trim() || "unknown";
  } catch {
    return "unknown";
  }
}
