import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import { embeddedFacts } from "./facts.ts";
import { type SetAside, whereaboutsOf } from "./set-aside.ts";
import { selectEvents } from "./statements.ts";

const start = Date.UTC(2026, 0, 13);
/** One a second, thirty granules of them. */
const events = 30 * 8192;

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;

before(async () => {
  engine = await openEmbeddedEngine();
  await engine.connection.write({
    sql: `INSERT INTO raw_events SELECT 0, number, fromUnixTimestamp64Milli({start:Int64}, 'UTC'),
      fromUnixTimestamp64Milli({start:Int64} + 1000 * toInt64(number), 'UTC'), toString(number), 'type', 'user', '{}' FROM numbers({events:UInt64})`,
    parameters: { start, events },
  });
});
after(() => engine.close());

test("a page of events reads nothing of the pages before it", async () => {
  const query = { from: 0, to: start * 2, limit: 10 };
  const place = 8192 * 2 + 100;
  // Nobody's events are on any page, so that all that may have one is read.
  for (const [behind, granules] of [
    [undefined, 30],
    [{ timestamp: start + place * 1000, src: 0, off: place }, 3],
  ] as const) {
    const statement = selectEvents({ ...query, user_id: "nobody", ...(behind && { behind }) });
    const { rows, rowsRead } = await engine.connection.measured(statement, {}, new AbortController().signal);
    assert.deepEqual(rows, []);
    assert.ok(rowsRead <= (granules + 1) * 8192, `${rowsRead} rows were read`);
    assert.ok(rowsRead > (granules - 2) * 8192, `${rowsRead} rows were read`);
  }
  const behind = { timestamp: start + place * 1000, src: 0, off: place };
  const page = await engine.connection.rows<{ off: number }>(selectEvents({ ...query, behind }));
  assert.deepEqual(
    page.map(({ off }) => off),
    Array.from({ length: 10 }, (_, at) => place - 1 - at),
  );
});

test("events that were inserted once more are found by their offsets, but not where another partition may have had these", async () => {
  const { connection } = engine;
  const asked = { facts: embeddedFacts("/spool"), rows: connection.rows.bind(connection) };
  const sql = `SELECT path, partition_id AS partition FROM system.parts WHERE active AND table = 'raw_events' LIMIT 1`;
  const [part] = await connection.rows<Pick<SetAside, "path" | "partition">>({ sql, parameters: {} });
  const name = {
    name: "broken-on-start_90_90_0",
    table: "raw_events",
    written: 0,
    low: 90,
    high: 90,
    full_name: "weir.raw_events",
    engine: "MergeTree",
  };
  const counted = "INSERT INTO rollups (series, grp) SELECT 0, ['0:0:0-999999']";
  await connection.write({ sql: counted, parameters: {} });
  assert.equal(await whereaboutsOf(asked, { ...part!, ...name }), "elsewhere");
  assert.equal(await whereaboutsOf(asked, { ...part!, ...name, partition: "202602-0" }), "missing");
  const other =
    "INSERT INTO raw_events SELECT 1, off, received_at, timestamp, event_id, event_type, user_id, payload FROM raw_events LIMIT 1";
  await connection.write({ sql: other, parameters: {} });
  assert.equal(await whereaboutsOf(asked, { ...part!, ...name }), "unknown");
});

test("a deletion that fails of a damaged part is not left with the engine, which would go on trying it", async () => {
  const { connection } = engine;
  const sql = "SELECT path FROM system.parts WHERE active AND table = 'raw_events' ORDER BY rows DESC LIMIT 1";
  const [part] = await connection.rows<{ path: string }>({ sql, parameters: {} });
  const file = join(part!.path, "event_id.bin");
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
  const deleting = "ALTER TABLE raw_events DELETE WHERE off = 7 SETTINGS mutations_sync = 2";
  await assert.rejects(connection.write({ sql: deleting, parameters: {} }), { code: "store_damaged" });
  const left = "SELECT count() AS left FROM system.mutations WHERE NOT is_done";
  assert.deepEqual(await connection.rows({ sql: left, parameters: {} }), [{ left: 0 }]);
});
