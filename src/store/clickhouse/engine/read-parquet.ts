/**
 * Reads a Parquet file with the engine and writes it to standard output, in the order of the file: a line with the number of its
 * rows, then each row as a line of JSON. A program of its own, because a process has one engine: `node read-parquet.ts <file>`.
 */
import { pipeline } from "node:stream/promises";
import { Session } from "chdb";

const [path = ""] = process.argv.slice(2);
const session = new Session();
const counted = "SELECT sum(num_rows) FROM file({path:String}, ParquetMetadata)";
// Times in UTC and as in RFC 3339; whole numbers as numbers, whatever their size.
const rows = `SELECT * FROM file({path:String}, Parquet) SETTINGS max_threads = 1, input_format_parquet_preserve_order = 1,
  output_format_json_quote_64bit_integers = 0, output_format_json_quote_decimals = 0, date_time_output_format = 'iso',
  session_timezone = 'UTC', max_block_size = 8192`;

process.stdout.write((await session.queryBindAsync(counted, { path }, { format: "TSV" })).text());
await pipeline(chunks, process.stdout);
session.cleanup();

async function* chunks(): AsyncGenerator<Uint8Array> {
  for await (const chunk of session.queryStreamBind(rows, { path }, { format: "JSONEachRow" })) yield chunk.raw();
}
