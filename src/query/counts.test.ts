import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { RecentCounts } from "./counts.ts";

test("counts are asked for once a moment, few at a time", async () => {
  const store = new MemoryStore();
  const clock = new SimulatedClock();
  const counts = new RecentCounts(store, clock, { parallelMax: 2 });
  let open = 0;
  let most = 0;
  store.before = async () => {
    most = Math.max(most, ++open);
    await settled();
    open -= 1;
  };
  await Promise.all([1, 2, 3, 4, 5, 1, 2].map((series) => counts.of(series)));
  assert.equal(store.reads.length, 5);
  assert.equal(most, 2);
  await clock.advance(1001);
  await counts.of(1);
  assert.equal(store.reads.length, 6);
});

test("a store that fails or dawdles gives null", async () => {
  const store = new MemoryStore();
  const clock = new SimulatedClock();
  const counts = new RecentCounts(store, clock);
  store.before = () => Promise.reject(new Error("away"));
  assert.equal(await counts.of(1), null);
  store.before = () => new Promise(() => {});
  const dawdling = counts.of(2);
  await clock.advance(1000);
  assert.equal(await dawdling, null);
});
