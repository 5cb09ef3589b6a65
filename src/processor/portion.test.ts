import assert from "node:assert/strict";
import { test } from "node:test";
import { Portion } from "./portion.ts";

/** What parts of a long stretch come out as where the store takes no more than `max` events at once. */
function play(portion: Portion, max: number, parts: number): { failed: number; largest: number } {
  let [failed, largest] = [0, 0];
  for (let written = 0; written < parts;) {
    const events = Math.min(portion.eventsMax, 150_000);
    if (events > max) {
      failed += 1;
      assert.ok(portion.tooMany(events), "there is a smaller part");
      continue;
    }
    portion.written(events);
    [written, largest] = [written + 1, events];
  }
  return { failed, largest };
}

test("parts become as small as it takes, and it is seldom tried whether more will do", () => {
  const portion = new Portion();
  assert.equal(portion.eventsMax, Infinity);
  const { failed, largest } = play(portion, 20_000, 320);
  assert.ok(largest > 10_000 && failed <= 3 + 320 / 64, `${largest} events, ${failed} failures`);
});

test("what failed at every size for a while is soon done in large parts again", () => {
  const portion = new Portion();
  for (let events = 150_000; portion.tooMany(events);) events = portion.eventsMax;
  assert.equal(portion.eventsMax, 1);
  assert.equal(portion.tooMany(1), false);
  const { failed, largest } = play(portion, Infinity, 64 + 4 * 18);
  assert.deepEqual([failed, largest], [0, 150_000]);
});

test("the last part of a batch, which is smaller, says nothing", () => {
  const portion = new Portion();
  portion.tooMany(100);
  for (let part = 0; part < 1000; part++) portion.written(49);
  assert.equal(portion.eventsMax, 50);
});

test("that a larger part failed, which was begun with before, does not make it grow sooner", () => {
  const portion = new Portion();
  for (const events of [10_000, 5000, 10_000]) portion.tooMany(events);
  assert.equal(portion.eventsMax, 2500);
  for (let part = 0; part < 4; part++) portion.written(2500);
  assert.equal(portion.eventsMax, 2500);
});
