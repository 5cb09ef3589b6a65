import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveClient } from "../../test/support/live-client.ts";
import { MemoryProgress } from "../../test/support/memory-progress.ts";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { Hub } from "./hub.ts";
import type { LiveLimits } from "./limits.ts";

const minute = 60_000;

function setUp(limits: Partial<LiveLimits> = {}) {
  const clock = new SimulatedClock();
  const start = clock.now();
  const store = new MemoryStore();
  const progress = new MemoryProgress();
  const rules = new MemoryRules();
  const series = rules.set({ rule_id: "clicks" });
  const errors: unknown[] = [];
  const live = {
    find: (id: string) => rules.list().find((rule) => rule.rule_id === id),
    answering: rules.answering.bind(rules),
  };
  const hub = new Hub({ store, rules: live, progress, clock, limits, onError: (error) => errors.push(error) });
  hub.start();
  const connect = (): LiveClient => {
    const client = new LiveClient(clock);
    client.connection = hub.connect(client);
    return client;
  };
  /** Sets a value `windows` windows after the start, as the processor would, and tells of it. */
  const count = (windows: number, group: string | null, value: number, of = series): void => {
    const windowStart = start + windows * 10 * minute;
    store.set(of, { windowStart, group: [group], value });
    progress.touch([windowStart / 1000 + 5]);
  };
  return { clock, store, progress, rules, series, hub, connect, count, errors };
}

const watch = { subscribe_rules: ["clicks"] };

test("on subscribing the newest window's rows come at once, in the documented shape", async () => {
  const { clock, connect, count } = setUp();
  count(-1, "click", 9);
  count(0, "view", 3);
  count(0, "click", 2082);
  const client = connect();
  client.say(watch);
  await clock.advance(50);
  assert.deepEqual(client.take(), [
    {
      rule_id: "clicks",
      timestamp: "2026-01-17T19:30:00.025Z",
      data: [
        ["2026-01-17T19:30:00Z", "click", 2082],
        ["2026-01-17T19:30:00Z", "view", 3],
      ],
    },
  ]);
});

test("a rule without windows says so by an empty push", async () => {
  const { clock, connect } = setUp();
  const client = connect();
  client.say(watch);
  await clock.advance(50);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[]],
  );
});

test("then only rows that changed come, at most every five seconds, and nothing while nothing changes", async () => {
  const { clock, connect, count, store } = setUp();
  count(-1, "click", 1);
  count(0, "click", 1);
  count(0, "view", 1);
  const client = connect();
  client.say(watch);
  await clock.advance(100);
  client.take();
  for (let value = 2; value <= 20; value++) {
    count(0, "click", value);
    await clock.advance(1000);
  }
  const pushes = client.take();
  assert.ok(pushes.length === 3, `${pushes.length} pushes in 19 s`);
  assert.ok(pushes.every(({ data }) => data?.length === 1));
  await clock.advance(10_000);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-17T19:30:00Z", "click", 20]]],
  );
  store.reads = [];
  await clock.advance(60_000);
  assert.deepEqual([client.take(), store.reads], [[], []]);
  count(-1, "click", 2);
  await clock.advance(100);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-17T19:20:00Z", "click", 2]]],
  );
});

test("a touch that changes nothing is read and not pushed", async () => {
  const { clock, connect, count, store } = setUp();
  count(0, "click", 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 100 });
  await clock.advance(1000);
  client.take();
  store.reads = [];
  count(0, "click", 1);
  await clock.advance(1000);
  assert.deepEqual([client.take(), store.reads.length], [[], 1]);
});

test("a rule is read once however many watch it, and only if somebody does", async () => {
  const { clock, connect, count, store, rules, progress } = setUp();
  const other = rules.set({ rule_id: "unwatched" });
  count(0, "click", 1);
  const clients = Array.from({ length: 50 }, connect);
  for (const client of clients) client.say({ ...watch, interval_ms: 1000 });
  await clock.advance(2000);
  store.reads = [];
  count(0, "click", 2);
  await clock.advance(100);
  assert.deepEqual(store.reads, ["windows 16"]);
  assert.ok(clients.every((client) => client.take().length === 2));
  for (const client of clients) client.connection?.closed();
  store.reads = [];
  count(0, "click", 3, other);
  progress.touch(null);
  await clock.advance(10_000);
  assert.deepEqual(store.reads, []);
});

test("mistakes are told by code, and the socket stays", async () => {
  const { clock, connect, count } = setUp({ subscriptionsMax: 1 });
  count(0, "click", 1);
  const client = connect();
  client.connection?.receive("{");
  client.say({ subscribe: ["clicks"] });
  client.say({ subscribe_rules: ["nope", "clicks", "clicks"] });
  client.say({ subscribe_rules: ["more"] });
  assert.deepEqual(
    client.take().map(({ code, rule_id }) => [code, rule_id]),
    [
      ["invalid_json", undefined],
      ["invalid_message", undefined],
      ["unknown_rule", "nope"],
      ["too_many_subscriptions", "more"],
    ],
  );
  await clock.advance(100);
  assert.equal(client.take().length, 1);
  assert.equal(client.closedFor, undefined);
});

test("nothing comes after unsubscribing", async () => {
  const { clock, connect, count } = setUp();
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(100);
  client.take();
  client.say({ unsubscribe_rules: ["clicks", "never asked for"] });
  count(0, "click", 1);
  await clock.advance(10_000);
  assert.deepEqual(client.take(), []);
});

test("a deleted rule is told of", async () => {
  const { clock, connect, rules } = setUp();
  const client = connect();
  client.say(watch);
  await clock.advance(100);
  client.take();
  rules.delete("clicks");
  await clock.advance(300);
  assert.deepEqual(
    client.take().map(({ code, rule_id }) => [code, rule_id]),
    [["rule_deleted", "clicks"]],
  );
});

test("a new version of the same shape is compared with what was sent, one of another shape starts anew", async () => {
  const { clock, connect, count, rules, store } = setUp();
  count(-1, "click", 1);
  count(0, "click", 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(300);
  client.take();
  const second = rules.set({ rule_id: "clicks" });
  store.set(second, { windowStart: clock.now() - (clock.now() % (10 * minute)), group: ["click"], value: 1 });
  store.set(second, {
    windowStart: clock.now() - (clock.now() % (10 * minute)) - 10 * minute,
    group: ["click"],
    value: 7,
  });
  await clock.advance(600);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-17T19:20:00Z", "click", 7]]],
  );
  const third = rules.set({ rule_id: "clicks", group_by: [], windowSeconds: 60 });
  store.set(third, { windowStart: clock.now() - (clock.now() % minute), group: [], value: 5 });
  await clock.advance(600);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-17T19:30:00Z", 5]]],
  );
});

test("what was filled is pushed", async () => {
  const { clock, connect, store, progress, series } = setUp();
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(300);
  client.take();
  store.set(series, { windowStart: Date.UTC(2026, 0, 17, 18), group: ["click"], value: 1 });
  progress.changeSeries(series);
  await clock.advance(300);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-17T18:00:00Z", "click", 1]]],
  );
});

test("a slow client is skipped and then has the newest values; one that never reads is closed", async () => {
  const { clock, connect, count } = setUp();
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(100);
  client.take();
  client.backlog = 300_000;
  for (let value = 1; value <= 10; value++) {
    count(value, "click", value);
    await clock.advance(1000);
  }
  assert.deepEqual(client.take(), []);
  client.backlog = 0;
  await clock.advance(100);
  const [push, ...others] = client.take();
  assert.deepEqual([push?.data?.length, others], [10, []]);
  client.backlog = 300_000;
  count(0, "click", 99);
  await clock.advance(19_000);
  assert.equal(client.closedFor, undefined);
  await clock.advance(1500);
  assert.equal(client.closedFor, "too_slow");
});

test("too many messages, too many clients, and the end have their reasons", async () => {
  const { hub, connect, progress } = setUp({ connectionsMax: 2, messagesBurst: 3 });
  const [noisy, quiet] = [connect(), connect()];
  assert.equal(connect().closedFor, "too_many_sockets");
  for (let index = 0; index < 4; index++) noisy.say(watch);
  assert.equal(noisy.closedFor, "too_many_messages");
  assert.equal(hub.connectionCount, 1);
  hub.stop();
  assert.equal(quiet.closedFor, "stopping");
  assert.equal(progress.listeners, 0);
});

test("a store that is away is asked again, with pauses, and nothing is lost", async () => {
  const { clock, connect, count, store, errors } = setUp();
  const client = connect();
  store.before = () => Promise.reject(new Error("away"));
  client.say({ ...watch, interval_ms: 50 });
  count(0, "click", 1);
  await clock.advance(20_000);
  assert.ok(errors.length > 3 && errors.length < 15, `${errors.length} failures`);
  assert.deepEqual(client.take(), []);
  store.before = async () => {};
  await clock.advance(5100);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-17T19:30:00Z", "click", 1]]],
  );
});

test("a window with more rows than a read may have is cut, and says so", async () => {
  const { clock, connect, count } = setUp({ readRowsMax: 3 });
  for (const group of ["a", "b", "c", "d"]) count(0, group, 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(100);
  assert.deepEqual(
    client.take().map(({ data, truncated }) => [data?.length, truncated]),
    [[3, true]],
  );
});

const seconds = (count: number) => ({ unit: "second", count }) as const;
const hop = seconds(60);

test("of hopping windows every one is pushed in which an event lies", async () => {
  const { clock, connect, rules, store, progress } = setUp();
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
  const { clock, connect, rules, store, progress } = setUp({ readRowsMax: 3 });
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
  const { clock, connect, rules, store, progress } = setUp({ readRowsMax: 3, newestWindows: 1 });
  const day = { unit: "day", timezone: "America/New_York" } as const;
  const series = rules.set({ rule_id: "days", window: { kind: "tumbling", size: day, pane: day } });
  const [yesterday, today] = [Date.UTC(2026, 0, 16, 5), Date.UTC(2026, 0, 17, 5)];
  for (const group of ["a", "b", "c", "d", "e"]) store.set(series, { windowStart: today, group: [group], value: 1 });
  const client = connect();
  client.say({ subscribe_rules: ["days"], interval_ms: 50 });
  await clock.advance(300);
  client.take();
  store.set(series, { windowStart: yesterday, group: ["a"], value: 7 });
  progress.touch([yesterday / 1000 + 5]);
  store.reads = [];
  await clock.advance(1000);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[["2026-01-16T05:00:00Z", "a", 7]]],
  );
  assert.deepEqual(store.reads, [`windows ${series}`]);
});

test("what changed and is not looked at is told of: nothing is left out in silence", async () => {
  const { clock, connect, count, store, progress, series } = setUp({ newestWindows: 1 });
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
  const { clock, connect, count, rules, store } = setUp();
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

test("what is held is read again when more was touched than is remembered: no snapshot has an old value", async () => {
  const { clock, connect, count } = setUp({ newestWindows: 1, windowsMax: 3 });
  count(0, "click", 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(300);
  count(-20, "click", 1);
  await clock.advance(300);
  client.take();
  for (let windows = -20; windows <= -16; windows++) count(windows, "click", 2);
  client.say(watch);
  await clock.advance(300);
  const rows = client.take().flatMap(({ data }) => data ?? []);
  assert.deepEqual(rows.find(([start]) => start === "2026-01-17T16:10:00Z")?.at(-1), 2);
});

test("a rule that is deleted and made again is another one, also of the same version", async () => {
  const { clock, connect, count, rules, store } = setUp({ newestWindows: 1 });
  count(0, "click", 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(300);
  client.take();
  rules.set({ rule_id: "clicks", version: 1 });
  const series = rules.get("clicks").versions.at(-1)!.series;
  store.set(series, { windowStart: clock.now() - (clock.now() % (10 * minute)), group: ["click"], value: 5 });
  await clock.advance(600);
  assert.deepEqual(
    client.take().map(({ data, truncated }) => [data, truncated]),
    [[[["2026-01-17T19:30:00Z", "click", 5]], true]],
  );
});
