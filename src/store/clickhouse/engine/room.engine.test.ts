import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../../lib/clock.ts";
import { Connection } from "../connection.ts";
import { embeddedFacts } from "../facts.ts";
import { startEngine } from "./engine.ts";

const mib = 1 << 20;

test("an engine whose disk becomes full is started anew once, is told to write nothing, and goes on when there is room", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-room-"));
  let free = 100 * mib;
  const engine = await startEngine({ dataDir, clock: systemClock, freeBytes: () => free });
  const { username, password } = engine;
  const hasRoom = (): boolean => engine.hasRoom();
  const facts = embeddedFacts(engine.spoolFolder);
  const shared = {
    url: () => engine.url(),
    username,
    password,
    database: "weir",
    requestTimeoutMs: 60_000,
    hasRoom,
    facts,
  };
  const connection = new Connection({ ...shared, newId: () => `q${performance.now()}` });
  const create = (name: string): Promise<void> =>
    connection.write({ sql: `CREATE TABLE ${name} (a Int8) ENGINE = MergeTree ORDER BY a`, parameters: {} });
  try {
    await connection.createDatabase();
    await create("before");
    free = mib;
    await assert.rejects(create("meanwhile"), { code: "store_unavailable", outcomeUnknown: false });
    while (engine.state().restarts === 0 || !engine.state().up) await pause(20);
    assert.equal(engine.state().isLowOnDisk, true);
    assert.deepEqual(await tables(connection), ["before"]);
    free = 100 * mib;
    await create("afterwards");
    assert.deepEqual(await tables(connection), ["afterwards", "before"]);
    assert.deepEqual([engine.state().restarts, engine.state().isLowOnDisk], [1, false]);
  } finally {
    await connection.close();
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});

test("a write during which the disk became full is in doubt, whatever the engine answers", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-room-"));
  const engine = await startEngine({ dataDir, clock: systemClock });
  const { username, password } = engine;
  const answers = [true, false];
  const connection = new Connection({
    ...{ url: () => engine.url(), username, password, database: "default", requestTimeoutMs: 60_000 },
    newId: () => `doubtful${performance.now()}`,
    facts: embeddedFacts(engine.spoolFolder),
    hasRoom: () => answers.shift() ?? true,
  });
  try {
    const write = connection.write({ sql: "CREATE TABLE doubtful (a Int8) ENGINE = Memory", parameters: {} });
    await assert.rejects(write, { code: "store_unavailable", outcomeUnknown: true });
    await connection.kill([...connection.inDoubt().keys()], "SYNC");
  } finally {
    await connection.close();
    await engine.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});

async function tables(connection: Connection): Promise<string[]> {
  const sql = "SELECT name FROM system.tables WHERE database = 'weir' ORDER BY name";
  return (await connection.rows<{ name: string }>({ sql, parameters: {} })).map(({ name }) => name);
}
