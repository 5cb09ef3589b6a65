import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { fileCall } from "../../lib/file-call.ts";
import { type Erasure, type ErasureRegister, stepOf } from "../register.ts";
import { keptFile } from "../../lib/kept-file.ts";

/**
 * With a journal that is emptied, and freed space overwritten: a value that was replaced is in no file any more. It is
 * written a few times for each erasure, so that the cost does not matter.
 */
const schema = `
  PRAGMA journal_mode = TRUNCATE;
  PRAGMA synchronous = FULL;
  PRAGMA secure_delete = ON;
  CREATE TABLE IF NOT EXISTS erasures (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    done INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS unfinished ON erasures (number) WHERE done = 0;
`;

/** Opens the register that keeps erasures in one SQLite file; made when it is missing. */
export async function openSqliteErasures({ file }: { readonly file: string }): Promise<ErasureRegister> {
  return fileCall(`the erasures in ${file} can't be opened`, () => {
    const database = new DatabaseSync(file, { timeout: 5000 });
    database.exec(schema);
    return new SqliteRegister(database, keptFile(file));
  });
}

class SqliteRegister implements ErasureRegister {
  readonly #database: DatabaseSync;
  readonly #mustBeThere: () => void;

  constructor(database: DatabaseSync, mustBeThere: () => void) {
    this.#database = database;
    this.#mustBeThere = mustBeThere;
  }

  async put(erasure: Erasure): Promise<void> {
    const sql = `INSERT INTO erasures (id, done, record) VALUES (?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET done = excluded.done, record = excluded.record`;
    fileCall("the erasure can't be stored", () => {
      this.#mustBeThere();
      if (this.#isTaken(erasure)) return;
      this.#database.prepare(sql).run(erasure.id, erasure.state === "done" ? 1 : 0, JSON.stringify(erasure));
    });
  }

  #isTaken(erasure: Erasure): boolean {
    const [before] = this.#read("WHERE id = ?", erasure.id);
    return before !== undefined && stepOf(before) >= stepOf(erasure);
  }

  async get(id: string): Promise<Erasure | undefined> {
    return this.#read("WHERE id = ?", id)[0];
  }

  async latest(limit: number): Promise<readonly Erasure[]> {
    return this.#read("ORDER BY number DESC LIMIT ?", limit);
  }

  async unfinished(): Promise<readonly Erasure[]> {
    return this.#read("WHERE done = 0 ORDER BY number");
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #read(clause: string, ...given: (string | number)[]): Erasure[] {
    return fileCall("the erasures can't be read", () =>
      this.#database
        .prepare(`SELECT record FROM erasures ${clause}`)
        .all(...given)
        .map(asErasure),
    );
  }
}

function asErasure({ record }: Record<string, SQLOutputValue>): Erasure {
  if (typeof record !== "string") throw new TypeError("a stored erasure is damaged");
  const erasure: Erasure = JSON.parse(record);
  return erasure;
}
