import assert from "node:assert/strict";
import { test } from "node:test";
import { liveDesk } from "../../test/support/live-desk.ts";

const day = 144;
const hours = 3_600_000;

test("an event that is a day ahead of the clock does not hide what is now", async () => {
  const { clock, connect, count } = liveDesk();
  count(-1, "click", 8);
  count(0, "click", 9);
  count(day - 1, "stray", 1);
  const client = connect();
  client.say({ subscribe_rules: ["clicks"], interval_ms: 100 });
  await clock.advance(1000);
  assert.deepEqual(client.take()[0]?.data, [
    ["2026-01-17T19:30:00Z", "click", 9],
    ["2026-01-18T19:20:00Z", "stray", 1],
  ]);
  // Of what changes only that is pushed.
  count(-1, "click", 10);
  await clock.advance(1000);
  assert.deepEqual(client.take()[0]?.data, [["2026-01-17T19:20:00Z", "click", 10]]);
});

test("more rows ahead of the clock than are read or held leave room for what is now, and it is said that there are more", async () => {
  const { clock, connect, count } = liveDesk({ readRowsMax: 4, rowsKept: 4, rowsMax: 6 });
  const come = async () => {
    const client = connect();
    client.say({ subscribe_rules: ["clicks"], interval_ms: 100 });
    await clock.advance(1000);
    const [push] = client.take();
    return { now: push?.data?.[0]?.slice(1), rows: push?.data?.length, truncated: push?.truncated };
  };
  count(0, "click", 9);
  for (let windows = 1; windows <= 8; windows++) count(windows, "stray", 1);
  assert.deepEqual(await come(), { now: ["click", 9], rows: 5, truncated: true });
  // They are held as they come, until they are too many.
  for (let windows = 1; windows <= 4; windows++) count(windows, "stray", 2);
  await clock.advance(1000);
  assert.deepEqual(await come(), { now: ["click", 9], rows: 6, truncated: true });
  // By then a window is the newest behind which all are held.
  await clock.advance(5 * 600_000);
  assert.deepEqual(await come(), { now: ["stray", 1], rows: 4, truncated: undefined });
});

test("what was let go while the clock was ahead is answered again once it is set right", async () => {
  const { clock, rules, connect, count } = liveDesk();
  const series = rules.set({ rule_id: "kept", retentionSeconds: 3600 });
  count(0, "click", 7, series);
  const watch = (): ReturnType<typeof connect> => {
    const client = connect();
    client.say({ subscribe_rules: ["kept"], interval_ms: 100 });
    return client;
  };
  const client = watch();
  await clock.advance(500);
  const rows = [["2026-01-17T19:30:00Z", "click", 7]];
  assert.deepEqual(client.take()[0]?.data, rows);
  clock.step(2 * hours);
  const ahead = watch();
  await clock.advance(1000);
  assert.deepEqual(ahead.take()[0]?.data, []);
  clock.step(-2 * hours);
  await clock.advance(1000);
  assert.deepEqual(ahead.take()[0]?.data, rows);
  const later = watch();
  await clock.advance(1000);
  assert.deepEqual(later.take()[0]?.data, rows);
});
