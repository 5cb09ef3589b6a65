import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { offset, src } from "../event/position.ts";
import type { Src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { Partition } from "./partition.ts";
import { Partitions } from "./partitions.ts";
import type { Befallen } from "./partitions.ts";

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

function world(meaning: Befallen = "taken") {
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
    befell: (of) => (events.push(`${meaning} ${of}`), meaning),
  });
  return { events, clock, opened, partitions };
}

const zero: readonly Src[] = [src(0)];
const taken = new WeirError("store_taken", "another has it");

/** It is let go while a write hangs, given up after a while, and given to us again. */
async function givenBackTooSoon({ clock, partitions }: Pick<ReturnType<typeof world>, "clock" | "partitions">) {
  await partitions.assigned(zero, 1000);
  await settled();
  const going = partitions.assigned([], 1000);
  await settled();
  await clock.advance(1000);
  await going;
  await partitions.assigned(zero, 1000);
}

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
  await givenBackTooSoon({ clock, partitions });
  await settled();
  assert.deepEqual(events, ["opens 0", "has 0", "runs", "lets go 0"]);
  opened[0]!.end();
  await settled();
  assert.deepEqual(events.slice(4), ["opens 0", "has 0", "runs"]);
});

test("what other work of the time before finds out does not end a partition that is being taken up again", async () => {
  const { events, clock, opened, partitions } = world();
  await givenBackTooSoon({ clock, partitions });
  partitions.lose(src(0), taken);
  opened[0]!.end();
  await settled();
  assert.deepEqual(events, ["opens 0", "has 0", "runs", "lets go 0", "opens 0", "has 0", "runs"]);
  partitions.lose(src(0), taken);
  assert.deepEqual(events.slice(7), ["lets go 0", "taken 0"]);
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
  const { opened, partitions } = world("fatal");
  await partitions.assigned(zero, 1000);
  await settled();
  opened[0]!.fail(taken);
  await assert.rejects(partitions.failed, { code: "store_taken" });
});

test("one that nobody can read on is left alone, as often as it is told to be ours; others go on, and elsewhere it is tried again", async () => {
  const { events, opened, partitions } = world("broken");
  const both = [src(0), src(1)];
  await partitions.assigned(both, 1000);
  await settled();
  opened[0]!.fail(new WeirError("log_gap", "gone"));
  opened[0]!.end();
  for (let time = 0; time < 2; time++) await partitions.assigned(both, 1000);
  await settled();
  assert.deepEqual(partitions.broken(), [0]);
  assert.deepEqual(
    partitions.list().map(([of]) => of),
    [1],
  );
  assert.deepEqual(events.slice(-2), ["lets go 0", "broken 0"]);
  await partitions.assigned([src(1)], 1000);
  await partitions.assigned(both, 1000);
  await settled();
  assert.deepEqual([partitions.broken(), partitions.list().length], [[], 2]);
});

test("whoever says what is ours while all is let go waits for that, too: the group must not hear earlier that it is free", async () => {
  const { opened, partitions } = world();
  await partitions.assigned(zero, 1000);
  await settled();
  void partitions.drain(1000);
  let isTold = false;
  void partitions.assigned(zero, 1000).then(() => (isTold = true));
  await settled();
  assert.equal(isTold, false);
  opened[0]!.end();
  await settled();
  assert.ok(isTold);
  assert.equal(partitions.list().length, 0);
});

test("what is given while another is let go is not begun when all are let go meanwhile", async () => {
  const { events, opened, partitions } = world();
  await partitions.assigned(zero, 1000);
  await settled();
  const moving = partitions.assigned([src(1)], 1000);
  await settled();
  const drained = partitions.drain(1000);
  opened[0]!.end();
  await Promise.all([moving, drained]);
  await settled();
  assert.deepEqual([events.includes("opens 1"), partitions.list()], [false, []]);
});
