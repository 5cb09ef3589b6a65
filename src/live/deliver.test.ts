import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { deliver } from "./deliver.ts";
import { Feed } from "./feed.ts";
import { defaultLimits } from "./limits.ts";

test("nothing is written for a client that does not read: it is looked at at every tick", (t) => {
  const rules = new MemoryRules();
  rules.set({ rule_id: "clicks" });
  const [record] = rules.list();
  const feed = new Feed(record!, rules.answering(record!), defaultLimits);
  const written = t.mock.method(feed, "snapshotText");
  const pushed: string[] = [];
  let reads = false;
  feed.welcome({
    receiver: { takes: () => reads, push: (text) => pushed.push(text) },
    ...{ intervalMs: 100, sentSeq: null, dueAt: 0 },
  });
  for (let ticks = 0; ticks < 3; ticks++) deliver(feed, true, new SimulatedClock());
  assert.deepEqual([pushed.length, written.mock.callCount(), feed.restless], [0, 0, true]);
  reads = true;
  deliver(feed, true, new SimulatedClock());
  assert.deepEqual([pushed.length, written.mock.callCount()], [1, 1]);
});
