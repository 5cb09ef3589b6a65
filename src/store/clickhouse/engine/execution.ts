import type { IncomingMessage } from "node:http";
import type { Turns } from "../../../lib/turns.ts";
import { quoteString } from "./escape.ts";
import { EngineException } from "./exception.ts";
import { checkReader, checkReads } from "./fence.ts";
import type { Database, RunOptions, RunResult } from "./database.ts";
import { lex } from "./lexer.ts";
import { readText, withMultipart, type Request } from "./request.ts";
import type { Run, Running } from "./running.ts";
import { readerSettings, type Access, type ReaderLimits } from "./settings.ts";
import type { Spool } from "./spool.ts";
import { readStatement, unescapeString, type InsertStatement, type Statement } from "./statement.ts";

export interface ExecutionParts {
  readonly database: Database;
  readonly running: Running;
  readonly spool: Spool;
  readonly writes: Turns;
  readonly limits: ReaderLimits;
}

export interface Caller {
  readonly access: Access;
  /** The lane for what this caller reads. */
  readonly reads: Turns;
}

export interface Answer {
  readonly result: RunResult;
  readonly format: string;
  /** Whether the rows that were read were also written. */
  readonly wrote: boolean;
}

/** Runs one request of one caller: finds out what it is, checks that it may, waits for a place, hands it to the engine. */
export class Execution {
  readonly #parts: ExecutionParts;
  readonly #caller: Caller;
  readonly #run: Run;
  readonly #id: string;
  readonly #sent: Promise<void> | undefined;
  /** True while nothing but reading can be under way: a caller who is gone then needs no answer. */
  isReading = false;

  /** `sent`: given when what is read keeps its place in the lane until it has left, as it is held as a whole. */
  constructor(parts: ExecutionParts, caller: Caller, run: Run, id: string, sent?: Promise<void>) {
    this.#parts = parts;
    this.#caller = caller;
    this.#run = run;
    this.#id = id;
    this.#sent = sent;
  }

  /** Reads the body as far as it belongs to the statement; throws EngineException or the engine's own error. */
  async answer(asked: Request, body: IncomingMessage): Promise<Answer> {
    const request = asked.isMultipart ? await withMultipart(asked, body) : asked;
    const fromUrl = insertWithData(request.query);
    if (fromUrl && !request.isMultipart) {
      this.#mayChange(request);
      return this.#insert(fromUrl, request, withRest(request.query.slice(fromUrl.dataAt), body));
    }
    const text = request.isMultipart ? request.query : request.query + (await readText(body));
    return this.#perform(text, request);
  }

  async #perform(text: string, request: Request): Promise<Answer> {
    const statement = this.#caller.access === "reader" ? checkReader(text) : readStatement(text);
    if (request.isGet) checkReads(statement);
    if (statement.kind === "insert")
      return this.#insert(statement, request, [Buffer.from(text.slice(statement.dataAt))]);
    if (statement.kind === "kill") return this.#kill(statement, request);
    this.isReading = statement.kind === "read";
    const lane = this.isReading ? this.#caller.reads : this.#parts.writes;
    const format = statement.format ?? request.defaultFormat;
    return { result: await this.#inLane(lane, statement.text, request), format, wrote: false };
  }

  /** The data goes to a file, which the engine reads as if it were the body. */
  async #insert(
    insert: InsertStatement,
    request: Request,
    data: AsyncIterable<Buffer> | Iterable<Buffer>,
  ): Promise<Answer> {
    const result = await this.#parts.spool.with(asyncOf(data), (name, bytes) => {
      if (bytes === 0) throw new EngineException("NO_DATA_TO_INSERT", "No data to insert");
      const sql = insert.input === null ? ofFile(insert, name) : selectingFrom(insert, insert.input, name);
      return this.#inLane(this.#parts.writes, sql, request);
    });
    return { result, format: insert.format, wrote: true };
  }

  /** The engine's own KILL … SYNC waits for ever for queries that failed, so ours is about our own requests. */
  async #kill(statement: Extract<Statement, { kind: "kill" }>, request: Request): Promise<Answer> {
    const ids = statement.ids.flatMap((term) => ("value" in term ? [term.value] : idsOf(term.parameter, request)));
    const killed: string[] = [];
    for (const id of ids) if (await this.#parts.running.kill(id)) killed.push(id);
    const rows = killed.map((id) => `('finished', ${quoteString(id)}, 'weir', '')`);
    const shape = "'kill_status String, query_id String, user String, query String'";
    const sql = rows.length > 0 ? `SELECT * FROM values(${shape}, ${rows.join(", ")})` : `SELECT * FROM null(${shape})`;
    const format = statement.format ?? request.defaultFormat;
    return { result: await this.#parts.database.run(sql, { ...this.#options(request), format }), format, wrote: false };
  }

  async #inLane(lane: Turns, sql: string, request: Request): Promise<RunResult> {
    const leave = await lane.take(this.#run.signal);
    try {
      this.#run.signal.throwIfAborted();
      this.#run.setInEngine(true);
      return await this.#parts.database.run(sql, this.#options(request));
    } finally {
      this.#run.setInEngine(false);
      if (this.#sent === undefined) leave();
      else void this.#sent.then(leave);
    }
  }

  #options(request: Request): RunOptions {
    const isReader = this.#caller.access === "reader";
    return {
      label: this.#id,
      database: request.database,
      settings: isReader ? readerSettings(request.settings, this.#parts.limits) : request.settings,
      parameters: request.parameters,
      format: request.defaultFormat,
      readonly: isReader,
    };
  }

  #mayChange(request: Request): void {
    if (this.#caller.access === "reader") checkReader(request.query);
    if (request.isGet) checkReads(readStatement(request.query));
  }
}

const ofFile = ({ target, settings, format }: InsertStatement, name: string): string =>
  `${target} FROM INFILE ${quoteString(name)} ${settings} FORMAT ${format}`;

/** The engine has no body to read by `input`. */
function selectingFrom(
  { target, settings, format }: InsertStatement,
  { start, end, structure }: NonNullable<InsertStatement["input"]>,
  name: string,
): string {
  const file = `file(${quoteString(name)}, ${quoteString(format)}, ${structure})`;
  return `${target.slice(0, start)}${file}${target.slice(end)} ${settings}`;
}

function insertWithData(text: string): InsertStatement | null {
  if (!/^\s*(\/|-|#|insert)/i.test(text)) return null;
  const statement = readStatement(text);
  return statement.kind === "insert" ? statement : null;
}

/** A parameter that holds one id, or the text of an array of ids. */
function idsOf(parameter: string, request: Request): string[] {
  const value = request.parameters.get(parameter);
  if (value === undefined)
    throw new EngineException("BAD_QUERY_PARAMETER", `Substitution \`${parameter}\` is not set.`);
  if (!value.startsWith("[")) return [unescapeString(value)];
  return lex(value).tokens.flatMap((token) => (token.kind === "string" ? [unescapeString(token.text)] : []));
}

async function* withRest(head: string, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (head !== "") yield Buffer.from(head);
  yield* body;
}

async function* asyncOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
}
