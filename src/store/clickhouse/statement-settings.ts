import type { Settings } from "./facts.ts";

/** How every statement computes, whether it reads or rolls up, so that both make the same of an event. */
const computing: Settings = {
  // Statements are long and change with the rules: compiling one to machine code, which the engine does at its fourth run,
  // costs half a second to three, and with a thousand rules saves nothing measurable afterwards.
  compile_expressions: 0,
  compile_aggregate_expressions: 0,
  // The nearest double, not one beside it.
  precise_float_parsing: 1,
};

/**
 * What every write relies on, said and not left to defaults: nothing is buffered, nothing is deduplicated by the engine
 * (its tokens are not crash-safe), an insert may touch any number of partitions, and one INSERT … SELECT is one block.
 */
export const writeSettings: Settings = {
  ...computing,
  async_insert: 0,
  insert_deduplicate: 0,
  deduplicate_blocks_in_dependent_materialized_views: 0,
  max_partitions_per_insert_block: 0,
  max_insert_threads: 1,
  min_insert_block_size_rows: "1000000000",
  min_insert_block_size_bytes: "100000000000",
};

/** One thread, so that another is left for what is live. (The engine's `priority` would wait for statements that have one themselves.) */
export const yieldingSettings: Settings = { max_threads: 1 };

/** What a question may take. */
export const readSecondsMax = 30;

/**
 * What Weir asks for itself may take, where nobody waits for an answer and a bound of a question would be met again and again: who
 * starts with years of rollups reads all of them once. Within what a request may take (app/store-host.ts).
 */
export const ownSecondsMax = 250;

/** A server's own log of statements has the values in them, which may be of a person whom nobody is to find any more. */
export const untold: Settings = { log_queries: 0 };

export const readSettings: Settings = {
  ...computing,
  ...untold,
  output_format_json_quote_64bit_integers: 0,
  max_execution_time: readSecondsMax,
};

/** A server stops when nobody waits any more, which it does only of what it is told may but read. */
export const endedWithUs: Settings = { cancel_http_readonly_queries_on_client_close: 1, readonly: 2 };

/** Nothing is answered before all of it is known; and as the names of columns are users' texts, the engine is told that it may only read. */
export const bytesSettings: Settings = { ...endedWithUs, wait_end_of_query: 1 };
