import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { rollupColumns } from "../../rollup/metrics.ts";
import { planRollup } from "../../rollup/plan.ts";
import { countByType, event, piece, range, start } from "../store-samples.suite.ts";
import { storeSuite } from "../store.suite.ts";
import { ClickHouseStore } from "./clickhouse-store.ts";
import { Connection } from "./connection.ts";
import type { RowShape } from "./insert-rows.ts";
import { startEngine } from "./engine/engine.ts";
import type { Engine } from "./engine/engine.ts";
import { embeddedFacts } from "./facts.ts";
import { completingStatements, firstTables, selectTables } from "./schema.ts";
import type { FoundTable } from "./schema.ts";
import { deleteExpired } from "./statements.ts";

storeSuite("ClickHouse on the embedded engine, rows handed over as files,", async () => {
  const { engine, remove } = await newEngine();
  const store = new ClickHouseStore({ connection: connect(engine), clock: systemClock });
  return {
    store,
    cleanup: async () => {
      await store.close();
      await remove();
    },
  };
});

test("the newest series is one of rows, or one that has nothing but a mark", async () => {
  const { engine, remove } = await newEngine();
  const store = new ClickHouseStore({ connection: connect(engine), clock: systemClock });
  await store.open(new AbortController().signal);
  assert.equal(await store.newestSeries(), 0);
  const at = range(0, 0, 0);
  const plan = planRollup([{ series: 20, rule: countByType }]);
  await store.insertRaw(at.src, [piece(0, [event("a")])]);
  await store.rollUp({ range: at, plan, marks: [{ series: 0, range: at }], counts: null });
  assert.equal(await store.newestSeries(), 20);
  await store.rollUp({ range: at, plan: planRollup([]), marks: [{ series: 27, range: at }], counts: null });
  assert.equal(await store.newestSeries(), 27);
  await store.close();
  await remove();
});

test("groups that a deletion has left on a list when it broke off are found, and go with the next or with their series", async () => {
  const { engine, remove } = await newEngine();
  const connection = connect(engine);
  const store = new ClickHouseStore({ connection, clock: systemClock });
  await store.open(new AbortController().signal);
  const at = range(0, 0, 1);
  const targets = [20, 21].map((series) => ({ series, rule: countByType }));
  await store.insertRaw(at.src, [piece(0, [event("a"), event("b", { event_type: "view" })])]);
  await store.rollUp({ range: at, plan: planRollup(targets), marks: [{ series: 0, range: at }], counts: null });
  const listed = (series: number, to: number) => store.listGroups([{ series, from: 0, to }]);
  const end = start + 86_400_000;
  for (const series of [20, 21]) assert.equal((await listed(series, end)).get(series), 2);
  const expired = [20, 21].map((series) => ({ series, before: end }));
  await connection.write(deleteExpired(expired));
  assert.equal((await listed(20, 0)).get(20), 2);
  assert.deepEqual(await store.seriesKept(), [20, 21]);
  assert.deepEqual(await store.dropWindows([expired[0]!]), [20]);
  assert.deepEqual(await store.dropWindows([expired[0]!]), []);
  await store.dropSeries(21);
  assert.deepEqual(await store.seriesKept(), []);
  await store.close();
  await remove();
});

test("rejects that are too large are not read", async () => {
  const { engine, remove } = await newEngine();
  const store = new ClickHouseStore({ connection: connect(engine), clock: systemClock, rowsBytesMax: 2 ** 11 });
  await store.open(new AbortController().signal);
  const aside = { receivedAt: start, rejectedAt: start, reason: "why not", src: 3 };
  const some = [event("w"), event("x", { payload: "x".repeat(3000) })];
  await store.setAside(some.map((one, off) => ({ ...one, ...aside, off })));
  await assert.rejects(store.rejects({ limit: 2 }), { code: "invalid_query", message: /take more than 2048 bytes/ });
  assert.equal((await store.rejects({ limit: 1, behind: { rejectedAt: start, src: 3, off: 1 } })).length, 1);
  await store.close();
  await remove();
});

test("what has left the quarantine is off the disk when an erasure has been purged", async () => {
  const { engine, remove } = await newEngine();
  const connection = connect(engine);
  const store = new ClickHouseStore({ connection, clock: systemClock });
  await store.open(new AbortController().signal);
  const aside = { receivedAt: start, rejectedAt: start, reason: "why not" };
  await store.setAside(["ann", "bob"].map((user_id, off) => ({ ...event("w", { user_id }), ...aside, src: 3, off })));
  await store.dropRejects([{ src: 3, off: 0 }]);
  const parts = async (): Promise<unknown> =>
    connection.rows({
      sql: "SELECT toFloat64(sum(rows)) AS rows, toFloat64(sum(has_lightweight_delete)) AS hiding FROM system.parts WHERE table = 'rejects' AND active",
      parameters: {},
    });
  assert.deepEqual(await parts(), [{ rows: 2, hiding: 1 }]);
  await store.noteErasing("one", { by: "user_id", values: ["ann"], below: { 3: 9 } });
  await store.purge(["one"]);
  assert.deepEqual(await parts(), [{ rows: 1, hiding: 0 }]);
  await store.close();
  await remove();
});

describe("rows handed over as files", () => {
  const shape: RowShape = { table: "numbers", columns: [{ name: "a", type: "UInt8" }] };
  let engine: Engine;
  let remove: () => Promise<void>;
  let connection: Connection;
  before(async () => {
    ({ engine, remove } = await newEngine());
    connection = connect(engine);
    await connection.createDatabase();
    await connection.write({ sql: "CREATE TABLE numbers (a UInt8) ENGINE = MergeTree ORDER BY a", parameters: {} });
  });
  after(async () => {
    await connection.close();
    await remove();
  });
  const sum = () =>
    connection.rows<{ sum: number }>({ sql: "SELECT toUInt32(sum(a)) AS sum FROM numbers", parameters: {} });

  test("the file is gone afterwards, also when the engine refuses the rows", async () => {
    await connection.insertRows(shape, Buffer.from([1, 2]));
    await assert.rejects(connection.insertRows({ ...shape, table: "none" }, Buffer.from([4])), {
      code: "store_refused",
    });
    const wider = { ...shape, columns: [{ name: "a", type: "UInt16" }] };
    await assert.rejects(connection.insertRows(wider, Buffer.from([8, 0, 8])), { code: "store_refused" });
    assert.deepEqual(await sum(), [{ sum: 3 }]);
    assert.deepEqual(await readdir(engine.spoolFolder), []);
  });

  test("a file that is not there is a failure that may pass, and never no rows", async () => {
    const sql = "INSERT INTO numbers (a) SELECT a FROM file('rows-gone', 'RowBinary', 'a UInt8')";
    await assert.rejects(connection.write({ sql, parameters: {} }), {
      code: "store_unavailable",
      canRetry: true,
      outcomeUnknown: true,
    });
  });

  test("a folder that can't be written asks nothing of the engine", async () => {
    const lost = connect(engine, join(engine.spoolFolder, "none"));
    await assert.rejects(lost.insertRows(shape, Buffer.from([16])), {
      code: "store_unavailable",
      outcomeUnknown: false,
    });
    assert.equal(lost.inDoubt().size, 0);
    await lost.close();
  });
});

test("an engine that refuses every raw row is not taken for one that refuses some", async () => {
  const { engine, remove } = await newEngine();
  const connection = connect(engine);
  const store = new ClickHouseStore({ connection, clock: systemClock });
  await store.open(new AbortController().signal);
  const alter = (change: string) => connection.write({ sql: `ALTER TABLE raw_events ${change}`, parameters: {} });
  await alter("ADD CONSTRAINT some CHECK event_type != 'poison'");
  await store.takesRows();
  await alter("ADD CONSTRAINT every CHECK src > 70000");
  await assert.rejects(store.takesRows(), { code: "store_refused" });
  await alter("DROP CONSTRAINT every");
  await store.takesRows();
  await store.close();
  await remove();
});

describe("tables of an earlier version", () => {
  test("get the columns and settings that they lack, and then nothing more", async () => {
    const { engine, remove } = await newEngine();
    const connection = connect(engine);
    await connection.createDatabase();
    const write = (sql: string) => connection.write({ sql, parameters: {} });
    await write("CREATE TABLE raw_events (off UInt64) ENGINE = MergeTree ORDER BY off SETTINGS fsync_after_insert = 1");
    for (const sql of firstTables(connection.facts, rollupColumns().slice(0, -1))) await write(sql);
    const missing = async () =>
      completingStatements(await connection.rows<FoundTable>(selectTables), rollupColumns(), connection.facts);
    const statements = await missing();
    assert.equal(statements.length, 2);
    for (const sql of statements) await write(sql);
    assert.deepEqual(await missing(), []);
    await connection.close();
    await remove();
  });
});

describe("a ping", () => {
  let engine: Engine;
  let remove: () => Promise<void>;
  let store: ClickHouseStore;
  let connection: Connection;
  before(async () => {
    ({ engine, remove } = await newEngine());
    connection = connect(engine);
    await connection.createDatabase();
    store = new ClickHouseStore({ connection, clock: systemClock });
  });
  after(async () => {
    await store.close();
    await remove();
  });

  test("does not wait behind statements that take long", async () => {
    const sleeping = { sql: "SELECT sleepEachRow(1) FROM numbers(5) SETTINGS max_block_size = 1", parameters: {} };
    /** After how many of them it was answered. */
    const endedBefore = async (): Promise<number> => {
      let ended = 0;
      const statement = (): Promise<void> => connection.rows(sleeping).then(() => void (ended += 1));
      const statements = Promise.all(Array.from({ length: 20 }, statement));
      await systemClock.sleep(200);
      await untilAnswered(store);
      const before = ended;
      await statements;
      return before;
    };
    // They run twelve at a time on sixteen sockets: behind them it would have waited for the thirteenth to end.
    const counts = [await endedBefore()];
    while (counts.at(-1)! > 12 && counts.length < 5) counts.push(await endedBefore());
    assert.ok(counts.at(-1)! <= 12, `answered after ${counts.join(", ")} of 20`);
  });

  test("of an engine that hangs fails within a second, and the engine can still be stopped", async () => {
    process.kill(engine.state().pid ?? 0, "SIGSTOP");
    const asked = systemClock.monotonic();
    await assert.rejects(store.ping(), { code: "store_unavailable" });
    // Nor does it wait for the 60 s of a statement, nor the stop for an answer.
    assert.ok(systemClock.monotonic() - asked < 45_000);
    await engine.stop();
    assert.ok(systemClock.monotonic() - asked < 90_000);
    assert.equal(engine.state().lastExit, "signal SIGKILL");
  });
});

/** On a busy machine an engine that is there may take longer than the second that a ping waits. */
async function untilAnswered(store: ClickHouseStore): Promise<void> {
  const end = systemClock.monotonic() + 120_000;
  while (
    !(await store.ping().then(
      () => true,
      () => false,
    ))
  )
    assert.ok(systemClock.monotonic() < end, "no answer");
}

async function newEngine(): Promise<{ readonly engine: Engine; remove(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-store-"));
  const engine = await startEngine({ dataDir, clock: systemClock });
  const remove = async (): Promise<void> => {
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { engine, remove };
}

function connect(engine: Engine, folder = engine.spoolFolder): Connection {
  const { username, password } = engine;
  return new Connection({
    url: () => engine.url(),
    username,
    password,
    database: "weir",
    requestTimeoutMs: 60_000,
    newId: randomUUID,
    facts: embeddedFacts(folder),
  });
}
