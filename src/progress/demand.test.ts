import assert from "node:assert/strict";
import { test } from "node:test";
import { src, offset } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import { Demand } from "./demand.ts";
import { MemoryProgress } from "./memory-progress.ts";

test("what the most impatient wants counts, and only as long as he wants it", () => {
  const demand = new Demand();
  assert.equal(demand.everyMs, Infinity);
  const patient = demand.want(1000);
  const [hurried, another] = [demand.want(50), demand.want(50)];
  assert.equal(demand.everyMs, 50);
  hurried();
  hurried();
  assert.equal(demand.everyMs, 50, "somebody else wants it still");
  another();
  assert.equal(demand.everyMs, 1000);
  patient();
  assert.equal(demand.everyMs, Infinity);
});

test("it is told when somebody more impatient comes, and only then", () => {
  const demand = new Demand();
  let told = 0;
  const stop = demand.onMore(() => told++);
  const wants = [1000, 1000, 2000, 500, 500].map((everyMs) => demand.want(everyMs));
  assert.equal(told, 2);
  for (const noMore of wants) noMore();
  demand.want(700);
  assert.equal(told, 3);
  stop();
  demand.want(1);
  assert.equal(told, 3);
});

test("who waits until events are counted wants it at once, and no more when they are or he gives up", async () => {
  const progress = new MemoryProgress(systemClock);
  const ranges = [{ src: src(0), from: offset(0), to: offset(4) }];
  const patience = new AbortController();
  const both = [new AbortController().signal, patience.signal].map((signal) => progress.waitCounted(ranges, signal));
  assert.equal(progress.demand.everyMs, 0);
  patience.abort();
  assert.equal(progress.demand.everyMs, 0);
  progress.caughtUp(src(0), 5, 0);
  assert.deepEqual([await Promise.all(both), progress.demand.everyMs], [[true, false], Infinity]);
});
