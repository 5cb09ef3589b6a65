import { Readable } from "node:stream";
import { createClient } from "@clickhouse/client";
import type { ClickHouseClient } from "@clickhouse/client";
import type { Src } from "../../event/position.ts";
import type { WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import { ask } from "./ask.ts";
import { type Call, Calls } from "./calls.ts";
import { type Claim, idOfClaimed } from "./claim-statements.ts";
import type { Settings, StoreFacts } from "./facts.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import { endingOf } from "./failed-change.ts";
import { asWeirError, unavailable } from "./failure.ts";
import { withFile } from "./hand-over.ts";
import { type RowShape, insertBody, insertFileSql } from "./insert-rows.ts";
import { onCluster } from "./schema.ts";
import { sentAs } from "./sent.ts";
import {
  bytesSettings,
  endedWithUs,
  ownSecondsMax,
  readSecondsMax,
  readSettings,
  writeSettings,
} from "./statement-settings.ts";
import { TableTurns } from "./table-turns.ts";
import type { Whom } from "./trouble.ts";
import { isTooLarge, tooLarge } from "./too-large.ts";

export type { ConnectionOptions, EngineLife } from "./connection-options.ts";

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

/** What a reading statement may take. */
export interface RowBounds {
  readonly bytesMax: number;
  /** 30 if not given, and no more than that. */
  readonly secondsMax?: number;
}

/** Of an answer, as the client gives it. */
interface Answered {
  readonly response_headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What is to be written: how much it carries, and under which claim. */
interface Write {
  readonly sql: string;
  readonly bytes: number;
  readonly claim: Claim | undefined;
}

/** The clients of one address: nothing waits for a socket behind statements of another kind, which may take long. */
interface Clients {
  readonly url: string;
  readonly reads: ClickHouseClient;
  readonly writes: ClickHouseClient;
  readonly pings: ClickHouseClient;
}

/** Requests of a kind at a time; there are more sockets, as one that nobody waits for any more may have its own for a while. */
export const callsAtOnce = 16;
const socketsMax = 32;

/** Requests to a ClickHouse server or to the embedded engine, by the official client. Knows which writes are in doubt. */
export class Connection {
  readonly #options: ConnectionOptions;
  /** Writes whose outcome is not known, with the partition of those that had a claim of one. */
  readonly #inDoubt = new Map<string, Src | undefined>();
  /** The reads under way. */
  readonly #reads = new Set<AbortController>();
  readonly #readCalls: Calls;
  readonly #writeCalls: Calls;
  readonly #tableTurns = new TableTurns();
  #clients: Clients | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const expect = options.life?.expect?.bind(options.life);
    [this.#readCalls, this.#writeCalls] = [new Calls(callsAtOnce, expect), new Calls(callsAtOnce, expect)];
    options.life?.onSilence(() => {
      for (const read of this.#reads) read.abort();
    });
  }

  get facts(): StoreFacts {
    return this.#options.facts;
  }

  /** The database in which all partitions are read. */
  get whole(): string {
    return this.#options.whole ?? this.#options.database;
  }

  /** For messages. */
  get whom(): Whom {
    const { url, username: user, database } = this.#options;
    return { address: url(), user, database };
  }

  /** Makes the database that everything else happens in, or another. */
  async createDatabase(database = this.#options.database): Promise<void> {
    await this.#outside((client) =>
      client.command({
        query: `CREATE DATABASE IF NOT EXISTS {database:Identifier}${this.#onCluster}`,
        query_params: { database },
      }),
    );
  }

  get #onCluster(): string {
    return onCluster(this.#options.facts.cluster);
  }

  /** Asks whom it talks to, in words and with settings that a server of any age knows; rows as objects. */
  async rowsOfAny<Row>(sql: string): Promise<Row[]> {
    return this.#outside(async (client) => (await client.query({ query: sql, format: "JSONEachRow" })).json<Row>(), {});
  }

  /** Asks the engine before there is a database of ours; rows as objects. */
  async rowsOutside<Row>(statement: Statement): Promise<Row[]> {
    return this.#outside(async (client) => (await ask(client, statement, "JSONEachRow", {})).json<Row>());
  }

  async #outside<T>(run: (client: ClickHouseClient) => Promise<T>, settings?: Settings): Promise<T> {
    const client = this.#open("system", settings);
    try {
      return await run(client);
    } catch (error) {
      throw asWeirError(error, true);
    } finally {
      await client.close();
    }
  }

  /** Runs a reading statement, for as long as a question may take; rows as objects. */
  rows<Row>(statement: Statement, signal?: AbortSignal): Promise<Row[]> {
    return this.#rows(statement, readSettings, signal);
  }

  /** The same of what Weir asks for itself. */
  ownRows<Row>(statement: Statement): Promise<Row[]> {
    return this.#rows(statement, ownSettings);
  }

  /**
   * A user's question: rows that take more than `bytesMax` in the engine's memory are refused as a whole, before they are in
   * ours, and the engine ends what takes longer than `secondsMax`, or more memory than a question may.
   */
  async rowsWithin<Row>(
    { bytesMax, secondsMax = readSecondsMax }: RowBounds,
    statement: Statement,
    signal?: AbortSignal,
  ): Promise<Row[]> {
    const bounds = {
      ...this.#options.facts.pinnedOfQuestions,
      ...{ max_result_bytes: String(bytesMax), result_overflow_mode: "throw" },
      max_execution_time: Math.min(secondsMax, readSecondsMax),
    };
    try {
      return await this.#rows(statement, { ...readSettings, ...bounds }, signal);
    } catch (error) {
      throw isTooLarge(error) ? tooLarge(bytesMax) : error;
    }
  }

  #rows<Row>(statement: Statement, settings: Settings, signal?: AbortSignal): Promise<Row[]> {
    const asked = signal === undefined ? settings : { ...settings, ...endedWithUs };
    return this.#reading(async (client, call) => {
      const result = await ask(client, statement, "JSONEachRow", call.asked(asked));
      return call.read(result, () => result.json<Row>());
    }, signal);
  }

  /** Runs a reading statement under the given limits, and tells what it took. The engine is told that it may only read. */
  async measured<Row>(statement: Statement, settings: Settings, signal?: AbortSignal): Promise<Measured<Row>> {
    return this.#reading(async (client, call) => {
      const bounds = { ...readSettings, ...endedWithUs, ...settings };
      const result = await ask(client, statement, "JSON", call.asked(bounds));
      const { data, statistics } = await call.read(result, () => result.json<Row>());
      return { rows: data, seconds: statistics?.elapsed ?? 0, rowsRead: statistics?.rows_read ?? 0 };
    }, signal);
  }

  /** Runs a reading statement of Weir's own; one array a column, for many rows of few columns. */
  async columns<Columns extends Record<string, unknown[]>>(statement: Statement): Promise<Partial<Columns>> {
    return this.#reading(async (client, call) => {
      const result = await ask(client, statement, "JSONColumnsWithMetadata", call.asked(ownSettings));
      const parsed: { data: Partial<Columns> } = JSON.parse(await call.read(result, () => result.text()));
      return parsed.data;
    });
  }

  /**
   * Runs a user's reading statement; the answer's bytes in one of the engine's formats. Resolves once the engine has all of it,
   * so that its failures come as errors and never as a shorter answer. Aborting or destroying stops the statement.
   */
  async bytes(statement: Statement, format: BytesFormat, signal: AbortSignal): Promise<Readable> {
    return this.#reading(async (client, call) => {
      const { stream } = await client.exec({
        ...sentAs({ ...statement, sql: `${statement.sql}\nFORMAT ${format.name}` }),
        ...call.asked({
          ...{ ...readSettings, ...bytesSettings, ...this.#options.facts.pinnedOfQuestions },
          ...format.settings,
        }),
      });
      return stream;
    }, signal);
  }

  /** Runs a writing statement that needs no data. One of a claimed partition has its claim in it: see `claimHolds`. */
  async write(statement: Statement, settings: Settings = {}, claim?: Claim): Promise<void> {
    const sent = sentAs(statement);
    // With a thousand rules a statement is as long as many rows.
    const bytes = Buffer.byteLength(sent.query);
    const write = { sql: statement.sql, bytes, claim };
    try {
      await this.#writing(write, (client, call) => client.command({ ...sent, ...call.asked(settings) }));
    } catch (error) {
      const ending = endingOf(statement, error, this.#options);
      if (ending !== undefined) await this.#command(ending).catch(() => {});
      throw error;
    }
  }

  /** Inserts the rows that `bytes` hold. `bytes` must not be changed before it resolves, and never after it has rejected. */
  async insertRows(shape: RowShape, bytes: Buffer, claim?: Claim): Promise<void> {
    const { rowsBy } = this.#options.facts;
    if (rowsBy === "body") return this.#insertBody(insertBody(shape, claim), bytes, claim);
    const name = `rows-${this.#options.newId()}`;
    const sql = insertFileSql(shape, name);
    try {
      await withFile(rowsBy.files, name, bytes, () => this.write({ sql, parameters: {} }));
    } catch (error) {
      // What is no WeirError yet has befallen the file, and the engine was not asked.
      throw asWeirError(error, false);
    }
  }

  /** Sends `bytes` as the data of an INSERT whose text ends in a FORMAT. */
  insert(sql: string, bytes: Buffer): Promise<void> {
    return this.#insertBody({ sql, parameters: {} }, bytes);
  }

  async #insertBody(statement: Statement, bytes: Buffer, claim?: Claim): Promise<void> {
    const { sql: query, parameters: query_params } = statement;
    await this.#writing({ sql: query, bytes: bytes.length, claim }, async (client, call) => {
      const values = Readable.from([bytes], { objectMode: false });
      const result = await client.exec({ query, query_params, values, ...call.asked({}) });
      // An INSERT answers nothing; the stream is read to its end so that the socket is free again.
      await call.read({ close: () => result.stream.destroy() }, () => drained(result.stream));
      return result;
    });
  }

  /** The writes whose answer was lost, with the partition of those that had a claim of it. */
  inDoubt(): ReadonlyMap<string, Src | undefined> {
    return new Map(this.#inDoubt);
  }

  /** It is known that these can't happen any more. */
  settled(ids: Iterable<string>): void {
    for (const id of ids) this.#inDoubt.delete(id);
  }

  /** Asks the engine to end what it does under these names; `SYNC`: resolves when it has ended. */
  async kill(ids: readonly string[], how: "SYNC" | "ASYNC"): Promise<void> {
    const sql = `KILL QUERY${this.#onCluster} WHERE query_id IN {ids:Array(String)} ${how}`;
    await this.#command({ sql, parameters: { ids } });
  }

  async #command(statement: Statement): Promise<void> {
    await this.#reading((client, call) => client.command({ ...sentAs(statement), ...call.asked({}) }));
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
  async #reading<T>(run: (client: ClickHouseClient, call: Call) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#options.life?.answering() === false) throw unavailable(new Error("it gives no sign of life"));
    const read = new AbortController();
    this.#reads.add(read);
    try {
      const request = {
        id: this.#options.newId(),
        bytes: 0,
        ends: [read.signal, ...(signal === undefined ? [] : [signal])],
      };
      return await this.#readCalls.make(request, (call) => run(this.#current().reads, call));
    } catch (error) {
      throw this.#failed(error, false);
    } finally {
      this.#reads.delete(read);
    }
  }

  async #writing(write: Write, run: (client: ClickHouseClient, call: Call) => Promise<Answered>): Promise<void> {
    const end = this.#options.facts.cluster === null ? () => {} : await this.#tableTurns.take(write.sql);
    try {
      await this.#writeNow(write, run);
    } finally {
      end();
    }
  }

  async #writeNow(
    { claim, bytes }: Write,
    run: (client: ClickHouseClient, call: Call) => Promise<Answered>,
  ): Promise<void> {
    const { newId, hasRoom = () => true, url, database, facts } = this.#options;
    if (!hasRoom()) throw unavailable(noRoom);
    const queryId = claim === undefined ? newId() : idOfClaimed(database, claim, newId());
    const pinned = { ...writeSettings, ...facts.pinnedOfWrites };
    try {
      const { response_headers: headers } = await this.#writeCalls.make({ id: queryId, bytes, ends: [] }, (call) =>
        run(this.#current().writes, { ...call, asked: (settings) => call.asked({ ...settings, ...pinned }) }),
      );
      // While an engine is started again, its port may be somebody else's, whose "OK" says nothing.
      if (headers["x-clickhouse-query-id"] !== queryId) throw new Error(`what answers at ${url()} is not the engine`);
      if (!hasRoom()) throw unavailable(noRoom, true);
    } catch (error) {
      const known = this.#failed(error, true);
      // An engine that has answered what it makes of a statement is done with it, though a part of it may be there.
      if (known.code !== "store_refused" && known.code !== "store_damaged") this.#inDoubt.set(queryId, claim?.src);
      throw known;
    }
  }

  #failed(error: unknown, wrote: boolean): WeirError {
    const known = asWeirError(error, wrote);
    this.#options.failed?.(known);
    return known;
  }

  #current(): Clients {
    const url = this.#options.url();
    if (this.#clients?.url === url) return this.#clients;
    void closeBoth(this.#clients);
    const { database } = this.#options;
    this.#clients = { url, reads: this.#open(database), writes: this.#open(database), pings: this.#open(database) };
    return this.#clients;
  }

  #open(database: string, settings = this.#options.facts.pinned): ClickHouseClient {
    const { url, username, password, requestTimeoutMs, ca } = this.#options;
    return createClient({
      ...(ca === undefined ? {} : { tls: { ca_cert: ca } }),
      clickhouse_settings: settings,
      url: url(),
      username,
      password,
      database,
      request_timeout: requestTimeoutMs,
      max_open_connections: socketsMax,
      // A socket that the other side has closed while idle would lose the next request; a write must not be sent twice.
      keep_alive: { enabled: true, idle_socket_ttl: 2500 },
      use_multipart_params_auto: false,
      log: { level: 127 },
    });
  }
}

async function closeBoth(clients: Clients | null): Promise<void> {
  await Promise.all([clients?.reads.close(), clients?.writes.close(), clients?.pings.close()]);
}

async function drained(stream: Readable): Promise<void> {
  for await (const _ of stream);
}

/** Of what nobody waits for who could ask for less. */
const ownSettings: Settings = { ...readSettings, max_execution_time: ownSecondsMax };

const noRoom = "the disk of its data folder is full; it goes on by itself when there is room";
