import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import type { Statement } from "../../rollup/statement.ts";
import { Dropping } from "./dropping.ts";

const groups = [["a"], ["b", null], [null], ["x\\';\"", "字"], ["e"], ["ffff"]];

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;

before(async () => {
  engine = await openEmbeddedEngine();
});
after(() => engine.close());

test("groups without rows leave their lists, whatever they are called, and others stay", async () => {
  const { connection } = engine;
  await connection.write({
    sql: "INSERT INTO rollups (series, pane, grp) SELECT 2, toDateTime(arrayJoin([17, 18]), 'UTC'), arrayJoin({groups:Array(Array(Nullable(String)))})",
    parameters: { groups },
  });
  // Of one an event is there.
  await connection.write({
    sql: "INSERT INTO rollups (series, pane, grp, n) SELECT 18, toDateTime(60, 'UTC'), ['b', NULL], 1",
    parameters: {},
  });
  const written: Statement[] = [];
  const write = (statement: Statement): Promise<void> => (written.push(statement), connection.write(statement));
  const { whole } = connection;
  const dropping = new Dropping({ ownRows: (statement: Statement) => connection.ownRows(statement), write, whole }, 4);
  assert.deepEqual(
    new Set(await dropping.windows([17, 18].map((series) => ({ series, before: 0 })))),
    new Set([17, 18]),
  );
  const left = await connection.rows({
    sql: "SELECT toUInt32(pane) AS of, grp FROM rollups WHERE series = 2",
    parameters: {},
  });
  assert.deepEqual(left, [{ of: 18, grp: ["b", null] }]);
  // A replicated table refuses a deletion with a subquery (code 36).
  for (const { sql, parameters } of written) {
    assert.doesNotMatch(sql, /SELECT/);
    // Nor is anybody's name in it.
    assert.doesNotMatch(JSON.stringify(parameters), /fff/);
  }
  assert.deepEqual(await dropping.windows([17, 18].map((series) => ({ series, before: 0 }))), []);
});

test("a deletion whose answer got lost is followed by a look at the lists all the same", async () => {
  const { connection } = engine;
  const insert = async (): Promise<void> => {
    for (const sql of [
      "INSERT INTO rollups (series, pane, grp) SELECT 2, toDateTime(19, 'UTC'), ['lost']",
      "INSERT INTO rollups (series, pane, grp, n) SELECT 19, toDateTime(60, 'UTC'), ['lost'], 1",
    ])
      await connection.write({ sql, parameters: {} });
  };
  let isLost = false;
  const write = async (statement: Statement): Promise<void> => {
    await connection.write(statement);
    if (isLost) throw new Error("the answer got lost");
  };
  const { whole } = connection;
  const dropping = new Dropping({ ownRows: (statement: Statement) => connection.ownRows(statement), write, whole });
  const expired = [{ series: 19, before: 120_000 }];
  await insert();
  assert.deepEqual(await dropping.windows(expired), [19]);
  await insert();
  isLost = true;
  await assert.rejects(dropping.windows(expired), /got lost/);
  isLost = false;
  assert.deepEqual(await dropping.windows(expired), [19]);
  assert.deepEqual(await dropping.windows(expired), []);
});
