import assert from "node:assert/strict";
import { test } from "node:test";
import { liveDesk, minute } from "../../test/support/live-desk.ts";

const watch = { subscribe_rules: ["clicks"] };

const seconds = (count: number) => ({ unit: "second", count }) as const;
const hop = seconds(60);

test("of hopping windows every one is pushed in which an event lies", async () => {
  const { clock, connect, rules, store, progress } = liveDesk();
  const at = clock.now() - 86_400_000;
  const series = rules.set({ rule_id: "hops", window: { kind: "hopping", size: seconds(180), hop, pane: hop } });
  const client = connect();
  client.say({ subscribe_rules: ["hops"], interval_ms: 50 });
  await clock.advance(300);
  client.take();
  store.set(series, { windowStart: clock.now(), group: ["click"], value: 9 });
  for (let windows = -3; windows <= 1; windows++)
    store.set(series, { windowStart: at + windows * minute, group: ["click"], value: 1 });
  progress.touch([at / 1000 + 59]);
  await clock.advance(300);
  assert.deepEqual(
    client.take().map(({ data, truncated }) => [data?.map((row) => row[0]), truncated]),
    [[["2026-01-16T19:30:00Z", "2026-01-16T19:29:00Z", "2026-01-16T19:28:00Z"], undefined]],
  );
});

test("a window that grows is pushed as it is at its newest end", async () => {
  const { clock, connect, rules, store, progress } = liveDesk({ readRowsMax: 3 });
  const windowStart = clock.now();
  const series = rules.set({ rule_id: "grows", window: { kind: "cumulative", size: seconds(600), hop, pane: hop } });
  // As the store answers: the newest end first.
  store.windows = async () =>
    [3, 2, 1]
      .flatMap((ends) =>
        ["a", "b"].map((group) => ({
          windowStart,
          windowEnd: windowStart + ends * minute,
          group: [group],
          value: ends,
        })),
      )
      .slice(0, 4);
  store.set(series, { windowStart, group: ["a"], value: 3 });
  const client = connect();
  client.say({ subscribe_rules: ["grows"], interval_ms: 50 });
  progress.touch([windowStart / 1000]);
  await clock.advance(300);
  assert.deepEqual(
    client.take().map(({ data, truncated }) => [data, truncated]),
    [
      [
        [
          ["2026-01-17T19:30:00Z", "a", 3],
          ["2026-01-17T19:30:00Z", "b", 3],
        ],
        undefined,
      ],
    ],
  );
});

test("a day that is touched late is pushed, however many rows the day behind it has", async () => {
  const { clock, connect, rules, store, progress } = liveDesk({ readRowsMax: 3, newestWindows: 1 });
  const day = { unit: "day", timezone: "America/New_York" } as const;
  const series = rules.set({ rule_id: "days", window: { kind: "tumbling", size: day, pane: day } });
  const [yesterday, today] = [Date.UTC(2026, 0, 16, 5), Date.UTC(2026, 0, 17, 5)];
  for (const group of ["a", "b", "c", "d", "e"]) store.set(series, { windowStart: today, group: [group], value: 1 });
  const client = connect();
  client.say({ subscribe_rules: ["days"], interval_ms: 50 });
  await clock.advance(300);
  client.take();
  store.set(series, { windowStart: yesterday, group: ["a"], value: 7 });
  store.reads = [];
  progress.touch([yesterday / 1000 + 5]);
  await clock.advance(1000);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-16T05:00:00Z", "a", 7]]],
  );
  assert.deepEqual(store.reads, [`windows ${series}`]);
});

test("what changed and is not looked at is told of: nothing is left out in silence", async () => {
  const { clock, connect, count, store, progress, series } = liveDesk({ newestWindows: 1 });
  count(0, "click", 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(300);
  client.take();
  for (const tell of [() => progress.touch(null), () => progress.changeSeries(series)]) {
    store.set(series, { windowStart: clock.now() - 86_400_000, group: ["click"], value: clock.now() });
    tell();
    await clock.advance(300);
    assert.deepEqual(
      client.take().map(({ data, truncated }) => [data, truncated]),
      [[[], true]],
    );
  }
});

test("a version whose windows are of another kind starts anew", async () => {
  const { clock, connect, count, rules, store } = liveDesk();
  count(0, "click", 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(300);
  client.take();
  const window = { kind: "hopping", size: seconds(600), hop, pane: hop } as const;
  const series = rules.set({ rule_id: "clicks", window });
  store.set(series, { windowStart: clock.now() - (clock.now() % minute), group: ["click"], value: 1 });
  await clock.advance(600);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-17T19:30:00Z", "click", 1]]],
  );
});

test("who still waits for a snapshot when windows change that nobody can name is told that there may be more", async () => {
  const { clock, progress, series, connect, count } = liveDesk();
  count(0, "a", 1);
  const client = connect();
  client.backlog = 1e6;
  client.say({ subscribe_rules: ["clicks"] });
  await clock.advance(1000);
  // A fill is complete: what it wrote long ago in event time is not among the newest windows.
  progress.changeSeries(series);
  await clock.advance(1000);
  client.backlog = 0;
  await clock.advance(1000);
  const [snapshot] = client.take();
  assert.equal(snapshot?.truncated, true);
  const other = connect();
  other.say({ subscribe_rules: ["clicks"] });
  await clock.advance(1000);
  assert.equal(other.take()[0]?.truncated, undefined);
});

test("who waits for a snapshot while more is touched than is remembered is told that there may be more", async () => {
  const { clock, connect, count } = liveDesk({ newestWindows: 1, windowsMax: 5 });
  count(0, "a", 1);
  const client = connect();
  client.backlog = 1e6;
  client.say({ subscribe_rules: ["clicks"] });
  // Few at a time, so that each is read and nothing overflows but what belongs to the snapshot.
  for (let windows = -1; windows >= -8; windows--) {
    count(windows, "late", 1);
    await clock.advance(1000);
  }
  client.backlog = 0;
  await clock.advance(1000);
  const [snapshot] = client.take();
  assert.deepEqual([snapshot?.data?.length, snapshot?.truncated], [6, true]);
});
