import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { Demand } from "../progress/demand.ts";
import { Pace } from "./pace.ts";

const bounds = { flushDelayMs: 50, flushDelayMaxMs: 500 };

/** How long it rests after a batch that began just now, ms; `comes`: somebody who waits, so long after. */
async function rested(demand: Demand | undefined, { largeness = 0, comes = NaN, wants = 0, stops = NaN } = {}) {
  const clock = new SimulatedClock();
  const began = clock.monotonic();
  const stop = new AbortController();
  let after: number | undefined;
  void new Pace(clock, bounds, demand)
    .rest(began, largeness, stop.signal)
    .then(() => (after = clock.monotonic() - began));
  for (let ms = 0; ms < 600 && after === undefined; ms += 10) {
    if (ms === comes) demand?.want(wants);
    if (ms === stops) stop.abort();
    await setImmediate();
    await clock.advance(10);
  }
  return after;
}

function wanting(...intervals: readonly number[]): Demand {
  const demand = new Demand();
  for (const everyMs of intervals) demand.want(everyMs);
  return demand;
}

test("where nobody waits, batches keep the longest distance", async () => {
  assert.equal(await rested(wanting()), 500);
  assert.equal(await rested(wanting(5000)), 500);
});

test("who watches is waited for as long as he asks for, but not less than a batch needs", async () => {
  assert.equal(await rested(wanting(250, 1000)), 250);
  assert.equal(await rested(wanting(0)), 50);
});

test("where it is not known who waits, somebody may", async () => {
  assert.equal(await rested(undefined), 50);
});

test("the larger a batch was, the sooner the next one comes: there may be more to do", async () => {
  assert.equal(await rested(wanting(), { largeness: 0.2 }), 410);
  assert.equal(await rested(wanting(), { largeness: 1 }), 50);
  assert.equal(await rested(wanting(), { largeness: 2 }), 50);
  assert.equal(await rested(wanting(250), { largeness: 0.5 }), 150);
  assert.equal(await rested(undefined, { largeness: 0.5 }), 50);
});

test("who comes in the meantime does not wait for the end of it", async () => {
  assert.equal(await rested(wanting(), { comes: 20 }), 50);
  assert.equal(await rested(wanting(), { comes: 100 }), 100);
  assert.equal(await rested(wanting(), { comes: 100, wants: 250 }), 250);
});

test("what is left of a millisecond is not slept: a clock may not see it pass", async () => {
  const clock = new SimulatedClock();
  const began = clock.monotonic() - 229.999_999_9;
  await new Pace(clock, bounds, wanting()).rest(began, 0.6, new AbortController().signal);
});

test("a stop ends it", async () => {
  assert.equal(await rested(wanting(), { stops: 70 }), 70);
});
