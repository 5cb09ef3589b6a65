import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { Pinged } from "./pinged.ts";
import type { Pingable } from "./pinged.ts";

test("ten thousand are pinged in small turns, each of them every eight seconds; those who have gone no more", async () => {
  const clock = new SimulatedClock();
  const pinged = new Pinged(clock, 8000);
  let pings = 0;
  const all = Array.from({ length: 10_000 }, (): Pingable => {
    const one = { askedAt: null, readUntil: 0, ping: () => ((pings += 1), pinged.answered(one)), close: () => {} };
    return one;
  });
  for (const one of all) pinged.add(one);
  const turns: number[] = [];
  clock.every(pinged.turnMs, () => ((pings = 0), pinged.next(), turns.push(pings)));
  await clock.advance(8000);
  assert.deepEqual(new Set(turns), new Set([250]));
  assert.equal(turns.length, 40);
  for (const one of all) pinged.remove(one);
  await clock.advance(8000);
  assert.equal(pings, 0);
});
