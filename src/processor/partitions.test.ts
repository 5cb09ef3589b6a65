import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { offset, src } from "../event/position.ts";
import type { Src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { Partition } from "./partition.ts";
import { Partitions } from "./partitions.ts";

/** A partition that counts until it is drained, and whose last write hangs until it is told to end. */
function hanging(events: string[]) {
  const written = Promise.withResolvers<void>();
  const failing = Promise.withResolvers<void>();
  const partition = {
    written: offset(7),
    run: async (drain: AbortSignal) => {
      events.push("runs");
      await Promise.race([failing.promise, new Promise((resolve) => drain.addEventListener("abort", resolve))]);
      await written.promise;
    },
    idle: () => written.promise,
  };
  return { partition: partition as unknown as Partition, end: written.resolve, fail: failing.reject };
}

function world(goesOn = true) {
  const events: string[] = [];
  const clock = new SimulatedClock();
  const opened: ReturnType<typeof hanging>[] = [];
  const partitions = new Partitions({
    clock,
    started: Promise.resolve(),
    open: async (of) => {
      events.push(`opens ${of}`);
      opened.push(hanging(events));
      return opened.at(-1)!.partition;
    },
    takenUp: (of) => void events.push(`has ${of}`),
    letGo: (of) => void events.push(`lets go ${of}`),
    taken: (of) => (events.push(`taken ${of}`), goesOn),
  });
  return { events, clock, opened, partitions };
}

const zero: readonly Src[] = [src(0)];
const taken = new WeirError("store_taken", "another has it");

test("a partition is taken up, counted, and let go when its writes have ended", async () => {
  const { events, opened, partitions } = world();
  await partitions.assigned(zero, 1000);
  await partitions.allTakenUp();
  const going = partitions.assigned([], 1000);
  await settled();
  assert.ok(partitions.get(0) !== undefined, "it is ours as long as it is written");
  opened[0]!.end();
  await going;
  assert.equal(partitions.get(0), undefined);
  assert.deepEqual(events, ["opens 0", "has 0", "runs", "lets go 0"]);
});

test("one that does not end is given up after a while, and is not taken up again before nothing of it is under way", async () => {
  const { events, clock, opened, partitions } = world();
  await partitions.assigned(zero, 1000);
  await settled();
  const going = partitions.assigned([], 1000);
  await settled();
  await clock.advance(1000);
  await going;
  await partitions.assigned(zero, 1000);
  await settled();
  assert.deepEqual(events, ["opens 0", "has 0", "runs", "lets go 0"]);
  opened[0]!.end();
  await settled();
  assert.deepEqual(events.slice(4), ["opens 0", "has 0", "runs"]);
});

test("a partition that another process has claimed is let go, others stay; told again that it is ours, it is taken up", async () => {
  const { events, opened, partitions } = world();
  const both = [src(0), src(1)];
  await partitions.assigned(both, 1000);
  await settled();
  opened[0]!.fail(taken);
  opened[0]!.end();
  await settled();
  assert.deepEqual(
    partitions.list().map(([of]) => of),
    [1],
  );
  assert.deepEqual(events.slice(-2), ["lets go 0", "taken 0"]);
  await partitions.assigned(both, 1000);
  await settled();
  assert.equal(partitions.list().length, 2);
});

test("who has the log alone can't go on without a partition", async () => {
  const { opened, partitions } = world(false);
  await partitions.assigned(zero, 1000);
  await settled();
  opened[0]!.fail(taken);
  await assert.rejects(partitions.failed, { code: "store_taken" });
});
