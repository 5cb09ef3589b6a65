import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../../test/support/simulated-clock.ts";
import { arriving, isLate } from "./client.ts";

/** An answer that is awaited: `pass` lets time go by in which so many bytes of it come each second. */
function awaited() {
  const clock = new SimulatedClock();
  const answer = Promise.withResolvers<string>();
  let bytes = 0;
  let outcome: unknown;
  const call = arriving({ clock, call: answer.promise, arrived: () => bytes, silentMs: 4_000, mostMs: 60_000 });
  call.then(
    (value) => (outcome = value),
    (error: unknown) => (outcome = error),
  );
  const pass = async (seconds: number, perSecond: number): Promise<unknown> => {
    await settled();
    for (let i = 0; i < seconds; i++, bytes += perSecond) await clock.advance(1_000);
    await settled();
    return outcome;
  };
  return { answer, pass };
}

test("an answer of which something comes all the while is waited for", async () => {
  const { answer, pass } = awaited();
  assert.equal(await pass(50, 100), undefined);
  answer.resolve("whole");
  assert.equal(await pass(1, 0), "whole");
});

test("an answer of which nothing comes for some seconds is late, and one that never ends is, too", async () => {
  for (const [seconds, perSecond] of [
    [9, 0],
    [70, 100],
  ] as const) {
    const { pass } = awaited();
    await pass(2, 100);
    assert.equal(isLate(await pass(seconds, perSecond)), true);
  }
});

test("a failure is the call's own", async () => {
  const { answer, pass } = awaited();
  answer.reject(new Error("refused"));
  const error = await pass(1, 0);
  assert.deepEqual([(error as Error).message, isLate(error)], ["refused", false]);
});
