import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type EmbeddedEngine, openEmbeddedEngine } from "../../../test/support/embedded-engine.ts";
import { WeirError } from "../../lib/errors.ts";
import { planRollup } from "../../rollup/plan.ts";
import { renderRollup } from "../../rollup/render.ts";
import { parseRule } from "../../rule/parse.ts";
import type { Trial } from "../store.ts";
import { range, start } from "../store-samples.suite.ts";
import { tryOut } from "./trial.ts";

const events = 60_000;
const users = 10_000;
const everyMs = 60;
const { signal } = new AbortController();

let engine: EmbeddedEngine;
before(async () => {
  engine = await openEmbeddedEngine();
  await engine.connection.write({
    sql: `INSERT INTO raw_events (src, off, received_at, timestamp, event_id, event_type, user_id, payload)
      SELECT 1, number, now64(3), fromUnixTimestamp64Milli({start:Int64} + number * {every:Int64}), toString(number), 't', toString(number % {users:UInt32}), '{}'
      FROM numbers({events:UInt64})`,
    parameters: { start, every: everyMs, users, events },
  });
  const marks = [{ key: `0:1:0-${events}` }];
  await engine.connection.write(
    renderRollup(planRollup([]), range(1, 0, events), { marks, counts: null, whole: "weir" }),
  );
});
after(() => engine.close());

function tried(connection: Parameters<typeof tryOut>[0], window: object, keptFrom = 0): Promise<Trial> {
  const parsed = parseRule({ rule_id: "r", metric: "count", group_by: ["user_id", "event_type"], ...window });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return tryOut(connection, { rule: parsed.rule, eventsMax: events, limit: 101, keptFrom }, signal);
}

test("a rule with many groups in many windows at a time is tried on all events, and shows its newest windows", async () => {
  const trial = await tried(engine.connection, { window_size: "9h", hop: "5m" });
  assert.deepEqual([trial.events, trial.entered, trial.groups], [events, events, users]);
  const newest = start + (events - 1) * everyMs;
  const lastPane = Math.floor(newest / 300_000) * 300_000;
  const inLastPane = events - Math.ceil((lastPane - start) / everyMs);
  assert.ok(inLastPane > 101 && inLastPane < users, "each user of the last pane came once in it");
  const last = Array.from({ length: inLastPane }, (_, at) => String((events - 1 - at) % users)).toSorted();
  assert.deepEqual(
    trial.windows.map(({ windowStart, group, value }) => [windowStart, group[0], value]),
    last.slice(0, 101).map((user) => [lastPane, user, 1]),
  );
});

test("the groups of windows that are kept are told apart", async () => {
  const window = { window_size: "1m" };
  assert.deepEqual(start % 60_000, 0);
  const minutes = (events * everyMs) / 60_000;
  // A minute has a thousand events, and ten minutes all users.
  for (const [kept, groups] of [
    [minutes + 1, users],
    [3, 3000],
    [0, 0],
  ] as const) {
    const trial = await tried(engine.connection, window, start + (minutes - kept) * 60_000);
    assert.deepEqual([trial.groups, trial.groupsKept], [users, groups]);
  }
});

test("one that needs more memory than a trial may have is told so, with what to do: it is no failure of ours", async () => {
  const { connection } = engine;
  const small: Parameters<typeof tryOut>[0] = {
    rows: (...asked) => connection.rows(...asked),
    columns: (...asked) => connection.columns(...asked),
    measured: (statement, limits, until) =>
      connection.measured(statement, { ...limits, max_memory_usage: "4000000" }, until),
  };
  await assert.rejects(
    tried(small, { window_size: "1h" }),
    (error) => error instanceof WeirError && error.code === "too_costly" && /shorter group values/.test(error.message),
  );
});
