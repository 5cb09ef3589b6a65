import { DatabaseSync } from "node:sqlite";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { fileCall } from "../../lib/file-call.ts";
import type { MadeChange, Registry, RegistryChange, RuleRecord } from "../registry.ts";
import { keptFile } from "../../lib/kept-file.ts";
import { Transactions } from "./transactions.ts";

/** Series below this one are reserved. */
const firstSeries = 16;
const pollMs = 500;
/** How long a call waits for another process that is writing. */
const busyTimeoutMs = 5000;

// What is found was perhaps never synced, and from here on others build upon it: it is made durable first.
const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA wal_checkpoint(TRUNCATE);
  CREATE TABLE IF NOT EXISTS rules (rule_id TEXT PRIMARY KEY, revision INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO counters VALUES ('revision', 0), ('series', ${firstSeries});
`;

const nextRevision = "UPDATE counters SET value = value + 1 WHERE name = 'revision'";

export interface SqliteRegistryOptions {
  /** The database file; made when it is missing. */
  readonly file: string;
  readonly clock?: Clock;
}

/** Opens the registry that keeps rules in one SQLite file; several processes may have it open. */
export async function openSqliteRegistry({ file, clock = systemClock }: SqliteRegistryOptions): Promise<Registry> {
  return fileCall(`the rules in ${file} can't be opened`, () => {
    const database = new DatabaseSync(file, { timeout: busyTimeoutMs });
    database.exec(schema);
    const inMemory = database.location() === null;
    return new SqliteRegistry(database, inMemory ? () => {} : keptFile(file), clock);
  });
}

class SqliteRegistry implements Registry {
  readonly #database: DatabaseSync;
  readonly #transactions: Transactions;
  readonly #mustBeThere: () => void;
  readonly #clock: Clock;
  readonly #watchers = new Set<() => void>();
  #seen: number | undefined;
  #stopPolling: (() => void) | undefined;

  constructor(database: DatabaseSync, mustBeThere: () => void, clock: Clock) {
    this.#database = database;
    this.#transactions = new Transactions(database, nextRevision);
    this.#mustBeThere = mustBeThere;
    this.#clock = clock;
  }

  async all(): Promise<readonly RuleRecord[]> {
    return this.#reading(() => this.#database.prepare("SELECT * FROM rules ORDER BY rule_id").all().map(asRecord));
  }

  async get(ruleId: string): Promise<RuleRecord | undefined> {
    return this.#reading(() => {
      const row = this.#database.prepare("SELECT * FROM rules WHERE rule_id = ?").get(ruleId);
      return row === undefined ? undefined : asRecord(row);
    });
  }

  async change(change: RegistryChange): Promise<MadeChange | undefined> {
    const made = fileCall("the rules can't be changed", () => {
      this.#mustBeThere();
      return this.#transactions.run(() => this.#apply(change));
    });
    if (made !== undefined) queueMicrotask(() => this.#poll());
    return made;
  }

  async revision(): Promise<number> {
    return this.#reading(() => this.#counter("revision"));
  }

  async takeSeries(count: number): Promise<number> {
    const take = "UPDATE counters SET value = value + ? WHERE name = 'series' RETURNING value AS next";
    return fileCall("no series can be taken", () =>
      this.#transactions.run(() => numberOf(this.#database.prepare(take).get(count)?.["next"]) - count),
    );
  }

  watch(changed: () => void): () => void {
    // Each watch is one listener, also when the same function watches twice.
    const listener = (): void => changed();
    this.#seen ??= this.#counter("revision");
    this.#watchers.add(listener);
    this.#stopPolling ??= this.#clock.every(pollMs, () => this.#poll());
    return () => {
      this.#watchers.delete(listener);
      if (this.#watchers.size === 0) this.#endPolling();
    };
  }

  trouble(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    this.#endPolling();
    if (this.#database.isOpen) this.#database.close();
  }

  /** The whole change with its count, or nothing of it: undefined when a record is not what the caller has seen. */
  #apply({ save, remove }: RegistryChange): MadeChange | undefined {
    this.#database.exec(nextRevision);
    const revision = this.#counter("revision");
    const removing = this.#database.prepare("DELETE FROM rules WHERE rule_id = ? AND revision = ?");
    if (remove.some((record) => missed(removing.run(record.rule_id, record.revision)))) return undefined;
    const inserting = this.#database.prepare(
      "INSERT OR IGNORE INTO rules (rule_id, revision, record) VALUES (?, ?, ?)",
    );
    const updating = this.#database.prepare(
      "UPDATE rules SET revision = ?, record = ? WHERE rule_id = ? AND revision = ?",
    );
    const lost = save.some(({ rule_id: id, revision: seen, versions }) => {
      const text = JSON.stringify(versions);
      return missed(seen === 0 ? inserting.run(id, revision, text) : updating.run(revision, text, id, seen));
    });
    // The count of all changes is above every revision that was ever given, so that none comes again.
    return lost ? undefined : { revision, records: save.map((record) => ({ ...record, revision })) };
  }

  #reading<T>(run: () => T): T {
    return fileCall("the rules can't be read", () => {
      this.#transactions.settle();
      return run();
    });
  }

  #counter(name: string): number {
    return numberOf(this.#database.prepare("SELECT value FROM counters WHERE name = ?").get(name)?.["value"]);
  }

  #poll(): void {
    if (this.#watchers.size === 0) return;
    const revision = this.#revisionOrUndefined();
    if (revision === undefined || revision === this.#seen) return;
    this.#seen = revision;
    for (const watcher of this.#watchers) watcher();
  }

  /** Undefined while the file can't be read; the next poll tries again. */
  #revisionOrUndefined(): number | undefined {
    try {
      return this.#counter("revision");
    } catch {
      return undefined;
    }
  }

  #endPolling(): void {
    this.#stopPolling?.();
    this.#stopPolling = undefined;
    this.#seen = undefined;
  }
}

const missed = ({ changes }: { changes: number | bigint }): boolean => Number(changes) !== 1;

function asRecord(row: Record<string, unknown>): RuleRecord {
  const { rule_id: ruleId, revision, record } = row;
  if (typeof ruleId !== "string" || typeof record !== "string") throw new TypeError("a stored rule is damaged");
  const versions: RuleRecord["versions"] = JSON.parse(record);
  return { rule_id: ruleId, revision: numberOf(revision), versions };
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`a stored number is damaged: ${String(value)}`);
  return value;
}
