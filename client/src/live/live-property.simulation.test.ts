import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { scheduleHolds, scheduleRuns } from "../../../test/support/exact-schedules.ts";
import { World } from "../../../test/support/exact-world.ts";
import { packageClient } from "../../../test/support/package-client.ts";
import { Mirror } from "./mirror.ts";

const runs = scheduleRuns(400);
const { seed } = runs;
const holds = scheduleHolds(packageClient);

test("whatever happens, a state that says to be live is what /stats answers, and all are live in the end", async () => {
  await fc.assert(holds, runs);
});

test("a message that was lost is noticed, and what it said is made good", async () => {
  World.losesMessages = true;
  try {
    await fc.assert(holds, { ...runs, numRuns: Math.ceil(runs.numRuns / 3) });
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
