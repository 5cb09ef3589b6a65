import assert from "node:assert/strict";
import { test } from "node:test";
import { liveDesk, minute } from "../../test/support/live-desk.ts";

const watch = { subscribe_rules: ["clicks"] };

test("on subscribing the newest window's rows come at once, in the documented shape", async () => {
  const { clock, connect, count } = liveDesk();
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
  const { clock, connect } = liveDesk();
  const client = connect();
  client.say(watch);
  await clock.advance(50);
  assert.deepEqual(
    client.take().map(({ data }) => data),
    [[]],
  );
});

test("then only rows that changed come, at most every five seconds, and nothing while nothing changes", async () => {
  const { clock, connect, count, store } = liveDesk();
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
  const { clock, connect, count, store } = liveDesk();
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
  const { clock, connect, count, store, rules, progress } = liveDesk();
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
  const { clock, connect, count } = liveDesk({ subscriptionsMax: 1 });
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
  const { clock, connect, count } = liveDesk();
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
  const { clock, connect, rules } = liveDesk();
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
  const { clock, connect, count, rules, store } = liveDesk();
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
  const { clock, connect, store, progress, series } = liveDesk();
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
  const { clock, connect, count } = liveDesk();
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
  const { hub, connect, progress } = liveDesk({ connectionsMax: 2, messagesBurst: 3 });
  const [noisy, quiet] = [connect(), connect()];
  assert.equal(connect().closedFor, "too_many_sockets");
  for (let index = 0; index < 4; index++) noisy.say(watch);
  assert.equal(noisy.closedFor, "too_many_messages");
  assert.equal(hub.connectionCount, 1);
  hub.stop();
  assert.equal(quiet.closedFor, "stopping");
  assert.equal(progress.listeners, 0);
});

test("a message of many rules counts as many messages", async () => {
  const { clock, connect } = liveDesk();
  const ids = Array.from({ length: 1000 }, (_, index) => `r${index}`);
  const [dashboard, flood] = [connect(), connect()];
  dashboard.say({ subscribe_rules: ids });
  dashboard.say({ unsubscribe_rules: ids });
  for (let index = 0; index < 10; index++) flood.say({ subscribe_rules: ids });
  assert.deepEqual([dashboard.closedFor, flood.closedFor], [undefined, undefined]);
  await clock.advance(500);
  // By now it may send half as many rules.
  flood.say({ unsubscribe_rules: ids });
  assert.equal(flood.closedFor, "too_many_messages");
});

test("a store that is away is asked again, with pauses, and nothing is lost", async () => {
  const { clock, connect, count, store, errors } = liveDesk();
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
  const { clock, connect, count } = liveDesk({ readRowsMax: 3 });
  for (const group of ["a", "b", "c", "d"]) count(0, group, 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 50 });
  await clock.advance(100);
  assert.deepEqual(
    client.take().map(({ data, truncated }) => [data?.length, truncated]),
    [[3, true]],
  );
});

test("what is held is read again when more was touched than is remembered: no snapshot has an old value", async () => {
  const { clock, connect, count } = liveDesk({ newestWindows: 1, windowsMax: 3 });
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
  const { clock, connect, count, rules, store } = liveDesk({ newestWindows: 1 });
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

test("who subscribes after a rule was changed is shown nothing of the version before", async () => {
  const { clock, connect, count, rules, store } = liveDesk();
  count(0, "before", 1);
  const first = connect();
  first.say({ subscribe_rules: ["clicks"] });
  await clock.advance(1000);
  const series = rules.set({ rule_id: "clicks", windowSeconds: 600, group_by: ["user_id"] });
  store.set(series, { windowStart: clock.now() - (clock.now() % (10 * minute)), group: ["after"], value: 2 });
  const second = connect();
  second.say({ subscribe_rules: ["clicks"] });
  await clock.advance(1000);
  assert.deepEqual([...second.assembled.get("clicks")!.values()], [2]);
});

test("a row that the store had before its batch was told of comes to who subscribed in between, once", async () => {
  const { clock, connect, count, store, progress, series } = liveDesk();
  count(0, "click", 1);
  // A batch is stored, and the store's answer is on its way.
  const late = clock.now() - (clock.now() % (10 * minute)) - 10 * minute;
  store.set(series, { windowStart: late, group: ["late"], value: 1 });
  const client = connect();
  client.say({ ...watch, interval_ms: 100 });
  await clock.advance(1000);
  assert.deepEqual(
    client.take().map(({ data }) => data?.length),
    [1],
  );
  for (const expected of [[1], []]) {
    progress.touch([late / 1000]);
    await clock.advance(1000);
    assert.deepEqual(
      client.take().map(({ data }) => data?.length),
      expected,
    );
  }
});

test("a row that was read before earlier batches of another process were told of comes to who subscribed in between", async () => {
  const { clock, connect, count, store, progress, series } = liveDesk();
  count(0, "click", 1);
  const late = clock.now() - (clock.now() % (10 * minute)) - 10 * minute;
  store.set(series, { windowStart: late, group: ["late"], value: 1 });
  const [first, second] = [connect(), connect()];
  first.say({ ...watch, interval_ms: 100 });
  await clock.advance(1000);
  // Of the batch before, which is told of only now.
  progress.touch([late / 1000 + 600], { elsewhere: true });
  await clock.advance(1000);
  second.say({ ...watch, interval_ms: 100 });
  await clock.advance(1000);
  second.take();
  progress.touch([late / 1000], { elsewhere: true });
  await clock.advance(1000);
  assert.deepEqual(
    second.take().map(({ data }) => data),
    [[["2026-01-17T19:20:00Z", "late", 1]]],
  );
});

test("who watches says how often, in both modes, and no more when he has gone or the rule has", async () => {
  const { clock, connect, progress, rules } = liveDesk();
  const often = (): number => progress.demand.everyMs;
  const [one, another] = [connect(), connect()];
  one.say({ ...watch, interval_ms: 400 });
  assert.equal(often(), 400);
  one.say({ ...watch, interval_ms: 700 });
  assert.equal(often(), 700);
  another.say({ ...watch, mode: "delta", interval_ms: 100 });
  assert.equal(often(), 100);
  another.say({ ...watch, interval_ms: 300 });
  assert.equal(often(), 300);
  another.say({ unsubscribe_rules: ["clicks"] });
  assert.equal(often(), 700);
  one.connection?.closed();
  assert.equal(often(), Infinity);
  connect().say({ ...watch, mode: "delta" });
  connect().say(watch);
  assert.equal(often(), 250);
  rules.delete("clicks");
  await clock.advance(1000);
  assert.equal(often(), Infinity);
});
