import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { Rate } from "./rate.ts";

test("is the mean of the last ten whole seconds, and forgets", () => {
  let now = 5_000;
  const rate = new Rate({ ...systemClock, monotonic: () => now });
  rate.add(100);
  assert.equal(rate.perSecond(), 0);
  now += 1000;
  assert.equal(rate.perSecond(), 10);
  rate.add(300);
  now += 1000;
  assert.equal(rate.perSecond(), 40);
  now += 9000;
  assert.equal(rate.perSecond(), 30);
  now += 1000;
  assert.equal(rate.perSecond(), 0);
  now += 1e9;
  rate.add(7);
  now += 1000;
  assert.equal(rate.perSecond(), 0.7);
});
