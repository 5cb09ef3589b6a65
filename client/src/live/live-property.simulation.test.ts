import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Step, World, stepOf } from "../../../test/support/exact-world.ts";
import { packageClient } from "../../../test/support/package-client.ts";
import { Mirror } from "./mirror.ts";

/** `WEIR_RESUMES=200000` is the long form; `WEIR_SEED` and `WEIR_PATH` play one case again. */
const runs = Number(process.env["WEIR_RESUMES"] ?? 400);
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
  const world = new World(packageClient);
  for (const step of schedule) await world.take(step);
  await world.rest();
  await world.check();
  world.close();
});

test("whatever happens, a state that says to be live is what /stats answers, and all are live in the end", async () => {
  await fc.assert(holds, { seed, numRuns: runs, ...(path !== undefined && { path }) });
});

test("a message that was lost is noticed, and what it said is made good", async () => {
  World.losesMessages = true;
  try {
    await fc.assert(holds, { seed, numRuns: Math.ceil(runs / 3), ...(path !== undefined && { path }) });
  } finally {
    World.losesMessages = false;
  }
});

/** The test is tested: with a fault in the client it must fail within so many cases. */
const canaries: readonly [what: string, spoiled: (before: Mirror["take"]) => Mirror["take"]][] = [
  ["windows that are gone stay", (take) => (message) => take("gone" in message ? { ...message, gone: [] } : message)],
  ["a final is not heard", (take) => (message) => (message.type === "final" ? "same" : take(message))],
  ["a delta that does not follow is taken", (take) => (message) => loosely(take, message)],
];

/** Only of use on a line that loses messages. */
function loosely(take: Mirror["take"], message: Parameters<Mirror["take"]>[0]): ReturnType<Mirror["take"]> {
  const verdict = take(message);
  return verdict === "broken" ? "same" : verdict;
}

for (const [what, spoiled] of canaries)
  test(`a canary: ${what}`, async () => {
    const before = Mirror.prototype.take;
    Mirror.prototype.take = function take(this: Mirror, message) {
      return spoiled((one) => before.call(this, one))(message);
    };
    World.losesMessages = what.includes("follow");
    try {
      const { failed } = await fc.check(holds, { seed, numRuns: 1500, endOnFailure: true });
      assert.ok(failed, `nothing was found, WEIR_SEED=${seed}`);
    } finally {
      Mirror.prototype.take = before;
      World.losesMessages = false;
    }
  });
