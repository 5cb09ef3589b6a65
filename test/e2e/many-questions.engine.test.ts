import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { embeddedFacts } from "../../src/store/clickhouse/facts.ts";
import { offset, src } from "../../src/event/position.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { defaultLimits } from "../../src/live/limits.ts";
import { inTurn } from "../../src/query/in-turn.ts";
import { ClickHouseStore } from "../../src/store/clickhouse/clickhouse-store.ts";
import type { Connection } from "../../src/store/clickhouse/connection.ts";
import type { Store } from "../../src/store/store.ts";
import { event, piece, start } from "../../src/store/store-samples.suite.ts";
import { openEmbeddedEngine } from "../support/embedded-engine.ts";

/** In the place of the quarantine: whoever reads it has the engine reckon until it is told to stop, with no row to show. */
const endless = `CREATE VIEW rejects AS SELECT toUInt16(0) AS src, number AS off, toInt64(0) AS received_ms, toInt64(0) AS timestamp_ms,
    '' AS event_id, '' AS event_type, '' AS user_id, '' AS payload, toInt64(0) AS rejected_ms, '' AS reason
  FROM numbers(1000000000000) WHERE sipHash64(number) = 1`;
const waitingMax = 64;
const { questionsAtOnce } = embeddedFacts("");

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;
let store: ClickHouseStore;
let tables: Connection;

before(async () => {
  engine = await openEmbeddedEngine();
  [store, tables] = [
    new ClickHouseStore({ connection: engine.connection, clock: systemClock }),
    engine.through(engine.url, "weir"),
  ];
  await store.open(new AbortController().signal);
  for (const sql of ["DROP TABLE rejects SYNC", endless]) await tables.write({ sql, parameters: {} });
  await store.insertRaw(src(0), [piece(0, [event("a"), event("b")])]);
});
after(async () => {
  await tables.close();
  await engine.close();
});

/** As the processor looks ids up; how long that took, ms. */
async function lookUp(): Promise<number> {
  const begun = performance.now();
  const keys = ["a", "c"].map((event_id) => ({ event_id, timestamp: start }));
  assert.deepEqual(await store.findIds(src(0), keys, offset(9)), [keys[0]]);
  return performance.now() - begun;
}

async function running(): Promise<number> {
  const sql =
    "SELECT toUInt32(count()) AS found FROM system.processes WHERE query LIKE '%FROM rejects%' AND query NOT LIKE '%system.processes%'";
  const [row] = await engine.connection.rows<{ found: number }>({ sql, parameters: {} });
  return row!.found;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 120_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < end, isSo.toString());
    await systemClock.sleep(20);
  }
}

test("a reading that has less than a second is ended as one that has thirty", async () => {
  const query = { sql: "SELECT off FROM rejects", parameters: {} };
  const begun = performance.now();
  await assert.rejects(engine.connection.rowsWithin({ bytesMax: 1e6, secondsMax: 0.3 }, query), {
    code: "store_unavailable",
    message: /Timeout exceeded/,
  });
  assert.ok(performance.now() - begun < 20_000);
});

test(
  "counting gets through however many questions are asked, wait, or have been left",
  { timeout: 900_000 },
  async () => {
    const asked = inTurn(store, questionsAtOnce);
    const ask = (of: Pick<Store, "rejects"> = asked): { answer: Promise<unknown>; leave: () => void } => {
      const client = new AbortController();
      const answer = of.rejects({ limit: 10 }, client.signal).catch((error: unknown) => error);
      return { answer, leave: () => client.abort() };
    };
    // Asked and left, again and again, as by clients whose time is up and who try anew.
    const impatient = systemClock.every(10, () => void systemClock.sleep(50).then(ask().leave));
    await systemClock.sleep(1000);
    const times = [await lookUp(), await lookUp(), await lookUp()];
    impatient();
    await until(async () => (await running()) === 0);

    const patient = Array.from({ length: questionsAtOnce + waitingMax }, () => ask());
    await until(async () => (await running()) === questionsAtOnce);
    // Beside them what is live, counts, sums and a verification.
    const others = Array.from({ length: defaultLimits.readsMax + 3 }, () => ask(store));
    await until(async () => (await running()) === questionsAtOnce + others.length);
    await assert.rejects(asked.rejects({ limit: 10 }), { code: "overloaded", canRetry: true, retryAfterMs: 1000 });
    times.push(await lookUp(), await lookUp(), await lookUp());
    for (const { leave } of [...patient, ...others]) leave();
    for (const { answer } of patient) assert.equal(((await answer) as { code?: string }).code, "store_unavailable");
    await until(async () => (await running()) === 0);
    // An endless one takes its 30 s; look-ups wait for none of them, but the engine is busy, and one of three may be unlucky.
    for (const three of [times.slice(0, 3), times.slice(3)])
      assert.ok(three.toSorted((a, b) => a - b)[1]! < 15_000, `ms: ${times.join(", ")}`);
    assert.equal((await asked.events({ from: 0, to: start + 1, limit: 10 })).length, 2);
  },
);
