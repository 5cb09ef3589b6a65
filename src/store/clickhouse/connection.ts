import { Readable } from "node:stream";
import { ClickHouseError, createClient } from "@clickhouse/client";
import type { ClickHouseClient } from "@clickhouse/client";
import { WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import { withFile } from "./hand-over.ts";
import type { HandOver } from "./hand-over.ts";
import type { Column } from "./schema.ts";
import { isTooLarge, tooLarge } from "./too-large.ts";

export interface ConnectionOptions {
  /** Asked before every request: an embedded engine may come back at another address. */
  readonly url: () => string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  /** How long one request may take. */
  readonly requestTimeoutMs: number;
  /** Unique names for requests, which can be names of files as well. */
  readonly newId: () => string;
  /** Given when the engine reads files that this process writes: rows then need not pass through its HTTP interface. */
  readonly handOver?: HandOver;
  /** Given when the engine does not notice that its disk is full: asked before and after every write. */
  readonly hasRoom?: () => boolean;
  /** Given when it is known whether the engine answers at all: nobody waits to read from one that does not. */
  readonly life?: EngineLife;
}

export interface EngineLife {
  answering(): boolean;
  onSilence(listener: () => void): void;
}

/** What rows in RowBinary consist of, and where they go. */
export interface RowShape {
  readonly table: string;
  readonly columns: readonly Column[];
}

/** How the engine writes the bytes of an answer, by its own names. */
export interface BytesFormat {
  readonly name: string;
  readonly settings: Settings;
}

/** The rows of an answer, and what the engine says that they took. */
export interface Measured<Row> {
  readonly rows: readonly Row[];
  readonly seconds: number;
  readonly rowsRead: number;
}

type Settings = Readonly<Record<string, string | number>>;

/**
 * Statements are long and change with the rules: compiling one to machine code, which the engine does at its fourth run,
 * costs half a second to three, and with a thousand rules saves nothing measurable afterwards.
 */
const interpreted: Settings = { compile_expressions: 0, compile_aggregate_expressions: 0 };

/**
 * What every write relies on, said and not left to defaults: nothing is buffered, nothing is deduplicated by the engine
 * (its tokens are not crash-safe), an insert may touch any number of partitions, and one INSERT … SELECT is one block.
 */
const writeSettings: Settings = {
  ...interpreted,
  async_insert: 0,
  insert_deduplicate: 0,
  deduplicate_blocks_in_dependent_materialized_views: 0,
  max_partitions_per_insert_block: 0,
  max_insert_threads: 1,
  min_insert_block_size_rows: "1000000000",
  min_insert_block_size_bytes: "100000000000",
};

const readSettings: Settings = {
  ...interpreted,
  output_format_json_quote_64bit_integers: 0,
  // The nearest double, not one beside it.
  precise_float_parsing: 1,
  max_execution_time: 30,
};

/**
 * Nothing is answered before all of it is known; a server stops when nobody waits any more; and as the names of columns
 * are users' texts, the engine is told that it may only read.
 */
const bytesSettings: Settings = { wait_end_of_query: 1, cancel_http_readonly_queries_on_client_close: 1, readonly: 2 };

/** Of an answer, as the client gives it. */
interface Answered {
  readonly response_headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The clients of one address. Pings have one of their own: they must not wait for a socket behind statements that take long. */
interface Clients {
  readonly url: string;
  readonly statements: ClickHouseClient;
  readonly pings: ClickHouseClient;
}

/** Requests to a ClickHouse server or to the embedded engine, by the official client. Knows which writes are in doubt. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #inDoubt = new Set<string>();
  /** The reads under way. */
  readonly #reads = new Set<AbortController>();
  #clients: Clients | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    options.life?.onSilence(() => {
      for (const read of this.#reads) read.abort();
    });
  }

  /** Makes the database that everything else happens in. */
  async createDatabase(): Promise<void> {
    const client = this.#open("default");
    try {
      await client.command({
        query: `CREATE DATABASE IF NOT EXISTS {database:Identifier}`,
        query_params: { database: this.#options.database },
      });
    } catch (error) {
      throw asWeirError(error, true);
    } finally {
      await client.close();
    }
  }

  /** Runs a reading statement; rows as objects. */
  rows<Row>(statement: Statement, signal?: AbortSignal): Promise<Row[]> {
    return this.#rows(statement, readSettings, signal);
  }

  /** The same; rows that take more than `bytesMax` in the engine's memory are refused as a whole, before they are in ours. */
  async rowsWithin<Row>(bytesMax: number, statement: Statement): Promise<Row[]> {
    const bounds = { max_result_bytes: String(bytesMax), result_overflow_mode: "throw" as const };
    try {
      return await this.#rows(statement, { ...readSettings, ...bounds });
    } catch (error) {
      throw isTooLarge(error) ? tooLarge(bytesMax) : error;
    }
  }

  #rows<Row>(statement: Statement, settings: Settings, signal?: AbortSignal): Promise<Row[]> {
    return this.#reading(async (client, abort_signal) => {
      const result = await client.query({
        ...asQuery(statement),
        format: "JSONEachRow",
        clickhouse_settings: settings,
        abort_signal,
      });
      return result.json<Row>();
    }, signal);
  }

  /** Runs a reading statement under the given limits, and tells what it took. The engine is told that it may only read. */
  async measured<Row>(statement: Statement, settings: Settings, signal: AbortSignal): Promise<Measured<Row>> {
    return this.#reading(async (client, abort_signal) => {
      const result = await client.query({
        ...asQuery(statement),
        format: "JSON",
        clickhouse_settings: { ...readSettings, readonly: "2", ...settings },
        abort_signal,
      });
      const { data, statistics } = await result.json<Row>();
      return { rows: data, seconds: statistics?.elapsed ?? 0, rowsRead: statistics?.rows_read ?? 0 };
    }, signal);
  }

  /** Runs a reading statement; one array a column, for many rows of few columns. */
  async columns<Columns extends Record<string, unknown[]>>(statement: Statement): Promise<Partial<Columns>> {
    return this.#reading(async (client, abort_signal) => {
      const result = await client.query({
        ...asQuery(statement),
        format: "JSONColumnsWithMetadata",
        clickhouse_settings: readSettings,
        abort_signal,
      });
      const parsed: { data: Partial<Columns> } = JSON.parse(await result.text());
      return parsed.data;
    });
  }

  /**
   * Runs a reading statement; the answer's bytes in one of the engine's formats. Resolves once the engine has all of it,
   * so that its failures come as errors and never as a shorter answer. Aborting or destroying stops the statement.
   */
  async bytes(statement: Statement, format: BytesFormat, signal: AbortSignal): Promise<Readable> {
    return this.#reading(async (client, abort_signal) => {
      const { stream } = await client.exec({
        ...asQuery({ ...statement, sql: `${statement.sql}\nFORMAT ${format.name}` }),
        abort_signal,
        clickhouse_settings: { ...readSettings, ...bytesSettings, ...format.settings },
      });
      return stream;
    }, signal);
  }

  /** Runs a writing statement that needs no data. */
  async write(statement: Statement, settings: Settings = {}): Promise<void> {
    await this.#writing((client, query_id) =>
      client.command({ ...asQuery(statement), query_id, clickhouse_settings: { ...settings, ...writeSettings } }),
    );
  }

  /** Inserts the rows that `bytes` hold. `bytes` must not be changed before it resolves, and never after it has rejected. */
  async insertRows(shape: RowShape, bytes: Buffer): Promise<void> {
    const { handOver, newId } = this.#options;
    if (!handOver) return this.insert(insertBodySql(shape), bytes);
    const name = `rows-${newId()}`;
    const sql = insertFileSql(shape, name);
    try {
      await withFile(handOver, name, bytes, () => this.write({ sql, parameters: {} }));
    } catch (error) {
      // What is no WeirError yet has befallen the file, and the engine was not asked.
      throw asWeirError(error, false);
    }
  }

  /** Sends `bytes` as the data of an INSERT whose text ends in a FORMAT. */
  async insert(sql: string, bytes: Buffer): Promise<void> {
    await this.#writing(async (client, query_id) => {
      const values = Readable.from([bytes], { objectMode: false });
      const result = await client.exec({ query: sql, values, query_id, clickhouse_settings: writeSettings });
      for await (const _ of result.stream) {
        // An INSERT answers nothing; the stream is read to its end so that the socket is free again.
      }
      return result;
    });
  }

  /** Resolves once no write whose answer was lost is still under way. Rejects while that can't be known. */
  async settle(): Promise<void> {
    for (const id of [...this.#inDoubt]) {
      await this.#reading((client, abort_signal) =>
        client.command({ query: "KILL QUERY WHERE query_id = {id:String} SYNC", query_params: { id }, abort_signal }),
      );
      this.#inDoubt.delete(id);
    }
  }

  /** Resolves when the engine answers. An aborted signal ends the wait: one that hangs would not. */
  async ping(signal: AbortSignal): Promise<void> {
    const answer = await this.#current().pings.ping({ select: false, abort_signal: signal });
    if (!answer.success) throw unavailable(answer.error);
  }

  async close(): Promise<void> {
    await closeBoth(this.#clients);
    this.#clients = null;
  }

  /** A write is waited for until it is known how it ended; a read is given up as soon as the engine is known to be silent. */
  async #reading<T>(
    run: (client: ClickHouseClient, signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (this.#options.life?.answering() === false) throw unavailable(new Error("it gives no sign of life"));
    const read = new AbortController();
    this.#reads.add(read);
    try {
      const either = signal === undefined ? read.signal : AbortSignal.any([read.signal, signal]);
      return await run(this.#current().statements, either);
    } catch (error) {
      throw asWeirError(error, false);
    } finally {
      this.#reads.delete(read);
    }
  }

  async #writing(run: (client: ClickHouseClient, queryId: string) => Promise<Answered>): Promise<void> {
    const { newId, hasRoom = () => true, url } = this.#options;
    if (!hasRoom()) throw unavailable(noRoom);
    const queryId = newId();
    try {
      const { response_headers: headers } = await run(this.#current().statements, queryId);
      // While an engine is started again, its port may be somebody else's, whose "OK" says nothing.
      if (headers["x-clickhouse-query-id"] !== queryId) throw new Error(`what answers at ${url()} is not the engine`);
      if (!hasRoom()) throw unavailable(noRoom, true);
    } catch (error) {
      const known = asWeirError(error, true);
      // An engine that has answered what it makes of a statement is done with it, though a part of it may be there.
      if (known.code !== "store_refused") this.#inDoubt.add(queryId);
      throw known;
    }
  }

  #current(): Clients {
    const url = this.#options.url();
    if (this.#clients?.url === url) return this.#clients;
    void closeBoth(this.#clients);
    const { database } = this.#options;
    this.#clients = { url, statements: this.#open(database), pings: this.#open(database) };
    return this.#clients;
  }

  #open(database: string): ClickHouseClient {
    const { url, username, password, requestTimeoutMs } = this.#options;
    return createClient({
      url: url(),
      username,
      password,
      database,
      request_timeout: requestTimeoutMs,
      max_open_connections: 16,
      // A socket that the other side has closed while idle would lose the next request; a write must not be sent twice.
      keep_alive: { enabled: true, idle_socket_ttl: 2500 },
      use_multipart_params_auto: false,
      log: { level: 127 },
    });
  }
}

async function closeBoth(clients: Clients | null): Promise<void> {
  await Promise.all([clients?.statements.close(), clients?.pings.close()]);
}

const asQuery = (statement: Statement): { query: string; query_params: Record<string, unknown> } => ({
  query: statement.sql,
  query_params: { ...statement.parameters },
});

const namesOf = (shape: RowShape): string => shape.columns.map((column) => column.name).join(", ");

const insertBodySql = (shape: RowShape): string => `INSERT INTO ${shape.table} (${namesOf(shape)}) FORMAT RowBinary`;

/** From a file of the engine's folder; the engine brings the columns to the table's types as a whole, which is cheap. */
function insertFileSql(shape: RowShape, file: string): string {
  const structure = shape.columns.map((column) => `${column.name} ${column.type}`).join(", ");
  const names = namesOf(shape);
  const rows = `file('${file}', 'RowBinary', '${structure.replaceAll("'", "\\'")}')`;
  return `INSERT INTO ${shape.table} (${names}) SELECT ${names} FROM ${rows}`;
}

/**
 * Codes that speak of the engine's state, not of the statement: it may work later. 107: it started anew, on an empty folder.
 * The second list is of what its machine refuses: files and descriptors, memory, threads. Taken for a refusal, it would put
 * good events into quarantine and pause good rules.
 */
const passing = new Set([
  ...codes("107 159 160 202 203 209 210 236 243 252 394 439 677 745 776 1000 1001 1002"),
  ...codes("74 75 76 77 87 88 172 173 204 214 239 240 241 272 273 294 298 299 303 304 363 400 402 411 423 425 458 460"),
  ...codes("461 463 468 531 566 573 586 590 635 641 777 778"),
]);

function asWeirError(error: unknown, wrote: boolean): WeirError {
  if (error instanceof WeirError) return error;
  const refused = error instanceof ClickHouseError && !passing.has(error.code);
  if (!refused) return unavailable(error, wrote);
  return new WeirError("store_refused", `the store refused a statement: ${error.message}`, {
    cause: error,
    details: { reason: refusal(error) },
    outcomeUnknown: wrote,
  });
}

/** In the engine's word for it, which is no sentence of its own but has none of its texts either: VIOLATED_CONSTRAINT. */
function refusal({ type, code }: ClickHouseError): string {
  const named = type?.toLowerCase().replaceAll("_", " ");
  return `the engine refused it: ${named === undefined ? "" : `${named}, `}code ${code}`;
}

const noRoom = "the disk of its data folder is full; it goes on by itself when there is room";

function unavailable(cause: unknown, outcomeUnknown = false): WeirError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WeirError("store_unavailable", `the store can't answer: ${reason}`, {
    cause,
    canRetry: true,
    retryAfterMs: 1000,
    outcomeUnknown,
  });
}

function codes(list: string): string[] {
  return list.split(" ");
}
