import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../lib/clock.ts";
import { systemClock } from "../lib/clock.ts";
import type { Processor } from "../processor/processor.ts";
import { Follower } from "../progress/follower.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import { countingElsewhere, countingHere } from "./counting.ts";

/** A store whose windows other processes drop, and in which another rule is removed at every look. */
function churning({ isDropped = true } = {}) {
  const stored = new Set([20, 21, 22]);
  let looks = 0;
  const clock: Clock = { ...systemClock, sleep: () => systemClock.turn() };
  const progress = new MemoryProgress(clock);
  const follower = new Follower({ progress, channel: { listen: () => {} }, clock, process: "p" });
  const store = {
    seriesKept: async () => {
      looks += 1;
      if (isDropped && looks === 3) stored.delete(20);
      if (isDropped && looks === 5) stored.delete(21);
      if (looks > 500) throw new Error("it is still looking");
      const kept = [...stored];
      stored.add(100 + looks);
      return kept;
    },
  };
  // Of all that is stored somebody needs one series.
  const versions = [{ series: 22 }];
  const rulebook = { current: async () => [{ rule_id: "a", revision: 1, versions }] as never };
  return { counting: countingElsewhere({ progress, follower, store, rulebook, clock }), looks: () => looks };
}

test("what is not needed is gone when others have dropped it, whatever has become needless meanwhile", async () => {
  const { counting, looks } = churning();
  await counting.dropOrphans();
  assert.equal(looks(), 5, "the last of those that were there at first is dropped then");
});

test("what others do not drop is waited for for some minutes, and then said", async () => {
  const { counting, looks } = churning({ isDropped: false });
  await assert.rejects(counting.dropOrphans(), {
    code: "store_unavailable",
    message: /^the windows of 2 versions [^]* their logs say why/,
  });
  assert.equal(looks(), 302, "about a second each");
});

test("a process that fills a rule says, too, what the fill stands still for with another one", () => {
  const processor = { fill: () => ({ progress: 0.7, endsAt: 9 }) } as unknown as Processor;
  const heard = { progress: 0.5, endsAt: null, waitingFor: "part p is damaged" };
  const follower = { rules: () => 0, fill: () => heard };
  const { fill } = countingHere(processor, new MemoryProgress(systemClock), follower);
  assert.deepEqual(fill(20), { progress: 0.7, endsAt: null, waitingFor: "part p is damaged" });
});
