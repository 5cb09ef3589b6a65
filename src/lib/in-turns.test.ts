import assert from "node:assert/strict";
import { test } from "node:test";
import { inTurns } from "./in-turns.ts";

test("long work gives way every two milliseconds, and comes to its end", async () => {
  let [now, turns] = [0, 0];
  const clock = {
    monotonic: () => now,
    turn: () => {
      turns += 1;
      now += 100;
      return Promise.resolve();
    },
  };
  function* work(): Generator<undefined, string, undefined> {
    for (let step = 0; step < 6; step++) {
      now += 1;
      yield;
    }
    return "done";
  }
  assert.equal(await inTurns(work(), clock), "done");
  assert.equal(turns, 3);
});
