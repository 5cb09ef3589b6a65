import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { WeirError } from "../lib/errors.ts";

/** A flight of the data set: scheduled departure in the airport's own time, delay in minutes, distance in miles. */
export interface Flight {
  /** Its place in the data, oldest first, from 0. */
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly departure: number;
  readonly delay: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
}

export interface Flights {
  /** Departure of the oldest and of the newest flight, ms since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Oldest first; to be read once. */
  readonly each: AsyncIterable<Flight>;
  /** Ends the reading early, in order: killed, the reader would leave the engine's temporary folder behind. */
  close(): void;
}

/**
 * Opens the first `limit` flights of three million real ones (United States, January to June 2001), which npm's
 * `vega-datasets` carries as a Parquet file: the engine reads it, in a process of its own.
 * @throws Error that says what to do when the package is not installed.
 */
export async function openFlights(limit: number): Promise<Flights> {
  const program = fileURLToPath(new URL("../store/clickhouse/engine/read-flights.ts", import.meta.url));
  const reader = spawn(process.execPath, [program, flightsFile(), String(limit)], {
    stdio: ["ignore", "pipe", "inherit"],
    // In a group of its own: a Ctrl-C of the terminal is not for it.
    detached: true,
  });
  const ended = once(reader, "close");
  const lines = createInterface({ input: reader.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true) throw new Error(`the flights could not be read (exit code ${String((await ended)[0])})`);
  const [from = 0, to = 0, count = 0] = first.value.split("\t").map(Number);
  return { from: from * 1000, to: to * 1000, count, each: parsed(lines), close: () => void reader.stdout.destroy() };
}

async function* parsed(lines: AsyncIterator<string>): AsyncIterable<Flight> {
  for (let index = 0; ; index++) {
    const line = await lines.next();
    if (line.done === true) return;
    const [second, delay, distance, origin = "", destination = ""] = line.value.split("\t");
    yield {
      index,
      departure: Number(second) * 1000,
      delay: Number(delay),
      distance: Number(distance),
      origin,
      destination,
    };
  }
}

function flightsFile(): string {
  const missing =
    "the demo's flights are in npm's vega-datasets: run `npm install vega-datasets`, or the demo from a clone of Weir";
  let file: string;
  try {
    // The package exports its program only; the data lie beside it.
    file = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));
  } catch (cause) {
    throw new WeirError("invalid_config", missing, { cause });
  }
  if (!existsSync(file)) throw new WeirError("invalid_config", missing);
  return file;
}
