import assert from "node:assert/strict";
import { test } from "node:test";
import { endReadings } from "../../../test/support/ended-readings.ts";
import { exactDesk } from "../../../test/support/exact-desk.ts";
import type { ErrorCode } from "../../lib/errors.ts";
import type { LiveLimits } from "../limits.ts";
import type { WindowQuery } from "../../store/store.ts";

/** A desk whose store ends readings of which this is true; `rows`: how many there are in the span, whatever the page. */
function desk(
  isTooMuch: (query: WindowQuery, rows: number) => boolean,
  code?: ErrorCode,
  limits: Partial<LiveLimits> = {},
) {
  const made = exactDesk(limits);
  const { store } = made;
  const rowsIn = ({ series, from, to }: WindowQuery): number =>
    store.rows(series).filter(({ windowStart }) => from <= windowStart && windowStart < to).length;
  return { ...made, seconds: endReadings(store, (query) => isTooMuch(query, rowsIn(query)), code) };
}

const told = (messages: readonly { readonly type: string; readonly code?: string }[]): string[] =>
  messages.map(({ type, code }) => code ?? type);

test("who watches a rule whose windows can't be read is told, and the store is left alone", async () => {
  let isTooMuch = true;
  const { clock, client, take, count, store, seconds } = desk(() => isTooMuch);
  count(0, "click", 1);
  const one = client();
  one.watch("clicks");
  await clock.advance(2000);
  const [refusal, ...more] = take(one);
  assert.ok(refusal?.type === "error" && more.length === 0);
  assert.deepEqual(
    [refusal.code, refusal.message],
    [
      "too_large",
      "reading the rule's windows takes more time, memory or bytes than a live reading may; it is not watched: clicks",
    ],
  );
  const reads = store.reads.length;
  for (let second = 0; second < 8; second++) {
    one.watch("clicks");
    await clock.advance(1000);
  }
  assert.deepEqual(told(take(one)), Array(8).fill("too_large"));
  assert.deepEqual([store.reads.length, [...seconds]], [reads, [20]]);
  isTooMuch = false;
  await clock.advance(5000);
  one.watch("clicks");
  await clock.advance(1000);
  assert.deepEqual(told(take(one)), ["snapshot"]);
});

test("of windows that take too much together the newest are read", async () => {
  const { clock, client, take, count } = desk((_query, rows) => rows > 20);
  for (let windows = -100; windows <= 0; windows++) count(windows, "click", 200 + windows);
  const one = client();
  one.watch("clicks", { from: "0" });
  await clock.advance(2000);
  const [snapshot] = take(one);
  assert.ok(snapshot?.type === "snapshot");
  assert.deepEqual([snapshot.from, snapshot.truncated, snapshot.rows.length], ["2026-01-17T18:40:00Z", true, 6]);
  count(0, "click", 999);
  await clock.advance(1000);
  assert.deepEqual(told(take(one)), ["delta"]);
});

test("who asks for more than can be read takes nothing from those who follow", async () => {
  const { clock, client, take, count, store } = desk((_query, rows) => rows > 20, "timeout", { newestWindows: 10 });
  for (let windows = -100; windows <= 0; windows++) count(windows, "click", 200 + windows);
  const [one, other] = [client(), client()];
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(500);
  take(one);
  other.watch("clicks", { from: "0" });
  await clock.advance(2000);
  const [snapshot] = take(other);
  assert.ok(snapshot?.type === "snapshot");
  assert.deepEqual([snapshot.from, snapshot.truncated, snapshot.rows.length], ["2026-01-17T18:00:00Z", true, 10]);
  count(0, "click", 999);
  await clock.advance(500);
  assert.deepEqual([told(take(one)), told(take(other))], [["delta"], ["delta"]]);
  // What could not be read is not looked for again for the next one.
  store.reads = [];
  client().watch("clicks", { from: "0" });
  await clock.advance(2000);
  assert.deepEqual(store.reads, []);
});

test("windows that become too much to be read together begin later, and those that are too much alone are watched no longer", async () => {
  let most = 100;
  const { clock, client, take, count, progress } = desk((_query, rows) => rows > most);
  for (let windows = -40; windows <= 0; windows++) count(windows, "click", 1);
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(500);
  take(one);
  most = 10;
  count(0, "click", 2);
  progress.touch(null);
  await clock.advance(2000);
  // What was counted is read at once, before the rest is known to have changed.
  const [delta, reset, snapshot, ...more] = take(one);
  assert.ok(delta?.type === "delta" && reset?.type === "reset" && snapshot?.type === "snapshot");
  assert.deepEqual([reset.reason, more, one.assembler.rows("clicks")?.[0]?.value], ["too_large", [], 2]);
  most = 0;
  count(0, "click", 3);
  await clock.advance(5000);
  assert.deepEqual(told(take(one)).at(-1), "too_large");
});

test("rows that are too large to be read together are read in smaller pages", async () => {
  const { clock, client, take, count } = desk(({ limit }) => limit > 500, "invalid_query");
  for (let group = 0; group < 20; group++) count(0, `g${group}`, 1);
  const one = client();
  one.watch("clicks");
  await clock.advance(2000);
  const [snapshot] = take(one);
  assert.ok(snapshot?.type === "snapshot");
  assert.equal(snapshot.rows.length, 20);
});

test("while what has changed can't be read, heartbeats don't say that all is well", async () => {
  const { clock, client, take, count, store } = exactDesk();
  count(0, "click", 1);
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(300);
  take(one);
  store.before = () => Promise.reject(new Error("away"));
  count(0, "click", 2);
  await clock.advance(16_000);
  const lags = take(one).flatMap((message) => (message.type === "heartbeat" ? [message.lag_ms] : []));
  assert.equal(lags.length, 3);
  assert.ok(
    lags.every((lag, index) => lag > 4000 + index * 5000),
    lags.join(", "),
  );
  store.before = async () => {};
  await clock.advance(15_000);
  const after = take(one).flatMap((message) => (message.type === "heartbeat" ? [message.lag_ms] : []));
  assert.equal(after.at(-1), 0);
});

test("all mirrors together have a bound also where newest windows alone are beyond it: the largest are watched no longer", async () => {
  const limits = { mirrorBytesAllMax: 4000, mirrorBytesMax: 3000 };
  const { clock, client, take, rules, store, progress } = exactDesk(limits);
  const now = clock.now();
  const ids = ["a", "b", "c", "d", "e", "f"];
  const series = ids.map((rule_id) => rules.set({ rule_id }));
  // Some 140 bytes a row; the first have more of them.
  const put = (windowStart: number): void => {
    for (const [index, one] of series.entries())
      for (let group = 0; group < 12 - 2 * index; group++)
        store.set(one, { windowStart, group: [`g${group}`], value: windowStart / 1000 });
    progress.touch([windowStart / 1000]);
  };
  put(now);
  const one = client();
  for (const id of ids) one.watch(id, { interval_ms: 50 });
  await clock.advance(1000);
  const refused = take(one).flatMap((message) => (message.type === "error" ? [message.rule_id] : []));
  assert.deepEqual(refused, ["a", "b", "c"]);
  const held = ids.flatMap((id) => one.assembler.rows(id) ?? []);
  assert.ok(JSON.stringify(held).length <= 2000);
  put(now + 600_000);
  await clock.advance(1000);
  // There is room for a new window beside the one before.
  assert.deepEqual(told(take(one)), ["delta", "delta", "delta"]);
});
