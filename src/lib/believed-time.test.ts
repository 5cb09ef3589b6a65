import assert from "node:assert/strict";
import { test } from "node:test";
import { BelievedTime } from "./believed-time.ts";

const hourMs = 3_600_000;

function clockOf() {
  const state = { wall: Date.UTC(2026, 0, 13), monotonic: 500 };
  const pass = (ms: number): void => void ((state.wall += ms), (state.monotonic += ms));
  const time = new BelievedTime({ now: () => state.wall, monotonic: () => state.monotonic });
  return { state, pass, time };
}

test("a leap ahead is believed after an hour, a leap back at once, a small correction always", () => {
  const { state, pass, time } = clockOf();
  const start = state.wall;
  pass(1000);
  state.wall += 9000;
  assert.equal(time.now(), start + 10_000);
  state.wall += 2 * hourMs;
  assert.equal(time.now(), start + 10_000);
  pass(hourMs - 1);
  assert.equal(time.now(), start + 10_000 + hourMs - 1);
  pass(1);
  assert.equal(time.now(), start + 10_000 + 3 * hourMs);
  state.wall -= 2 * hourMs;
  assert.equal(time.now(), start + 10_000 + hourMs);
});

test("a leap ahead that is taken back has never been believed", () => {
  const { state, pass, time } = clockOf();
  const start = state.wall;
  state.wall += 2 * hourMs;
  assert.equal(time.now(), start);
  pass(hourMs / 2);
  state.wall -= 2 * hourMs;
  assert.equal(time.now(), start + hourMs / 2);
  // The next one has an hour of its own.
  state.wall += 2 * hourMs;
  pass(hourMs / 2 + 1);
  time.now();
  pass(hourMs / 2);
  assert.equal(time.now(), start + 1.5 * hourMs + 1);
});
