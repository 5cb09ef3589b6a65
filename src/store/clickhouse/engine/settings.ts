import { identifierPattern } from "./escape.ts";
import { EngineException } from "./exception.ts";

/** Who asks: `weir` may do everything, `reader` reads within limits. */
export type Access = "weir" | "reader";

/**
 * Given to every session when it is opened, since the engine's defaults change between versions: nothing is buffered or
 * deduplicated behind our back, a query takes no more than two threads, an insert makes its parts in one thread. The sizes are
 * those that a server is asked for (see facts.ts).
 */
export const pinned: Readonly<Record<string, string | number>> = {
  async_insert: 0,
  insert_deduplicate: 0,
  deduplicate_insert: "disable",
  deduplicate_insert_select: "disable",
  deduplicate_blocks_in_dependent_materialized_views: 0,
  max_threads: 2,
  max_insert_threads: 1,
  max_query_size: 64 * 1024 * 1024,
  max_ast_elements: 1_000_000,
  max_expanded_ast_elements: 10_000_000,
  max_ast_depth: 10_000,
  allow_introspection_functions: 0,
  implicit_select: 0,
};

export interface ReaderLimits {
  readonly max_execution_time: number;
  readonly max_result_rows: number;
  readonly max_result_bytes: number;
  readonly max_memory_usage: number;
  readonly max_threads: number;
}

export const readerLimits = (memoryMax: number): ReaderLimits => ({
  max_execution_time: 30,
  max_result_rows: 1_000_000,
  max_result_bytes: 256 * 1024 * 1024,
  max_memory_usage: Math.floor(memoryMax / 4),
  max_threads: 2,
});

/** Parameters of a request that the HTTP interface itself understands; they are not settings. */
const ofTheInterface = new Set([
  ...[
    "query",
    "query_id",
    "database",
    "default_format",
    "user",
    "password",
    "quota_key",
    "role",
    "session_id",
    "session_timeout",
  ],
  ...["session_check", "compress", "decompress", "buffer_size", "wait_end_of_query", "stacktrace", "close_session"],
  ...["add_http_cors_header", "enable_http_compression", "http_zlib_compression_level", "client_protocol_version"],
  ...["send_progress_in_http_headers", "http_headers_progress_interval_ms", "http_response_headers", "log_comment"],
  ...[
    "cancel_http_readonly_queries_on_client_close",
    "http_write_exception_in_output_format",
    "http_wait_end_of_query",
  ],
]);

/** The settings among a request's URL parameters. Throws when a name can't be a setting's. */
export function settingsOf(query: URLSearchParams): Map<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of query) {
    if (name.startsWith("param_") || ofTheInterface.has(name)) continue;
    if (!identifierPattern.test(name)) throw new EngineException("UNKNOWN_SETTING", `Unknown setting '${name}'`);
    settings.set(name, value);
  }
  return settings;
}

/** What a reader gets: settings of presentation as asked, limits lowered but never raised, and nothing else. */
export function readerSettings(asked: ReadonlyMap<string, string>, limits: ReaderLimits): Map<string, string> {
  const settings = new Map<string, string>(Object.entries(limits).map(([name, value]) => [name, String(value)]));
  for (const [name, value] of asked) {
    const limit = settings.get(name);
    if (limit !== undefined) settings.set(name, lower(limit, value));
    else if (presentation.test(name)) settings.set(name, value);
    else if (name !== "readonly")
      throw new EngineException("READONLY", `Cannot modify '${name}' setting in readonly mode.`);
  }
  settings.set("result_overflow_mode", "throw");
  settings.set("timeout_overflow_mode", "throw");
  return settings;
}

const presentation =
  /^(output_format_(?!.*(schema|path|file))[a-z0-9_]+|date_time_output_format|session_timezone|limit|offset|extremes|join_use_nulls|prefer_column_name_to_alias)$/;

/** 0 means "no limit" to the engine, so it is not lower. */
function lower(limit: string, asked: string): string {
  const value = Number(asked);
  return Number.isFinite(value) && value > 0 && value < Number(limit) ? asked : limit;
}
