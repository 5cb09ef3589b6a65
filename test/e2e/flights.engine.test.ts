import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { allStats, postCounted, putRule, ruleOnce, rules, rulesSettled } from "../support/api.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { startServer } from "../support/server-process.ts";
import { type Agreement, type FlightsCase, flightsCases } from "./flights.ts";

// The package exports its program only; the data lie beside it.
const file = fileURLToPath(new URL("../data/flights-3m.parquet", import.meta.resolve("vega-datasets")));
const requestEvents = 10_000;
const [start, end] = [Date.UTC(2000, 10), Date.UTC(2001, 8)];
/** One in so many minutes, of half a year: 80,488 flights. */
const everyMinute = 37;

interface Flight {
  readonly n: number;
  readonly ms: number;
  readonly delay: number;
  readonly distance: number;
  readonly cents: number;
  readonly origin: string;
  readonly destination: string;
  readonly kind: string;
}

type Row = readonly [window: number, group: readonly (string | null)[], value: unknown];

describe("real flights, counted by Weir and by an independent engine", () => {
  let server: ServerProcess;
  let dataDir: string;
  let independent: DuckDBConnection;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-flights-"));
    independent = await openFlights();
    server = await startServer({ dataDir });
    // Half of the rules see the flights arrive, the others are filled from history.
    const half = flightsCases.length / 2;
    for (const { rule } of flightsCases.slice(0, half)) await putRule(server.queryUrl, rule);
    const flights = await lines<Flight>("SELECT to_json(flights) FROM flights ORDER BY n");
    for (let from = 0; from < flights.length; from += requestEvents)
      await postCounted(server.ingestUrl, flights.slice(from, from + requestEvents).map(eventOf));
    for (const { rule } of flightsCases.slice(half)) await putRule(server.queryUrl, rule);
    await rulesSettled(server.queryUrl);
  });
  after(async () => {
    await server.killGroup();
    independent.closeSync();
    await rm(dataDir, { recursive: true, force: true });
  });

  const lines = async <T>(sql: string): Promise<T[]> => {
    const rows = (await independent.runAndReadAll(sql)).getRowsJson();
    return rows.map(([text]) => JSON.parse(text as string) as T);
  };

  for (const one of flightsCases)
    test(`${one.rule.rule_id}: ${one.rule.metric} in windows of ${one.rule.window_size}`, async () => {
      const found = await allStats(server.queryUrl, one.rule.rule_id, start, end);
      const expected = new Map((await lines<Row>(question(one))).map((row) => [keyOf(row), row[2]]));
      assert.ok(expected.size > 0, "there is nothing to compare");
      assert.deepEqual(found.map((row) => keyOf(rowOf(one, row))).toSorted(), [...expected.keys()].toSorted());
      for (const row of found.map((row) => rowOf(one, row)))
        assertAgree(row[2], expected.get(keyOf(row)), one.agreement, keyOf(row));
    });

  test("no flight is skipped, and all of them are late", async () => {
    const { length } = await lines("SELECT to_json(n) FROM flights");
    assert.equal(length, 80_488);
    for (const { rule_id, filter } of await rules(server.queryUrl)) {
      // Counts may be as old as ten times what asking for them took, and so of a moment in which the rule was filled.
      const isAll = ({ skipped, late }: Readonly<Record<string, unknown>>): boolean =>
        skipped !== null && (filter === undefined ? late === length : late !== null);
      const { skipped, late } = await ruleOnce(server.queryUrl, rule_id, isAll);
      assert.equal(skipped, 0, rule_id);
      if (filter === undefined) assert.equal(late, length, rule_id);
    }
  });
});

/** The flights, out of order: by the minute of the hour first. */
async function openFlights(): Promise<DuckDBConnection> {
  const engine = await DuckDBInstance.create(":memory:", { autoinstall_known_extensions: "false" });
  const connection = await engine.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(`CREATE TABLE flights AS
    SELECT row_number() OVER (ORDER BY minute(date) % 7, date, origin, destination, distance, delay) AS n,
      epoch_ms(date) AS ms, delay, distance, distance * 7 + delay AS cents, origin, destination,
      CASE WHEN delay >= 15 THEN 'late' WHEN delay < 0 THEN 'early' ELSE 'on_time' END AS kind
    FROM read_parquet('${file.replaceAll("'", "''")}') WHERE (epoch(date) // 60) % ${everyMinute} = 0`);
  return connection;
}

const eventOf = ({ n, ms, delay, distance, cents, origin, destination, kind }: Flight): object => ({
  event_id: `flight-${n}`,
  user_id: `${origin}-${destination}`,
  event_type: kind,
  timestamp: ms,
  payload: { delay, distance, fare: cents / 100, origin, to: { airport: destination } },
});

/** One JSON text a row: the start of the window, the group values, the value. */
function question({ window, groups, value, where }: FlightsCase): string {
  return `SELECT to_json([to_json(w), to_json(g::VARCHAR[]), to_json(${value})]) FROM (
      SELECT *, ${window} AS w, [${groups.join(", ")}] AS g FROM flights ${where === undefined ? "" : `WHERE ${where}`})
    GROUP BY w, g`;
}

const rowOf = ({ rule }: FlightsCase, row: Record<string, unknown>): Row => [
  Date.parse(String(row["window_start"])),
  (rule.group_by ?? []).map((name) => {
    assert.ok(Object.hasOwn(row, name), `${name} is missing`);
    return row[name] as string | null;
  }),
  row["value"],
];

const keyOf = ([window, group]: Row): string => JSON.stringify([new Date(window).toISOString(), ...group]);

function assertAgree(found: unknown, expected: unknown, agreement: Agreement, where: string): void {
  const message = `${where}: ${JSON.stringify(found)} is not ${JSON.stringify(expected)}`;
  if (agreement.kind === "same") return assert.deepEqual(found, expected, message);
  if (agreement.kind === "frequent") return assertFrequent(found, new Map(Object.entries(expected as object)), message);
  const values = agreement.kind === "near" ? [expected] : (expected as readonly unknown[]);
  const near = (value: number): boolean => Math.abs(Number(found) - value) <= Math.abs(value) * agreement.by;
  assert.ok(typeof found === "number" && values.map(Number).some(near), message);
}

/** The ten largest counts, each of its value. */
function assertFrequent(found: unknown, counts: ReadonlyMap<string, unknown>, message: string): void {
  const list = found as readonly { readonly value: string; readonly count: number }[];
  const largest = [...counts.values()].toSorted((a, b) => Number(b) - Number(a)).slice(0, 10);
  assert.deepEqual(
    list.map(({ count }) => count),
    largest,
    message,
  );
  for (const { value, count } of list) assert.equal(count, counts.get(value), message);
}
