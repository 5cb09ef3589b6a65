/**
 * Reads the flights of a Parquet file with the engine and writes them to standard output as tab-separated lines, oldest
 * first: `epoch seconds, delay, distance, origin, destination`. The first line is `first second, last second, lines`.
 * A program of its own, because a process has one engine: `node read-flights.ts <file> <at most so many>`.
 */
import { pipeline } from "node:stream/promises";
import { Session } from "chdb";

const [path = "", limit = "0"] = process.argv.slice(2);

// The ties are broken, so that the n-th flight is the same one every time.
const flights = `SELECT toUnixTimestamp(assumeNotNull(date)) AS second, delay, distance, origin, destination
  FROM file({path:String}, Parquet) ORDER BY second, origin, destination, distance, delay LIMIT {limit:UInt64}`;
const parameters = { path, limit: Number(limit) };

const session = new Session();
const bounds = await session.queryBindAsync(`SELECT min(second), max(second), count() FROM (${flights})`, parameters, {
  format: "TSV",
});
process.stdout.write(bounds.text());
await pipeline(chunks, process.stdout).catch((error: NodeJS.ErrnoException) => {
  // Who reads has seen enough.
  if (error.code !== "EPIPE") throw error;
});
session.cleanup();

async function* chunks(): AsyncGenerator<Uint8Array> {
  for await (const chunk of session.queryStreamBind(flights, parameters, { format: "TSV" })) yield chunk.raw();
}
