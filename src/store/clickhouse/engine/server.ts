import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dropStalledReaders, owe, whenOver } from "../../../lib/unanswered.ts";
import { EngineException, reportException } from "./exception.ts";
import { Execution, type Answer, type Caller, type ExecutionParts } from "./execution.ts";
import { header, readRequest } from "./request.ts";
import type { Access } from "./settings.ts";

export interface ServerOptions {
  readonly parts: ExecutionParts;
  /** Who is asking; throws AUTHENTICATION_FAILED or REQUIRED_PASSWORD. */
  readonly callerOf: (message: IncomingMessage) => Caller;
  readonly newId: () => string;
  /** Given for callers that may read as slowly as they like: who takes nothing of an answer for so long is cut, ms. */
  readonly stalledMs?: number;
}

/** A server of ClickHouse's HTTP interface; it listens when `listen` is called. */
export function makeServer(options: ServerOptions): Server {
  const server = createServer({ maxHeaderSize: 16 * 1024 * 1024, keepAliveTimeout: 30_000 }, (message, response) => {
    void handle(options, message, response);
  });
  server.maxConnections = 512;
  if (options.stalledMs !== undefined) {
    server.prependListener("request", (message, response) => owe(message.socket, response, 1));
    dropStalledReaders(server, options.stalledMs);
  }
  return server;
}

/** Listens on the loopback; on `port` when it is free, else on any. Resolves to the port. */
export async function listen(server: Server, port: number): Promise<number> {
  try {
    await bind(server, port);
  } catch (error) {
    if (port === 0 || !(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    await bind(server, 0);
  }
  return (server.address() as AddressInfo).port;
}

function bind(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function handle(options: ServerOptions, message: IncomingMessage, response: ServerResponse): Promise<void> {
  // It asked for more than it waited for: see `owe`.
  if (message.socket.destroyed) return;
  const path = (message.url ?? "/").split("?", 1)[0];
  if (path === "/ping") return end(response, 200, "Ok.\n");
  if (path !== "/") return refuseRoute(message, response, path ?? "");
  try {
    await query(options, options.callerOf(message), message, response);
  } catch (error) {
    fail(message, response, error);
  }
}

async function query(
  options: ServerOptions,
  caller: Caller,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = readRequest(message);
  if (request.isGet && request.query === "") return end(response, 200, "Ok.\n");
  const id = request.queryId ?? options.newId();
  response.setHeader("X-ClickHouse-Query-Id", encodeURIComponent(id).slice(0, 1000));
  const { running } = options.parts;
  const run = running.begin(id);
  const sent = options.stalledMs === undefined ? undefined : over(response);
  const execution = new Execution(options.parts, caller, run, id, sent);
  // Who waits for data that will not be read any more is told by the end of the connection.
  run.signal.addEventListener("abort", () => !message.complete && message.destroy(), { once: true });
  // A reader who has gone frees its place; a writer's statement goes on, as on the server.
  response.once(
    "close",
    () => !response.writableFinished && execution.isReading && void running.stop(id).catch(() => {}),
  );
  try {
    send(response, await execution.answer(request, message));
  } catch (error) {
    throw run.signal.aborted ? run.signal.reason : error;
  } finally {
    run.end();
  }
}

const over = (response: ServerResponse): Promise<void> => new Promise((resolve) => whenOver(response, resolve));

function send(response: ServerResponse, { result, format, wrote }: Answer): void {
  const written = wrote ? result : { rowsRead: 0, bytesRead: 0 };
  const summary = {
    read_rows: result.rowsRead,
    read_bytes: result.bytesRead,
    written_rows: written.rowsRead,
    written_bytes: written.bytesRead,
    result_rows: written.rowsRead,
    result_bytes: written.bytesRead,
    elapsed_ns: Math.round(result.elapsedSeconds * 1e9),
  };
  const texts = Object.fromEntries(Object.entries(summary).map(([name, value]) => [name, String(value)]));
  response.setHeader("X-ClickHouse-Summary", JSON.stringify(texts));
  response.setHeader("X-ClickHouse-Format", format);
  response.setHeader("X-ClickHouse-Timezone", "UTC");
  end(response, 200, result.bytes, contentTypes.find(([pattern]) => pattern.test(format))?.[1]);
}

const contentTypes: readonly (readonly [RegExp, string])[] = [
  [/^JSON(Compact|Strings|Columns)?(WithMetadata|Strings)?$/, "application/json; charset=UTF-8"],
  [/^JSON.*EachRow/, "application/x-ndjson; charset=UTF-8"],
  [/^CSV/, "text/csv; charset=UTF-8; header=absent"],
  [/^(TabSeparated|TSV)/, "text/tab-separated-values; charset=UTF-8"],
  [/^(RowBinary|Native|Parquet|Arrow|ORC|Avro|MsgPack)/, "application/octet-stream"],
];

function fail(message: IncomingMessage, response: ServerResponse, error: unknown): void {
  const { code, status, text } = reportException(error);
  // The rest of a body that nobody wants is read away, so that the connection can serve the next request.
  message.resume();
  if (response.headersSent || response.destroyed) return void response.destroy();
  response.setHeader("X-ClickHouse-Exception-Code", code);
  end(response, status, text);
}

function refuseRoute(message: IncomingMessage, response: ServerResponse, path: string): void {
  message.resume();
  end(response, 404, `There is no handle ${path}\n`);
}

function end(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  contentType = "text/plain; charset=UTF-8",
): void {
  response.statusCode = status;
  response.setHeader("Content-Type", contentType);
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.end(body);
}

/** Name and password of a request: ClickHouse's own headers, or Basic. */
function credentials(message: IncomingMessage): { user: string; key: string } | null {
  const user = header(message, "x-clickhouse-user");
  if (user !== null) return { user, key: header(message, "x-clickhouse-key") ?? "" };
  const basic = /^Basic (.+)$/i.exec(header(message, "authorization") ?? "")?.[1];
  if (basic === undefined) return null;
  const text = Buffer.from(basic, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return { user: text.slice(0, Math.max(colon, 0)), key: text.slice(colon + 1) };
}

/** The access that the request's secret opens. Throws when it has none, or a wrong one. */
export function authenticate(message: IncomingMessage, secrets: Readonly<Record<Access, string>>): Access {
  const given = credentials(message);
  if (given === null) throw new EngineException("REQUIRED_PASSWORD", "a user name and password are required");
  const access: Access | null = given.user === "weir" || given.user === "reader" ? given.user : null;
  if (access === null || !isSame(given.key, secrets[access])) {
    throw new EngineException(
      "AUTHENTICATION_FAILED",
      `${given.user}: Authentication failed: password is incorrect, or there is no user with such name.`,
    );
  }
  return access;
}

/** For the way in without a secret: a page in a browser must not reach it under a name of its own (DNS rebinding). */
export function checkLoopbackHost(message: IncomingMessage): void {
  const host = (message.headers.host ?? "").replace(/:\d+$/, "");
  if (["127.0.0.1", "localhost", "[::1]"].includes(host)) return;
  throw new EngineException("AUTHENTICATION_FAILED", "the read-only port is served under a loopback name only");
}

function isSame(given: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}
