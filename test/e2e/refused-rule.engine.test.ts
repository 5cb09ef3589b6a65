import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Connection } from "../../src/store/clickhouse/connection.ts";
import type { OracleEvent } from "../oracle/model.ts";
import { type EmbeddedEngine, openEmbeddedEngine } from "../support/embedded-engine.ts";
import { World } from "../support/world.ts";

const now = Date.UTC(2026, 0, 13, 10);
const life = { batchEventsMax: 50, fillChunkEventsMax: 50, fates: [] };
const countBy = (rule_id: string, group_by: readonly string[]): object => ({
  ...{ rule_id, window_size: "1h", metric: "count", group_by },
});
const names = ["by_user", "of_all", "by_user_again"];

/** The real engine refuses the rows of a group, and so every rollup that has it. */
const constraint = "no_poison CHECK arrayElement(grp, 1) IS NULL OR arrayElement(grp, 1) != 'poison'";

describe("a rule that the engine refuses to compute", () => {
  let engine: EmbeddedEngine;
  let connection: Connection;
  let world: World;
  let made = 0;
  const alter = (change: string) => connection.write({ sql: `ALTER TABLE rollups ${change}`, parameters: {} });
  const events = (users: readonly string[]): OracleEvent[] =>
    users.map((user_id) => {
      const receivedAt = now + made;
      return { event_id: `e${made++}`, event_type: "t", user_id, timestamp: now, payload: {}, receivedAt };
    });
  const rule = (id: string) => world.query().rule(world.book.get(id));
  const totalOf = async (id: string): Promise<number> => {
    const { data } = await world
      .query()
      .stats({ rule_id: id, start_time: String(now), end_time: String(now + 3_600_000) });
    return data.reduce((sum, { value }) => sum + Number(value), 0);
  };

  before(async () => {
    engine = await openEmbeddedEngine();
    connection = await engine.database("refused");
    world = await World.make(connection);
    await world.start(life);
    await world.book.put(countBy("by_user", ["user_id"]), {});
    await world.book.put(countBy("of_all", []), {});
    await world.append(events(["a", "b", "a"]));
    await world.settle();
  });
  after(async () => {
    await world.close();
    await connection.close();
    await engine.close();
  });

  test("is paused with the reason, and all others go on; what it had stays", async () => {
    await alter(`ADD CONSTRAINT ${constraint}`);
    await world.append(events(["poison", "a", "b"]));
    await world.settle();
    await world.append(events(["a", "c"]));
    await world.settle();
    const [stopped, other] = [await rule("by_user"), await rule("of_all")];
    assert.equal(stopped.state, "paused");
    assert.equal(stopped.stopped_because, "the engine refused it: violated constraint, code 469");
    assert.deepEqual([other.state, other.stopped_because], ["live", undefined]);
    assert.deepEqual([await totalOf("by_user"), await totalOf("of_all")], [3, 8]);
  });

  test("stays so over a restart, and one that is refused while it is filled from history is paused too", async () => {
    await world.restart(life);
    await world.book.put(countBy("by_user_again", ["user_id"]), {});
    await world.append(events(["d"]));
    await world.settle();
    assert.deepEqual(await Promise.all(names.map(async (name) => (await rule(name)).state)), [
      "paused",
      "live",
      "paused",
    ]);
    assert.match((await rule("by_user_again")).stopped_because ?? "", /violated constraint/);
    assert.equal(await totalOf("of_all"), 9);
  });

  test("counts everything, once, when it is resumed and the engine takes it", async () => {
    await alter("DROP CONSTRAINT no_poison");
    for (const name of ["by_user", "by_user_again"]) await world.book.patch(name, { active: true }, {});
    await world.append(events(["poison"]));
    await world.settle();
    assert.deepEqual(await Promise.all(names.map(totalOf)), [10, 10, 10]);
    assert.equal((await rule("by_user")).stopped_because, undefined);
  });

  test("is not to blame when the engine refuses every rollup: counting waits, and goes on as if nothing had been", async () => {
    await alter("ADD CONSTRAINT nothing CHECK series > 1000000");
    await world.append(events(["a"]));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(await totalOf("of_all"), 10);
    await alter("DROP CONSTRAINT nothing");
    await world.settle();
    assert.deepEqual(await Promise.all(names.map(totalOf)), [11, 11, 11]);
    assert.deepEqual(await Promise.all(names.map(async (name) => (await rule(name)).state)), ["live", "live", "live"]);
  });
});
