import type { IncomingMessage } from "node:http";
import { identifierPattern } from "./escape.ts";
import { EngineException } from "./exception.ts";
import { multipartFields } from "./multipart.ts";
import { settingsOf } from "./settings.ts";

/** A request of ClickHouse's HTTP interface, but for its body. */
export interface Request {
  readonly isGet: boolean;
  readonly queryId: string | null;
  /** The statement, or its beginning, as far as it stands in the URL. */
  readonly query: string;
  readonly database: string | null;
  /** Format of an answer whose statement names none. */
  readonly defaultFormat: string;
  readonly settings: Map<string, string>;
  /** Texts of bound parameters, by name. */
  readonly parameters: Map<string, string>;
  readonly isMultipart: boolean;
}

const mebibyte = 1024 * 1024;
/** A form has the parameters as well, which have 16 MiB of their own in an address. */
const [statementBytesMax, formBytesMax] = [16 * mebibyte, 32 * mebibyte];

/** Reads URL and headers. Throws for what this engine does not offer: sessions, roles, compression. */
export function readRequest(message: IncomingMessage): Request {
  const query = new URL(message.url ?? "/", "http://engine").searchParams;
  refuseUnsupported(message, query);
  const format = query.get("default_format") ?? header(message, "x-clickhouse-format") ?? "TabSeparated";
  if (!/^\w+$/.test(format)) throw new EngineException("BAD_ARGUMENTS", `not the name of a format: ${format}`);
  return {
    isGet: message.method !== "POST",
    queryId: query.get("query_id") || null,
    query: query.get("query") ?? "",
    database: query.get("database") ?? header(message, "x-clickhouse-database"),
    defaultFormat: format,
    settings: settingsOf(query),
    parameters: parametersOf(query),
    isMultipart: header(message, "content-type")?.startsWith("multipart/form-data") ?? false,
  };
}

/** The request with the fields of its multipart body, 32 MiB at most: the statement, and parameters too long for a URL. */
export async function withMultipart(request: Request, message: IncomingMessage): Promise<Request> {
  const fields = multipartFields(await readBody(message, formBytesMax), header(message, "content-type") ?? "");
  const query = fields.get("query") ?? "";
  return {
    ...request,
    query: request.query + query,
    parameters: new Map([...request.parameters, ...parametersOf(fields)]),
  };
}

/** The body as a statement's text. Throws QUERY_IS_TOO_LARGE beyond 16 MiB. */
export async function readText(message: IncomingMessage): Promise<string> {
  return (await readBody(message, statementBytesMax)).toString("utf8");
}

async function readBody(message: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax)
      throw new EngineException("QUERY_IS_TOO_LARGE", `the statement is larger than ${bytesMax / mebibyte} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function header(message: IncomingMessage, name: string): string | null {
  const value = message.headers[name];
  return typeof value === "string" ? value : null;
}

function refuseUnsupported(message: IncomingMessage, query: URLSearchParams): void {
  for (const name of ["session_id", "role"]) {
    if (query.has(name)) throw new EngineException("NOT_IMPLEMENTED", `the embedded engine has no ${name}`);
  }
  const encoding = header(message, "content-encoding");
  if (
    query.get("decompress") === "1" ||
    query.get("compress") === "1" ||
    (encoding !== null && encoding !== "identity")
  ) {
    throw new EngineException("NOT_IMPLEMENTED", "the embedded engine takes and gives no compressed data");
  }
}

function parametersOf(entries: Iterable<[string, string]>): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [key, value] of entries) {
    if (!key.startsWith("param_")) continue;
    const name = key.slice("param_".length);
    if (!identifierPattern.test(name))
      throw new EngineException("BAD_QUERY_PARAMETER", `not the name of a parameter: ${name}`);
    parameters.set(name, value);
  }
  return parameters;
}
