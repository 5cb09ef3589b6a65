import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { RecentTotals } from "./totals.ts";

test("a store that dawdles is asked for its sums once, however often somebody wants them", async () => {
  const [store, clock] = [new MemoryStore(), new SimulatedClock()];
  const totals = new RecentTotals(store, clock);
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  store.before = () => held;
  for (let scrape = 0; scrape < 3; scrape++) {
    const asked = Promise.all([totals.get(), totals.get()]);
    await settled();
    await clock.advance(1000);
    assert.deepEqual(await asked, [null, null]);
  }
  assert.deepEqual(store.reads, ["totals"]);
  release();
  await settled();
  assert.deepEqual(await totals.get(), { events: 0, duplicates: 0, rejects: 0 });
  store.before = () => Promise.reject(new Error("away"));
  assert.equal(await totals.get(), null);
  assert.equal(store.reads.length, 3);
});
