import assert from "node:assert/strict";
import { test } from "node:test";
import { exactDesk } from "../../../test/support/exact-desk.ts";
import { minute } from "../../../test/support/live-desk.ts";

const window = 10 * minute;

async function desk() {
  const all = exactDesk();
  const { clock, client, take, count, progress } = all;
  progress.through = clock.now();
  count(0, "click", 1);
  const one = client();
  one.watch("clicks", { interval_ms: 50 });
  await clock.advance(300);
  take(one);
  const rows = () => (one.read(), one.assembler.rows("clicks")?.map(({ value, final }) => [value, final]));
  return { ...all, one, rows };
}

test("what was called final while the clock was ahead is not, once it is set right, and closes when it is over", async () => {
  const { clock, count, progress, one, rows } = await desk();
  const right = clock.now();
  progress.through = right + 6 * window;
  await clock.advance(200);
  assert.deepEqual(rows(), [[1, true]]);
  progress.through = right;
  await clock.advance(5500);
  assert.deepEqual(rows(), [[1, false]]);
  count(0, "click", 2);
  await clock.advance(500);
  assert.deepEqual(rows(), [[2, false]]);
  one.messages.splice(0);
  progress.through = right + window;
  await clock.advance(500);
  assert.deepEqual(rows(), [[2, true]]);
  assert.deepEqual(
    one.messages.map(({ type }) => type),
    ["final"],
  );
});

test("that batches overtake each other by seconds takes nothing back", async () => {
  const { clock, progress, store, rows } = await desk();
  progress.through = clock.now() + window;
  await clock.advance(200);
  store.reads = [];
  progress.through -= 3000;
  await clock.advance(1000);
  assert.deepEqual([rows(), store.reads], [[[1, true]], []]);
});

test("that records are older than the silence before them takes nothing back, however often", async () => {
  const { clock, progress, store, one, rows } = await desk();
  progress.through = clock.now() + window;
  await clock.advance(200);
  rows();
  store.reads = [];
  one.messages.splice(0);
  for (let turn = 0; turn < 50; turn++) {
    progress.through += turn % 2 === 0 ? -20_000 : 20_000;
    await clock.advance(200);
  }
  assert.deepEqual([rows(), store.reads], [[[1, true]], []]);
  assert.deepEqual(
    one.messages.filter(({ type }) => type !== "heartbeat"),
    [],
  );
});
