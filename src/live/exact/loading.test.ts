import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../../test/support/exact-desk.ts";
import { minute } from "../../../test/support/live-desk.ts";
import { formatTime } from "../../lib/rfc3339.ts";

const window = 10 * minute;

/** Reads that begin with this wait until the gate is opened; as often as they are asked for. */
function gate(store: ReturnType<typeof exactDesk>["store"], reads: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  store.before = async (read) => void (read.startsWith(reads) && (await promise));
  return () => ((store.before = async () => {}), resolve());
}

test("those who ask for more than is kept, one after the other, don't keep changes from the others", async () => {
  const { clock, client, take, count, store } = exactDesk({ mirrorBytesMax: 1600, readRowsMax: 5 });
  for (let windows = -30; windows <= 0; windows++) count(windows, "click", 200 + windows);
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(500);
  take(one);
  store.before = () => clock.sleep(40);
  store.reads = [];
  for (let turn = 0; turn < 100; turn++) {
    if (turn === 50) count(0, "click", 999);
    client().watch("clicks", { from: "0" });
    await clock.advance(30);
  }
  const seen = take(one).filter(({ type }) => type === "delta");
  assert.deepEqual(
    seen.map((message) => "rows" in message && message.rows[0]?.value),
    [999],
  );
  // What does not fit is looked for once, not for everybody.
  assert.ok(store.reads.length <= 6, store.reads.join(", "));
});

test("those who ask for ever older windows take turns with what changes", async () => {
  const { clock, client, take, count, store } = exactDesk({ newestWindows: 2 });
  count(0, "click", 1);
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(500);
  take(one);
  store.before = () => clock.sleep(40);
  const seenAt: number[] = [];
  for (let turn = 1; turn <= 100; turn++) {
    if (turn === 50) count(0, "click", 2);
    client().watch("clicks", { from: formatTime(clock.now() - (turn + 5) * window) });
    await clock.advance(30);
    if (take(one).some(({ type }) => type === "delta")) seenAt.push(turn);
  }
  assert.ok(seenAt.length === 1 && seenAt[0]! < 60, `told in turn ${seenAt.join(", ")}`);
});

test("windows that are let go while older ones are read leave no hole", async () => {
  const { clock, client, take, count, store, rules } = exactDesk({ mirrorBytesAllMax: 2200, newestWindows: 10 });
  const views = rules.set({ rule_id: "views" });
  const now = clock.now() - (clock.now() % window);
  for (let windows = -19; windows <= 0; windows++) count(windows, "click", 100 + windows);
  for (let windows = -5; windows <= 0; windows++) count(windows, "view", 1, views);
  const [one, other] = [client(), client()];
  one.watch("clicks");
  other.watch("views");
  await clock.advance(300);
  take(one);
  const open = gate(store, "windows");
  const older = client();
  older.watch("clicks", { from: formatTime(now - 15 * window) });
  await clock.advance(100);
  // The other rule has grown: all mirrors together are over their bound, and the larger one is made smaller.
  store.before = async () => {};
  for (let windows = 1; windows < 4; windows++) count(windows, "view", 1, views);
  await clock.advance(600);
  assert.deepEqual(
    take(one).map((message) => "reason" in message && message.reason),
    ["too_large", false],
  );
  open();
  await clock.advance(2000);
  const [snapshot] = take(older);
  assert.ok(snapshot?.type === "snapshot" && snapshot.from === formatTime(now - 15 * window));
  assert.deepEqual(
    snapshot.rows.map(({ value }) => value),
    Array.from({ length: 16 }, (_, ago) => 100 - ago),
  );
});

test("who asks for the newest windows while all are read for another gets the newest", async () => {
  const { clock, client, take, count, store } = exactDesk({ newestWindows: 5, mirrorBytesMax: 3000 });
  for (let windows = -40; windows <= 0; windows++) count(windows, "click", 1);
  const open = gate(store, "windows");
  client().watch("clicks", { from: "0" });
  await clock.advance(50);
  const one = client();
  one.watch("clicks");
  await clock.advance(50);
  open();
  await clock.advance(500);
  const [snapshot] = take(one);
  assert.ok(snapshot?.type === "snapshot");
  assert.deepEqual([snapshot.from, snapshot.truncated, snapshot.rows.length], ["2026-01-17T18:50:00Z", undefined, 5]);
});
