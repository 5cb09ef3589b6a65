import type { DatabaseSync } from "node:sqlite";
import { messageOf, WeirError } from "../../lib/errors.ts";
import { isDiskFull } from "../../lib/sqlite-code.ts";

/**
 * Transactions of a database with a write-ahead log. One whose commit failed has written its pages there before it was to
 * be synced: the connection passes them over, but whoever opens the file after a death takes them for committed. They are gone
 * once another transaction was written over them, so nothing else is read or changed until one was.
 */
export class Transactions {
  readonly #database: DatabaseSync;
  /** One statement whose commit is unlike every other: it changes one page, and never to what a lost one has made of it. */
  readonly #overwrite: string;
  #inDoubt = false;

  constructor(database: DatabaseSync, overwrite: string) {
    this.#database = database;
    this.#overwrite = overwrite;
  }

  /**
   * Runs `run` in a transaction, which is rolled back where it answers undefined or throws.
   * @throws WeirError with `outcomeUnknown` when the commit failed.
   */
  run<T>(run: () => T): T {
    this.settle();
    return this.#attempt(run);
  }

  /**
   * Makes sure that what failed has not happened.
   * @throws WeirError while that can't be done: of whoever asks nothing has begun.
   */
  settle(): void {
    if (!this.#inDoubt) return;
    try {
      this.#attempt(() => this.#database.prepare(this.#overwrite).run());
    } catch (cause) {
      throw new WeirError("registry_unavailable", messageOf(cause), { cause });
    }
    this.#inDoubt = false;
  }

  #attempt<T>(run: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = run();
      if (result === undefined) this.#database.exec("ROLLBACK");
      else this.#commit();
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Not left to the end of a single statement: where that one answers rows, Node keeps the failure to itself. */
  #commit(): void {
    try {
      this.#database.exec("COMMIT");
    } catch (cause) {
      // Without room its last page, which says that it is committed, was not written.
      if (isDiskFull(cause)) throw cause;
      this.#inDoubt = true;
      throw new WeirError("registry_unavailable", messageOf(cause), { outcomeUnknown: true, cause });
    }
  }
}
