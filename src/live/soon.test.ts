import assert from "node:assert/strict";
import { test } from "node:test";
import { liveDesk } from "../../test/support/live-desk.ts";

test("what was counted is read at once, also right behind a tick, but not for each of many batches", async () => {
  const { clock, connect, count, store } = liveDesk({ tickMs: 100, tickGapMs: 10, readGapMs: 0 });
  const client = connect();
  client.say({ subscribe_rules: ["clicks"], interval_ms: 50 });
  await clock.advance(1001);
  assert.equal(client.take().length, 1);
  const reads = async (values: readonly number[], ms: number): Promise<number> => {
    store.reads = [];
    for (const value of values) count(0, "click", value);
    await clock.advance(ms);
    return store.reads.length;
  };
  // The last tick was a millisecond ago.
  assert.equal(await reads([1], 1), 1);
  assert.equal(await reads([2, 3, 4], 5), 0);
  assert.equal(await reads([], 100), 1, "the next tick sees to them");
  assert.deepEqual(client.take().at(-1)?.data?.[0]?.[2], 4);
});
