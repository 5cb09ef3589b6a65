import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../../test/support/exact-desk.ts";
import { minute } from "../../../test/support/live-desk.ts";

const window = 10 * minute;
const kinds = (messages: readonly { type: string }[]): string[] => messages.map(({ type }) => type);

test("a snapshot, what changes, what closes, and a heartbeat, as they are documented", async () => {
  const { clock, client, take, count, progress } = exactDesk();
  progress.through = clock.now();
  count(-1, "view", 3);
  count(0, "click", 2082);
  const one = client();
  one.watch("clicks", { interval_ms: 100 });
  await clock.advance(100);
  const row = (minutes: number, event_type: string, value: number, final: boolean) => ({
    window_start: `2026-01-17T19:${minutes}:00Z`,
    ...{ event_type, value },
    window_end: `2026-01-17T19:${minutes + 10}:00Z`,
    final,
  });
  assert.deepEqual(take(one), [
    {
      ...{ type: "snapshot", rule_id: "clicks", version: 1, epoch: "test.1.mki49aio", seq: 1 },
      ...{ from: "2026-01-17T09:40:00Z", complete: true },
      rows: [row(30, "click", 2082, false), row(20, "view", 3, true)],
    },
  ]);
  count(0, "buy", 1);
  await clock.advance(400);
  assert.deepEqual(take(one), [
    {
      ...{ type: "delta", rule_id: "clicks", seq: 2, prev: 1 },
      rows: [row(30, "buy", 1, false), row(30, "click", 2082, false)],
    },
  ]);
  progress.lag = 12;
  await clock.advance(5000);
  assert.deepEqual(take(one), [{ type: "heartbeat", rule_id: "clicks", seq: 2, lag_ms: 12 }]);
  progress.through = clock.now() + window;
  await clock.advance(200);
  assert.deepEqual(take(one), [
    {
      ...{ type: "final", rule_id: "clicks" },
      ...{ window_start: "2026-01-17T19:30:00Z", window_end: "2026-01-17T19:40:00Z" },
    },
  ]);
  assert.deepEqual(
    one.assembler.rows("clicks")?.map(({ final }) => final),
    [true, true, true],
  );
});

test("a window that no event entered closes as well", async () => {
  const { clock, client, take, progress } = exactDesk();
  progress.through = clock.now();
  const one = client();
  one.watch("clicks");
  await clock.advance(100);
  progress.through += 2 * window;
  await clock.advance(1000);
  assert.deepEqual(kinds(take(one)), ["snapshot", "final", "final"]);
});

test("a window without rows is gone", async () => {
  const { clock, client, take, count, store, progress, series } = exactDesk();
  count(0, "click", 1);
  const one = client();
  one.watch("clicks");
  await clock.advance(300);
  take(one);
  store.remove(series, clock.now() - (clock.now() % window));
  progress.changeSeries(series);
  await clock.advance(500);
  assert.deepEqual(take(one), [
    { type: "delta", rule_id: "clicks", seq: 2, prev: 1, rows: [], gone: ["2026-01-17T19:30:00Z"] },
  ]);
});

test("a rule is read once however many watch it, and what rests costs nothing but heartbeats", async () => {
  const { clock, client, take, count, store, progress, rules } = exactDesk();
  rules.set({ rule_id: "unwatched" });
  count(0, "click", 1);
  const clients = Array.from({ length: 50 }, client);
  for (const one of clients) one.watch("clicks", { interval_ms: 1000 });
  await clock.advance(2000);
  for (const one of clients) take(one);
  store.reads = [];
  count(0, "click", 2);
  await clock.advance(1000);
  assert.deepEqual(store.reads, ["windows 16"]);
  for (const one of clients) assert.deepEqual(kinds(take(one)), ["delta"]);
  // Touched, but none of its windows: what is before the snapshot is not looked at.
  progress.touch([Date.UTC(2020, 0, 1) / 1000]);
  await clock.advance(20_000);
  assert.deepEqual(store.reads, ["windows 16"]);
  assert.deepEqual(kinds(take(clients[0]!)), ["heartbeat", "heartbeat", "heartbeat", "heartbeat"]);
});

test("an event of tomorrow does not push the newest windows out of sight", async () => {
  const { clock, client, take, count } = exactDesk({ newestWindows: 3 });
  count(0, "click", 1);
  count(100, "click", 2);
  const one = client();
  one.watch("clicks");
  await clock.advance(100);
  const [snapshot] = take(one);
  assert.ok(snapshot?.type === "snapshot");
  assert.deepEqual([snapshot.from, snapshot.rows.length], ["2026-01-17T19:10:00Z", 2]);
});

test("of a rule without windows everything is watched", async () => {
  const { clock, client, take, count } = exactDesk();
  const one = client();
  one.watch("clicks");
  await clock.advance(100);
  count(-10_000, "click", 1);
  await clock.advance(500);
  assert.deepEqual(kinds(take(one)), ["snapshot", "delta"]);
});

test("who comes back gets what is missing alone, unless it is too late, or from another process", async () => {
  const { clock, client, take, count } = exactDesk({ lingerMs: 1000 });
  count(-1, "click", 1);
  count(0, "click", 1);
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(300);
  take(one);
  one.drop();
  count(0, "click", 2);
  await clock.advance(500);
  one.connect();
  await clock.advance(300);
  const [delta, ...more] = take(one);
  assert.ok(delta?.type === "delta" && more.length === 0);
  assert.deepEqual(
    delta.rows.map(({ value }) => value),
    [2],
  );
  one.drop();
  await clock.advance(1500);
  one.connect();
  await clock.advance(300);
  assert.deepEqual(
    take(one).map((message) => ("reason" in message ? message.reason : message.type)),
    ["resume_too_old", "snapshot"],
  );
  for (const epoch of ["", "other.1.0", "test.9.0", "test.3", "test.zz.zz", "test.3.-1"]) {
    one.assembler.subscribe("clicks");
    one.say({ subscribe_rules: ["clicks"], mode: "delta", resume: { clicks: { epoch, seq: 1 } } });
    await clock.advance(300);
    assert.deepEqual(kinds(take(one)), ["reset", "snapshot"], epoch);
  }
});

test("a slow client is skipped, then begins anew; one that never reads is closed", async () => {
  const { clock, client, take, count } = exactDesk({ backlogBytesMax: 150 });
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(300);
  take(one);
  for (let value = 1; value <= 5; value++) {
    count(0, "click", value);
    await clock.advance(500);
  }
  // The first change had filled the line.
  assert.deepEqual(kinds(take(one)), ["delta"]);
  await clock.advance(300);
  const [reset, snapshot] = take(one);
  assert.ok(reset?.type === "reset" && snapshot?.type === "snapshot");
  assert.deepEqual([reset.reason, snapshot.rows[0]?.value], ["too_slow", 5]);
  count(0, "click", 6);
  await clock.advance(19_000);
  assert.equal(one.closedFor, undefined);
  await clock.advance(2000);
  assert.equal(one.closedFor, "too_slow");
});

test("who is still reading a large snapshot has missed nothing: he gets what has changed", async () => {
  const { clock, client, take, count } = exactDesk({ backlogBytesMax: 150 });
  for (const group of ["a", "b", "c"]) count(0, group, 1);
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(300);
  count(0, "a", 2);
  await clock.advance(3000);
  assert.deepEqual(kinds(take(one)), ["snapshot"]);
  await clock.advance(300);
  assert.deepEqual(kinds(take(one)), ["delta"]);
});

test("of more than is kept the oldest windows are left out, and that is said", async () => {
  const { clock, client, take, count } = exactDesk({ mirrorBytesMax: 1000, readRowsMax: 3 });
  for (let windows = -20; windows <= 0; windows++) count(windows, "click", 1);
  const one = client();
  one.watch("clicks", { from: "0" });
  await clock.advance(500);
  const [snapshot] = take(one);
  assert.ok(snapshot?.type === "snapshot");
  assert.deepEqual([snapshot.from, snapshot.truncated, snapshot.rows.length], ["2026-01-17T18:20:00Z", true, 8]);
  for (let windows = 1; windows <= 4; windows++) count(windows, "click", 1);
  await clock.advance(1000);
  const grown = take(one);
  assert.deepEqual(kinds(grown), ["reset", "snapshot"]);
  assert.ok(grown[0]?.type === "reset" && grown[0].reason === "too_large");
});

test("a window that is too large alone is not watched, and the others are", async () => {
  const { clock, client, take, count, rules, store } = exactDesk({ mirrorBytesMax: 1000, readRowsMax: 3 });
  const small = rules.set({ rule_id: "small" });
  store.set(small, { windowStart: clock.now(), group: ["click"], value: 1 });
  const one = client();
  one.watch("clicks");
  one.watch("small");
  await clock.advance(500);
  assert.deepEqual(kinds(take(one)), ["snapshot", "snapshot"]);
  for (let group = 0; group < 20; group++) count(0, `g${group}`, 1);
  const other = client();
  await clock.advance(500);
  other.watch("clicks");
  await clock.advance(500);
  for (const each of [one, other])
    assert.deepEqual(
      take(each).map((message) => ("code" in message ? [message.code, message.rule_id] : message.type)),
      [["too_large", "clicks"]],
    );
  await clock.advance(10_000);
  assert.deepEqual(kinds(take(one)), ["heartbeat", "heartbeat"]);
});

test("what waits in all sockets together has a bound", async () => {
  const { clock, client, count, hub } = exactDesk({ backlogBytesAllMax: 2000 });
  for (const group of ["a", "b", "c", "d"]) count(0, group, 1);
  const clients = Array.from({ length: 20 }, client);
  for (const one of clients) one.watch("clicks", { interval_ms: 50 });
  await clock.advance(300);
  const waiting = () => clients.reduce((sum, one) => sum + one.bufferedBytes(), 0);
  assert.ok(waiting() > 1000 && waiting() < 4000, String(waiting()));
  for (let round = 0; round < 20; round++) {
    await clock.advance(300);
    for (const one of clients) one.read();
  }
  for (const one of clients) assert.equal(one.assembler.rows("clicks")?.length, 4);
  assert.equal(hub.connectionCount, 20);
});

test("a rule that changes is told of at once, one that is deleted too", async () => {
  const { clock, client, take, rules, count, store } = exactDesk();
  count(0, "click", 1);
  const one = client();
  one.watch("clicks");
  await clock.advance(300);
  take(one);
  store.before = () => Promise.reject(new Error("away"));
  rules.set({ rule_id: "clicks", group_by: [] });
  await clock.advance(500);
  assert.deepEqual(take(one), [{ type: "reset", rule_id: "clicks", reason: "rule_changed" }]);
  store.before = async () => {};
  await clock.advance(5500);
  const [snapshot] = take(one);
  assert.ok(snapshot?.type === "snapshot" && snapshot.version === 2);
  rules.delete("clicks");
  await clock.advance(300);
  assert.deepEqual(
    take(one).map((message) => "code" in message && [message.code, message.rule_id]),
    [["rule_deleted", "clicks"]],
  );
});

test("what is kept no longer when the store's answer comes is not shown", async () => {
  const { clock, client, rules, store } = exactDesk();
  const series = rules.set({ rule_id: "kept", retentionSeconds: 300 });
  store.set(series, { windowStart: clock.now() - window, group: ["click"], value: 1 });
  const windows = store.windows.bind(store);
  store.windows = async (query) => {
    const rows = await windows(query);
    await clock.sleep(2 * window);
    return rows;
  };
  const one = client();
  one.watch("kept", { from: "0" });
  await clock.advance(2 * window + 1000);
  one.read();
  assert.deepEqual(one.assembler.rows("kept"), []);
});

test("who does not read is told that a rule was deleted when he does", async () => {
  const { clock, client, take, count, rules } = exactDesk({ backlogBytesMax: 100 });
  count(0, "click", 1);
  const one = client();
  one.watch("clicks");
  await clock.advance(300);
  rules.delete("clicks");
  await clock.advance(1000);
  rules.set({ rule_id: "clicks" });
  await clock.advance(1000);
  assert.deepEqual(kinds(take(one)), ["snapshot"]);
  await clock.advance(1000);
  assert.deepEqual(kinds(take(one)), ["error"]);
});

test("a read that fails while as many windows are touched as are remembered loses none of them", async () => {
  const { clock, client, take, count, store } = exactDesk({ windowsMax: 3 });
  for (let windows = -5; windows <= 0; windows++) count(windows, "click", 1);
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(300);
  take(one);
  store.before = async () => {
    await clock.sleep(500);
    throw new Error("away");
  };
  count(0, "click", 2);
  await clock.advance(100);
  for (let windows = -3; windows <= -1; windows++) count(windows, "click", 2);
  await clock.advance(500);
  store.before = async () => {};
  await clock.advance(6000);
  one.read();
  assert.deepEqual(
    one.assembler.rows("clicks")?.map(({ value }) => value),
    [2, 2, 2, 2, 1, 1],
  );
});

test("both modes on one socket; a rule is watched in one of them", async () => {
  const { clock, connect, count, rules } = exactDesk();
  rules.set({ rule_id: "other" });
  count(0, "click", 1);
  const client = connect();
  client.say({ subscribe_rules: ["clicks"], interval_ms: 50 });
  client.say({ subscribe_rules: ["other"], mode: "delta" });
  await clock.advance(300);
  assert.deepEqual(
    client.take().map(({ type, rule_id }) => [type, rule_id]),
    [
      [undefined, "clicks"],
      ["snapshot", "other"],
    ],
  );
  client.say({ subscribe_rules: ["clicks"], mode: "delta" });
  await clock.advance(300);
  count(0, "click", 2);
  await clock.advance(300);
  assert.deepEqual(
    client.take().map(({ type }) => type),
    ["snapshot", "delta"],
  );
  client.say({ subscribe_rules: ["clicks"] });
  client.say({ unsubscribe_rules: ["other"] });
  await clock.advance(300);
  count(0, "click", 3);
  await clock.advance(6000);
  assert.deepEqual(
    client.take().map(({ type }) => type),
    [undefined, undefined],
  );
});

test("mistakes are told by code, and the socket stays", async () => {
  const { clock, connect, count, rules } = exactDesk({ subscriptionsMax: 500 });
  count(0, "click", 1);
  for (let index = 0; index < 1000; index++) rules.set({ rule_id: `r${index}` });
  const client = connect();
  client.say({ subscribe_rules: ["nope", "clicks"], mode: "delta", interval_ms: 49 });
  client.say({ subscribe_rules: ["clicks"], mode: "delta", from: "long ago" });
  client.say({ subscribe_rules: ["clicks"], mode: "delta", resume: { nope: { epoch: "a", seq: 1 } } });
  client.say({ subscribe_rules: ["nope"], mode: "delta", resume: { nope: { epoch: "a", seq: 1 } } });
  assert.deepEqual(
    client.take().map(({ code }) => code),
    ["invalid_message", "invalid_message", "invalid_message", "unknown_rule"],
  );
  client.say({ subscribe_rules: Array.from({ length: 1000 }, (_, index) => `r${index}`), mode: "delta" });
  const refused = client.take();
  assert.deepEqual(
    [refused.length, new Set(refused.map(({ code }) => code))],
    [500, new Set(["too_many_subscriptions"])],
  );
  await clock.advance(20_000);
  assert.equal(client.take().filter(({ type }) => type === "snapshot").length, 500);
  assert.equal(client.closedFor, undefined);
});
