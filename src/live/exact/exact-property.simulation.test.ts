import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Step, World, stepOf } from "../../../test/support/exact-world.ts";
import { Mirror } from "./mirror.ts";

/** `WEIR_RESUMES=200000` is the long form; `WEIR_SEED` and `WEIR_PATH` play one case again. */
const runs = Number(process.env["WEIR_RESUMES"] ?? 5000);
const seed = Number(process.env["WEIR_SEED"] ?? Date.now() % 0x7fff_ffff);
const path = process.env["WEIR_PATH"];

/** Without the bias to small numbers, by which hardly anything would happen. */
const steps: fc.Arbitrary<Step[]> = fc.noBias(
  fc.array(
    fc.tuple(fc.nat(99), fc.nat(15), fc.nat(15), fc.nat(15)).map((numbers) => stepOf(numbers)),
    { minLength: 10, maxLength: 40, size: "max" },
  ),
);

const holds = fc.asyncProperty(steps, async (schedule) => {
  const world = new World();
  for (const step of schedule) await world.take(step);
  await world.rest();
  await world.check();
  world.close();
});

test("whatever happens, what a subscriber has put together is what /stats answers", async () => {
  await fc.assert(holds, { seed, numRuns: runs, ...(path !== undefined && { path }) });
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
