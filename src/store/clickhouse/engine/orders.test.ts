import assert from "node:assert/strict";
import { test } from "node:test";
import { settled, SimulatedClock } from "../../../../test/support/simulated-clock.ts";
import { alive, merge } from "./orders.ts";

const refusing = (): Promise<void> => Promise.reject(new Error("Code: 241. MEMORY_LIMIT_EXCEEDED"));

test("an engine that refuses what it is asked is not alive, and nothing worse", async () => {
  let pongs = 0;
  await alive(refusing, () => (pongs += 1));
  assert.equal(pongs, 0);
  await alive(
    async () => {},
    () => (pongs += 1),
  );
  assert.equal(pongs, 1);
});

test("an engine that refuses to merge is asked again", async () => {
  const clock = new SimulatedClock(0);
  const asked: string[] = [];
  const order = (statement: string): Promise<void> => (asked.push(statement) < 3 ? refusing() : Promise.resolve());
  const merging = merge(clock, order);
  await settled();
  await clock.advance(5000);
  await merging;
  assert.deepEqual(asked, Array(3).fill("SYSTEM START MERGES"));
});
