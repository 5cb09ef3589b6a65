import { join } from "node:path";
import type { Point, Traced } from "../support/trace-text.ts";
import type { Random } from "../support/random.ts";

/** What changes files, by all the names that the server and the engine's library know it by. */
export const writingCalls = [
  ...["openat", "write", "pwrite64", "writev", "pwritev", "ftruncate", "fallocate"],
  ...["fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat"],
  ...["mkdir", "mkdirat", "rmdir"],
];

/** The files of the server's own databases in a data folder, and the folders that they are synced with. */
export function serverFiles(dataDir: string): string[] {
  const names = ["log/log.db", "log/log.db-wal", "log/log.db-shm", "log/log.witness", "log"];
  const others = ["rules.sqlite", "rules.sqlite-wal", "rules.sqlite-shm", "rules.sqlite-journal"];
  return [...names, ...others, "erasures.sqlite", "erasures.sqlite-journal"].map((name) => join(dataDir, name));
}

/**
 * Draws points of a process's life, of which a run without a kill has counted the calls: each name as often as any other,
 * and of one name each moment as likely as any other. A name that was seen fewer than `seenMin` times is left out: it
 * might not come again.
 */
export class Points {
  readonly #random: Random;
  readonly #moments: readonly (readonly [string, readonly number[]])[];
  #left: (readonly [string, readonly number[]])[] = [];

  /** @param folder only calls on what lies in it are drawn. */
  constructor({ counts }: Traced, folder: string, seenMin: number, random: Random) {
    this.#random = random;
    this.#moments = [...counts]
      .filter(([, { all }]) => all >= seenMin)
      .map(
        ([call, { reached }]) =>
          [call, reached.flatMap((line, at) => (line.includes(folder) ? [at + 1] : []))] as const,
      )
      .filter(([, moments]) => moments.length > 0)
      .sort(([a], [b]) => a.localeCompare(b));
  }

  get isEmpty(): boolean {
    return this.#moments.length === 0;
  }

  next(): Point {
    if (this.#left.length === 0) this.#left = [...this.#moments];
    const [drawn] = this.#left.splice(this.#random.int(this.#left.length), 1);
    if (drawn === undefined) throw new Error("no call was seen");
    return { call: drawn[0], nth: this.#random.pick(drawn[1]) };
  }
}
