import assert from "node:assert/strict";
import { test } from "node:test";
import { addSample, historyMs, ratesOf } from "./history.ts";
import type { Sample } from "./history.ts";

const sample = (at: number, rate: number | null = 1): Sample => ({ at, accepted: rate, counted: rate });

test("two minutes are kept", () => {
  let history: readonly Sample[] = [];
  for (let at = 0; at <= historyMs + 5000; at += 1000) history = addSample(history, sample(at));
  assert.equal(history[0]?.at, 6000);
  assert.equal(history.length, historyMs / 1000);
});

test("a clock that was put back does not make a line that goes backwards", () => {
  assert.deepEqual(
    addSample([sample(1000), sample(2000)], sample(1500)).map(({ at }) => at),
    [1000, 1500],
  );
});

test("where the server did not answer there is a gap", () => {
  const { xs, lines } = ratesOf([sample(1000, 5), sample(2000, null)]);
  assert.deepEqual(xs, [1, 2]);
  assert.deepEqual(lines[0]?.values, [5, null]);
});
