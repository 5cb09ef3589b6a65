import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import type { Connection } from "./connection.ts";
import { Erasing } from "./erasing.ts";

/** The least that an engine may have. */
const memoryMax = 512 * 2 ** 20;
/** Of ten events nine are of one user. */
const events = 4_000_000;
const gone = events - events / 10;

describe("events are taken out piece by piece", () => {
  let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;

  before(async () => {
    engine = await openEmbeddedEngine({ memoryMax });
  });
  after(() => engine.close());

  test("very many of one user, by an engine that has little memory, and none is only hidden", async () => {
    const { connection } = engine;
    for (let from = 0; from < events; from += 500_000)
      await connection.write({
        sql: `INSERT INTO raw_events SELECT 0, number, now64(3), fromUnixTimestamp64Milli(toInt64(1768262400000 + number * 10), 'UTC'),
          toString(number), 'type', if(number % 10 = 0, 'stays', 'goes'), '{}' FROM numbers({from:UInt64}, 500_000)`,
        parameters: { from },
      });
    const erasing = new Erasing(connection);
    const id = crypto.randomUUID();
    assert.equal(await erasing.note(id, { by: "user_id", values: ["goes"], below: { 0: events } }), gone);
    await erasing.eraseNoted([id]);
    assert.deepEqual(await stored(connection), [{ user_id: "stays", events: events / 10 }]);
    const [parts] = await connection.rows<{ rows: number }>({
      sql: "SELECT toUInt32(sum(rows)) AS rows FROM system.parts WHERE database = 'weir' AND table = 'raw_events' AND active",
      parameters: {},
    });
    assert.equal(parts?.rows, events / 10);
  });

  test("a piece may end anywhere, also between the events of two partitions", async () => {
    const connection = await engine.database("pieces");
    try {
      for (const [round, rowsMax] of [1, 2, 5, 7, 8].entries()) {
        await connection.write({
          sql: `INSERT INTO raw_events SELECT number % 3, {first:UInt64} + intDiv(number, 3), now64(3), now64(3), toString(number), 'type',
            if(number < 6, 'stays', 'goes'), '{}' FROM numbers(15)`,
          parameters: { first: round * 5 },
        });
        const erasing = new Erasing(connection, rowsMax);
        const id = `e${round}`;
        // The last of partition 1 came later.
        const below = { 0: round * 5 + 5, 1: round * 5 + 4, 2: round * 5 + 5 };
        assert.equal(await erasing.note(id, { by: "user_id", values: ["goes"], below }), round === 0 ? 8 : 9);
        await erasing.eraseNoted([id]);
        await erasing.purge([id]);
        assert.deepEqual(await stored(connection), [
          { user_id: "goes", events: 1 },
          { user_id: "stays", events: round * 6 + 6 },
        ]);
      }
    } finally {
      await connection.close();
    }
  });
});

const stored = (connection: Connection): Promise<unknown[]> =>
  connection.rows({
    sql: "SELECT user_id, toUInt32(count()) AS events FROM raw_events GROUP BY user_id ORDER BY user_id",
    parameters: {},
  });
