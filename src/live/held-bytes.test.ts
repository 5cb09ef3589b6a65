import assert from "node:assert/strict";
import { test } from "node:test";
import { liveDesk } from "../../test/support/live-desk.ts";
import { HeldWindows } from "./held.ts";
import { defaultLimits } from "./limits.ts";

const watch = { subscribe_rules: ["clicks"], interval_ms: 50 };
const bytesOf = (push: object): number => Buffer.byteLength(JSON.stringify(push));

test("a window of more than can be pushed is cut by its bytes, and says so: nobody is closed for what he was sent", async () => {
  const { clock, connect, store, series, count } = liveDesk();
  for (let group = 0; group < 5000; group++)
    store.set(series, { windowStart: clock.now(), group: [`${group} ${"ü".repeat(900)}`], value: 1 });
  const client = connect();
  client.say(watch);
  await clock.advance(1000);
  const [push, ...more] = client.take();
  assert.deepEqual([push?.truncated, more], [true, []]);
  const bytes = bytesOf(push!);
  assert.ok(bytes > 3.9 * 2 ** 20 && bytes < defaultLimits.backlogBytesFatal / 2 + 200, `${bytes} bytes`);
  // It is read, and what changes comes.
  count(1, "later", 1);
  await clock.advance(1000);
  assert.deepEqual(client.take()[0]?.data?.length, 1);
});

test("a push of many windows is cut by its bytes, too", async () => {
  const { clock, connect, count } = liveDesk({ pushBytesMax: 1000 });
  const client = connect();
  client.say(watch);
  await clock.advance(300);
  client.take();
  for (let windows = 0; windows < 10; windows++) count(windows, "x".repeat(300), 1);
  await clock.advance(300);
  const pushes = client.take();
  assert.ok(pushes.length > 0 && pushes.every((push) => bytesOf(push) < 1100));
  assert.ok(pushes.some(({ truncated }) => truncated));
});

const start = Date.UTC(2026, 0, 17, 19, 30);
const row = (windows: number, chars: number) => {
  const windowStart = start + windows * 60_000;
  return { windowStart, windowEnd: windowStart + 60_000, group: ["x".repeat(chars)], value: 1 };
};
const held = (windows: number): HeldWindows => {
  const made = new HeldWindows(1);
  for (let window = 0; window < windows; window++) made.apply([[start + window * 60_000, [row(window, 1000)]]]);
  return made;
};
const rows = { rowsKept: 1000, rowsMax: 1000 };

test("windows are let go by their bytes: beyond the first bound those that everybody has, beyond the second all", () => {
  const kept = held(10);
  assert.ok(kept.bytes > 21_000 && kept.bytes < 22_500);
  kept.evict({ ...rows, heldBytesKept: 7000, heldBytesMax: 40_000 }, kept.seq, Infinity);
  assert.deepEqual([kept.rowCount, kept.bytes < 7000, kept.lostSeq], [3, true, 0]);
  const unsent = held(10);
  unsent.evict({ ...rows, heldBytesKept: 7000, heldBytesMax: 40_000 }, 0, Infinity);
  assert.equal(unsent.rowCount, 10);
  unsent.evict({ ...rows, heldBytesKept: 7000, heldBytesMax: 11_500 }, 0, Infinity);
  assert.deepEqual([unsent.rowCount, unsent.lostSeq], [5, 5]);
  unsent.dropBefore(Infinity);
  assert.deepEqual([unsent.rowCount, unsent.bytes], [0, 0]);
});

test("of one window no more is held than may be pushed, and all that it takes counts", () => {
  const window = new HeldWindows(1, 2500);
  const rowsOf = [1, 2, 3].map((group) => ({ ...row(0, 1000), group: [`${group}${"x".repeat(1000)}`] }));
  assert.deepEqual([...window.apply([[start, rowsOf]])], [start]);
  const text = window.rowsOf([start]).join();
  assert.deepEqual([window.rowCount, text.length < 2500, window.bytes > 2 * text.length], [2, true, true]);
  assert.deepEqual([...window.apply([[start, rowsOf.slice(1)]])], []);
});

test("who waits for a snapshot while windows are let go for their bytes is told that there may be more", async () => {
  const { clock, connect, count } = liveDesk({ newestWindows: 1, heldBytesKept: 1000, heldBytesMax: 2000 });
  count(0, "a", 1);
  const client = connect();
  client.backlog = 1e6;
  client.say(watch);
  for (let windows = -1; windows >= -8; windows--) {
    count(windows, "x".repeat(400), 1);
    await clock.advance(1000);
  }
  client.backlog = 0;
  await clock.advance(1000);
  const [snapshot] = client.take();
  assert.equal(snapshot?.truncated, true);
  assert.ok((snapshot?.data ?? []).length < 9);
});

test("reads that follow each other before anything is sent keep to the bound, too", async () => {
  const limits = { newestWindows: 1, spanWindowsMax: 1, heldBytesKept: 1000, heldBytesMax: 2000 };
  const { clock, connect, count } = liveDesk(limits);
  count(0, "a", 1);
  const client = connect();
  client.say({ ...watch, interval_ms: 1000 });
  await clock.advance(300);
  client.take();
  for (let windows = -7; windows <= -1; windows++) count(windows, "x".repeat(400), 1);
  await clock.advance(2000);
  const [push] = client.take();
  assert.equal(push?.truncated, true);
  assert.ok(bytesOf(push) < 2200, `${bytesOf(push)} bytes`);
});
