import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { VerificationAnswer } from "../../src/protocol/verification.ts";
import { answering } from "../../src/rulebook/rulebook.ts";
import type { OracleEvent } from "../oracle/model.ts";
import { type EmbeddedEngine, openEmbeddedEngine } from "../support/embedded-engine.ts";
import { World } from "../support/world.ts";

const start = Date.UTC(2026, 0, 13, 10);
const events: OracleEvent[] = Array.from({ length: 60 }, (_, index) => ({
  event_id: `e${index}`,
  event_type: index % 3 === 0 ? "buy" : "view",
  user_id: `u${index % 7}`,
  timestamp: start + index * 60_000,
  receivedAt: start + index * 60_000,
  payload: { price: index / 4, ...(index === 30 ? {} : { name: `n${index % 5}` }) },
}));
const rules = [
  { rule_id: "count", window_size: "10m", metric: "count", group_by: ["event_type"] },
  {
    rule_id: "sum",
    window_size: "1h",
    hop: "10m",
    metric: "sum",
    field: "payload.price",
    group_by: [],
    having: "value > 1e9",
  },
  { rule_id: "last", window_size: "30m", metric: "last", field: "payload.name", group_by: ["user_id"] },
  { rule_id: "common", window_size: "1h", metric: "top_k", field: "payload.name", group_by: [] },
  { rule_id: "few", window_size: "10m", metric: "uniq", field: "user_id", group_by: ["user_id"], max_groups: 3 },
];

let engine: EmbeddedEngine;
before(async () => {
  engine = await openEmbeddedEngine();
});
after(() => engine.close());

test("what is damaged in the rollups is found, by rule and window, and is whole again once it is made anew", async () => {
  const connection = await engine.database("damaged");
  const world = await World.make(connection);
  try {
    await world.start({ batchEventsMax: 20, fillChunkEventsMax: 20, fates: [] });
    for (const rule of rules) await world.book.put(rule, {});
    await world.append(events);
    await world.settle();
    const verified = (id: string): Promise<VerificationAnswer> =>
      world.query().verify(id, new AbortController().signal);
    const oneByOne = async (): Promise<string[]> => {
      const all: string[] = [];
      for (const { rule_id: id } of rules) all.push(`${id} ${(await verified(id)).result}`);
      return all;
    };
    assert.deepEqual(
      await oneByOne(),
      rules.map(({ rule_id: id }) => `${id} equal`),
    );

    const seriesOf = (id: string): number => world.book.get(id).versions.at(-1)!.series;
    const damage = (id: string, sql: string): Promise<void> =>
      connection.write({ sql, parameters: { series: seriesOf(id) } });
    const at = "toDateTime(1768298400, 'UTC')"; // 2026-01-13T10:00:00Z
    const sync = "SETTINGS mutations_sync = 2, lightweight_deletes_sync = 2";
    await damage(
      "count",
      `DELETE FROM rollups WHERE series = {series:UInt32} AND pane = ${at} AND grp = ['buy'] ${sync}`,
    );
    await damage("sum", `INSERT INTO rollups SELECT * FROM rollups WHERE series = {series:UInt32} AND pane = ${at}`);
    await damage("few", `DELETE FROM rollups WHERE series = {series:UInt32} AND pane = ${at} AND empty(grp) ${sync}`);
    await damage(
      "last",
      `INSERT INTO rollups SELECT * REPLACE (toUInt64(0) AS n) FROM rollups WHERE series = {series:UInt32}`,
    );
    assert.deepEqual((await verified("count")).differences, [
      { window_start: "2026-01-13T10:00:00Z", group: ["buy"], stored: "0", expected: "4" },
    ]);
    const sum = await verified("sum");
    assert.deepEqual([sum.different, sum.compared], [1, "events"]);
    assert.deepEqual(sum.differences, [
      { window_start: "2026-01-13T10:00:00Z", group: [], stored: "20", expected: "10" },
    ]);
    assert.equal((await verified("few")).result, "different");
    assert.equal((await verified("last")).result, "equal", "a state that is there twice says the same");

    for (const id of ["count", "sum", "few"]) await world.book.rebuild(id);
    await world.settle();
    await world.book.goOnRebuilding();
    assert.deepEqual(
      await oneByOne(),
      rules.map(({ rule_id: id }) => `${id} equal`),
    );
    assert.equal(world.book.get("count").versions.length, 1);
  } finally {
    await world.close();
    await connection.close();
  }
});

test("a rule that is paused while its windows are made anew has the right ones in the end, and says so until then", async () => {
  const connection = await engine.database("paused");
  const world = await World.make(connection);
  try {
    await world.start({ batchEventsMax: 20, fillChunkEventsMax: 20, fates: [] });
    await world.book.put({ rule_id: "r", window_size: "10m", metric: "count", group_by: [] }, {});
    await world.append(events);
    await world.settle();
    const { series } = world.book.get("r").versions.at(-1)!;
    const sync = "SETTINGS lightweight_deletes_sync = 2";
    await connection.write({
      sql: `DELETE FROM rollups WHERE series = {series:UInt32} ${sync}`,
      parameters: { series },
    });
    const isOutdated = async (): Promise<boolean | undefined> =>
      (await world.query().rule(world.book.get("r"))).outdated;
    const answered = async (): Promise<number> => {
      const now = answering(world.book.get("r")).version;
      const sql = "SELECT toUInt32(sum(n)) AS events FROM rollups WHERE series = {series:UInt32}";
      const [row] = await connection.rows<{ events: number }>({ sql, parameters: { series: now.series } });
      return row!.events;
    };
    await world.book.rebuild("r");
    await world.book.patch("r", { active: false }, {});
    assert.deepEqual([await isOutdated(), await answered()], [true, 0]);
    const deadline = performance.now() + 60_000;
    while (await isOutdated()) {
      assert.ok(performance.now() < deadline, "nobody goes on with it");
      await pause(20);
    }
    assert.equal(await answered(), events.length);
    assert.equal((await world.query().rule(world.book.get("r"))).state, "paused");
  } finally {
    await world.close();
    await connection.close();
  }
});

test("a wrong value is found where the events are right; a paused rule can't be compared", async () => {
  const connection = await engine.database("values");
  const world = await World.make(connection);
  try {
    await world.start({ batchEventsMax: 20, fillChunkEventsMax: 20, fates: [] });
    await world.book.put({ rule_id: "r", window_size: "10m", metric: "max", field: "payload.price" }, {});
    await world.append(events);
    await world.settle();
    const { series } = world.book.get("r").versions.at(-1)!;
    // The largest of all comes into each window, without an event.
    await connection.write({
      sql: `INSERT INTO rollups SELECT * REPLACE (toDateTime(1768298400, 'UTC') AS pane, toUInt64(0) AS n) FROM rollups
        WHERE series = {series:UInt32}`,
      parameters: { series },
    });
    const answer = await world.query().verify("r", new AbortController().signal);
    assert.deepEqual(answer.differences, [
      { window_start: "2026-01-13T10:00:00Z", group: [], stored: "14.75", expected: "2.25" },
    ]);
    assert.equal(answer.compared, "value");
    await world.book.patch("r", { active: false }, {});
    assert.equal((await world.query().verify("r", new AbortController().signal)).result, "not_comparable");
  } finally {
    await world.close();
    await connection.close();
  }
});
