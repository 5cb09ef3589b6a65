import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scheduleHolds, scheduleRuns } from "../../../test/support/exact-schedules.ts";
import { World } from "../../../test/support/exact-world.ts";
import { Mirror } from "./mirror.ts";

const runs = scheduleRuns(5000);
const { seed } = runs;
const holds = scheduleHolds();

test("whatever happens, what a subscriber has put together is what /stats answers", async () => {
  await fc.assert(holds, runs);
});

/** The test is tested: with a fault in the product or on the line, it must fail within so many cases. */
const canaries: readonly [what: string, spoil: () => () => void][] = [
  ["a change is left out", () => replaced("since", (since) => (seq) => since(seq).slice(1))],
  ["the ring takes every number for known", () => replaced("holds", () => () => true)],
  [
    "a window that is gone is not told of",
    () => replaced("since", (since) => (seq) => since(seq).filter(({ text }) => text !== undefined)),
  ],
  ["a message is lost on the line", () => ((World.losesMessages = true), () => void (World.losesMessages = false))],
];

for (const [what, spoil] of canaries)
  test(`a canary: ${what}`, async () => {
    const restore = spoil();
    try {
      const { failed } = await fc.check(holds, { seed, numRuns: 3000, endOnFailure: true });
      assert.ok(failed, `nothing was found, WEIR_SEED=${seed}`);
    } finally {
      restore();
    }
  });

/** Puts another method into every mirror. Returns how to take it out again. */
function replaced<Name extends "since" | "holds">(name: Name, by: (before: Mirror[Name]) => Mirror[Name]): () => void {
  const before = Mirror.prototype[name];
  function spoiled(this: Mirror, ...args: Parameters<Mirror[Name]>): unknown {
    const bound: unknown = Reflect.apply(Function.prototype.bind, before, [this]);
    return Reflect.apply(by(bound as Mirror[Name]), this, args);
  }
  Reflect.set(Mirror.prototype, name, spoiled);
  return () => void Reflect.set(Mirror.prototype, name, before);
}
