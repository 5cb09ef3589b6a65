import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Connection } from "../../src/store/clickhouse/connection.ts";
import type { OracleEvent } from "../oracle/model.ts";
import { type EmbeddedEngine, openEmbeddedEngine } from "../support/embedded-engine.ts";
import { World } from "../support/world.ts";

const now = Date.UTC(2026, 0, 13, 10);
const life = { batchEventsMax: 50, fillChunkEventsMax: 50, fates: [] };
const textMax = 4096;

/** As many comparisons as a filter has room for, of fields that no other rule reads. */
function longest(of: number): string {
  const comparisons = Array.from(
    { length: 200 },
    (_, at) => `payload.${"acegi"[of]}${at} == payload.${"bdfhj"[of]}${at}`,
  );
  while (comparisons.join(" || ").length > textMax) comparisons.pop();
  return comparisons.join(" || ");
}

const rule = (rule_id: string, filter: string): object => ({ rule_id, window_size: "1h", metric: "count", filter });

describe("rules that are small enough each", () => {
  let engine: EmbeddedEngine;
  let connection: Connection;
  let world: World;
  let made = 0;
  const append = (payloads: readonly Record<string, unknown>[]): Promise<void> =>
    world.append(
      payloads.map((payload): OracleEvent => {
        const receivedAt = now + made;
        return { event_id: `e${made++}`, event_type: "t", user_id: "u", timestamp: now, payload, receivedAt };
      }),
    );
  const totalOf = async (rule_id: string): Promise<number> => {
    const { data } = await world.query().stats({ rule_id, start_time: String(now), end_time: String(now + 3_600_000) });
    return data.reduce((sum, { value }) => sum + Number(value), 0);
  };

  before(async () => {
    engine = await openEmbeddedEngine();
    connection = await engine.database("filters");
    world = await World.make(connection);
    await world.start(life);
  });
  after(async () => {
    await world.close();
    await connection.close();
    await engine.close();
  });

  test("are counted, though the engine would by default refuse their filters together", async () => {
    const long = Array.from({ length: 4 }, (_, at) => rule(`long${at}`, longest(at)));
    const simple = Array.from({ length: 300 }, (_, at) => rule(`simple${at}`, `payload.n == ${at}`));
    await world.book.putDocument({ rules: [...long, ...simple] }, { deleteOthers: false, dryRun: false });
    // What an event does not have is equal to what it does not have either.
    await append([{ n: 0 }, { n: 299 }, { n: 299 }, { n: 5000 }]);
    await world.settle();
    assert.deepEqual(await Promise.all([0, 1, 2, 3].map((at) => totalOf(`long${at}`))), [4, 4, 4, 4]);
    assert.deepEqual(await Promise.all([0, 1, 299].map((at) => totalOf(`simple${at}`))), [1, 0, 2]);
  });
});
