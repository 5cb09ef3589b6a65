import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config, DemoOptions } from "../config/options.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { DemoClient } from "./demo-client.ts";
import { demoRules } from "./demo-rules.ts";
import { type Flights, openFlights } from "./flights.ts";
import { replay } from "./replay.ts";
import { type Total, totalLine, totalOf } from "./totals.ts";

/** What the demo needs of a started server. */
export interface DemoApp {
  readonly ingestUrl: string;
  readonly queryUrl: string;
  /** Resolves when the server can't go on. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

export interface DemoSurroundings {
  readonly start: (config: Config) => Promise<DemoApp>;
  readonly clock: Clock;
  /** Aborts when the user wants an end. */
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

const allFlights = 3_000_000;
const dayMs = 86_400_000;

/**
 * Serves on a temporary folder, makes five rules and replays real flights at `speed` events a second. With `events` it
 * ends by itself after so many and prints what the rules have counted; else it serves on until the signal aborts.
 * @returns the rules' totals; undefined when it was ended before the replay was over.
 */
export async function runDemo(
  config: Config,
  options: DemoOptions,
  around: DemoSurroundings,
): Promise<readonly Total[] | undefined> {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-demo-"));
  let app: DemoApp | undefined;
  try {
    const flights = await openFlights(options.events ?? allFlights);
    try {
      app = await startAnywhere(demoConfig(config, dataDir), around);
      return await Promise.race([play(app, flights, options, around), app.failed.then(rethrow)]);
    } finally {
      flights.close();
    }
  } finally {
    await app?.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** What it replays is nobody's events: they do not belong into a topic, a store or among rules that others use. */
export const demoConfig = (config: Config, dataDir: string): Config => ({
  ...{ ...config, dataDir },
  ...{ kafkaBrokers: [], clickhouseUrl: null, mongoUrl: null, archive: "off" },
});

/** A port that someone else has is no reason not to show anything. */
async function startAnywhere(config: Config, around: DemoSurroundings): Promise<DemoApp> {
  try {
    return await around.start(config);
  } catch (error) {
    if (!(error instanceof WeirError) || error.code !== "port_taken") throw error;
    around.print(`${error.message}. The demo takes ports that are free.`);
    const engineReadonlyPort = config.engineReadonlyPort === null ? null : 0;
    return around.start({ ...config, ingestPort: 0, queryPort: 0, engineReadonlyPort });
  }
}

async function play(
  app: DemoApp,
  flights: Flights,
  options: DemoOptions,
  around: DemoSurroundings,
): Promise<readonly Total[] | undefined> {
  const client = new DemoClient(app, around.clock);
  for (const { spec } of demoRules) await client.putRule(spec);
  // Moved by whole days, so that the newest flight is of the last 24 hours and every hour of the day stays what it was.
  const shiftMs = Math.floor((around.clock.now() - flights.to) / dayMs) * dayMs;
  for (const line of whereToLook(app, flights, shiftMs)) around.print(line);
  const done = await replay({ client, flights, shiftMs, eventsPerSecond: options.speed, ...around });
  if (!done) return undefined;
  const totals: Total[] = [];
  for (const rule of demoRules) {
    const rows = await client.stats(rule.spec.rule_id, flights.from + shiftMs - dayMs, flights.to + shiftMs + dayMs);
    totals.push(totalOf(rule, rows));
  }
  around.print("");
  for (const total of totals) around.print(totalLine(total));
  if (options.events === null) await serveOn(around);
  return totals;
}

function whereToLook(app: DemoApp, flights: Flights, shiftMs: number): string[] {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const from = new Date(flights.from + shiftMs).toISOString();
  return [
    "",
    `${flights.count.toLocaleString("en-US")} real flights of ${day(flights.from)} to ${day(flights.to)}, moved to end on ${day(flights.to + shiftMs)}. Five rules:`,
    ...demoRules.map(({ spec, what }) => `  ${spec.rule_id.padEnd(16)} ${what}`),
    "",
    "Look at them while they change:",
    `  the dashboard: ${app.queryUrl}/`,
    `  curl '${app.queryUrl}/stats?rule_id=departures_1d&start_time=${from}&limit=10'`,
    `  every route, to try out: ${app.queryUrl}/docs/`,
    `  live: WebSocket ${app.queryUrl.replace("http", "ws")}/live-stats, send {"subscribe_rules":["punctuality_1h"]}`,
    "",
  ];
}

async function serveOn(around: DemoSurroundings): Promise<void> {
  around.print("\nAll flights are replayed; serving on until you press Ctrl-C.");
  while (!around.signal.aborted) await around.clock.sleep(dayMs, around.signal);
}

function rethrow(error: Error): never {
  throw error;
}
