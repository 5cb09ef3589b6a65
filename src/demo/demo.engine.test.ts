import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import { startWholeApp } from "../app.ts";
import { systemClock } from "../lib/clock.ts";
import { createLogger } from "../observe/logger.ts";
import { runDemo } from "./demo.ts";
import { punctuality } from "./demo-rules.ts";
import { type Flight, openFlights } from "./flights.ts";

const events = 20_000;

test("the demo's totals are what a look at the flights gives", async () => {
  const loaded = loadConfig({
    argv: ["demo", "--ingest-port", "0", "--query-port", "0"],
    env: {},
    readFile: () => "{}",
  });
  assert.ok(loaded.ok);
  const logger = createLogger({ level: "warn", format: "json", terminal: false });
  const lines: string[] = [];
  const totals = await runDemo(
    loaded.config,
    { speed: 0, events },
    {
      start: (config) => startWholeApp(config, { clock: systemClock, logger, version: "0.0.0" }),
      clock: systemClock,
      signal: new AbortController().signal,
      print: (line) => lines.push(line),
    },
  );
  assert.ok(totals, "the demo did not end by itself");
  const flights = await allFlights();
  assert.equal(flights.length, events);
  const found = Object.fromEntries(totals.map(({ rule_id, groups }) => [rule_id, Object.fromEntries(groups)]));
  assert.deepEqual(
    found["punctuality_1h"],
    countBy(flights, ({ delay }) => punctuality(delay)),
  );
  assert.deepEqual(
    found["departures_1d"],
    countBy(flights, ({ origin }) => origin),
  );
  assert.deepEqual(found["miles_1d"], { "": flights.reduce((sum, { distance }) => sum + distance, 0) });
  const newest = flights.filter(({ departure }) => day(departure) === day(flights.at(-1)!.departure));
  const byOrigin = Object.entries(Object.groupBy(newest, ({ origin }) => origin)).map(([origin, some = []]) => ({
    origin,
    some,
  }));
  const destinations = byOrigin.map(({ origin, some }) => [
    origin,
    new Set(some.map(({ destination }) => destination)).size,
  ]);
  assert.deepEqual(found["destinations_1d"], Object.fromEntries(destinations));
  const means = byOrigin.map(
    ({ origin, some }) => [origin, some.reduce((sum, { delay }) => sum + delay, 0) / some.length] as const,
  );
  for (const [origin, mean] of means)
    assert.ok(Math.abs((found["mean_delay_1d"]?.[origin] ?? NaN) - mean) < 1e-9, origin);
  assert.match(lines.join("\n"), /\/stats\?rule_id=departures_1d[^]*\/docs\/[^]*^punctuality_1h +20,000 = /m);
});

async function allFlights(): Promise<Flight[]> {
  const { each } = await openFlights(events);
  return Array.fromAsync(each);
}

function countBy(flights: readonly Flight[], nameOf: (flight: Flight) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const flight of flights) counts[nameOf(flight)] = (counts[nameOf(flight)] ?? 0) + 1;
  return counts;
}

function day(ms: number): number {
  return Math.floor(ms / 86_400_000);
}
