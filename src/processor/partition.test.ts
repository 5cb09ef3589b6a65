import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { pack } from "../event/packed.ts";
import { offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { Log, LogRecord, ReadOptions } from "../log/log.ts";
import { LivePlans } from "./live-plans.ts";
import { Partition } from "./partition.ts";
import type { PartitionDeps } from "./partition.ts";
import { Portion } from "./portion.ts";
import { RecentIds } from "./recent-ids.ts";

const record = (off: number): LogRecord => ({
  src: src(0),
  from: offset(off),
  to: offset(off),
  appendedAt: 0,
  events: pack([{ event_id: `e${off}`, event_type: "t", user_id: "u", timestamp: 1000, payload: "{}" }]),
});

/** Whether the partition has said that nothing waits. */
const caughtUp = { times: 0 };

/** A partition whose log answers what the test says, and whose rollups are written when the test says so. */
function world(
  read: (off: number, options: ReadOptions) => Promise<readonly LogRecord[]>,
  batchEventsMax = 10,
  more: Pick<Log, "givenThrough"> & Partial<Pick<PartitionDeps["progress"], "caughtUp">> = {},
) {
  const rolledUp: number[] = [];
  const committed: number[] = [];
  const gate = Promise.withResolvers<void>();
  const clock = new SimulatedClock();
  const { caughtUp: caught = () => void caughtUp.times++, ...moreOfLog } = more;
  const log: Pick<Log, "read" | "commit" | "givenThrough"> = {
    ...moreOfLog,
    read: ({ off }, options) => read(off, options),
    commit: async (_, next) => void committed.push(next),
  };
  const writer: Pick<PartitionDeps["writer"], "raw" | "rollUp" | "ask"> = {
    raw: async () => {},
    rollUp: async ({ range }) => (await gate.promise, rolledUp.push(range.to) > 0),
    ask: (question) => question(),
  };
  const partition = new Partition(
    {
      ...{ src: src(0), log, writer, clock },
      store: {},
      rules: { current: async () => [], targets: async () => [], known: () => [] },
      progress: { advance: () => {}, caughtUp: caught, working: () => {}, filling: () => {} },
      metrics: { batch: () => {}, stage: () => {} },
      groups: { admit: async () => ({ bounded: new Set(), rooms: new Map(), done: () => {} }) },
      ...{ plans: new LivePlans(), portion: new Portion(), cost: { add: () => {} } },
      stopper: { going: (targets: readonly unknown[]) => targets },
      limits: { batchEventsMax, batchBytesMax: 1000, flushDelayMs: 0, flushDelayMaxMs: 0, commitDelayMs: 500 },
    } as unknown as PartitionDeps,
    { next: offset(0), stored: new Set(), rejected: new Set(), ids: new RecentIds({ idsMax: 100, seed: 1 }) },
  );
  return { partition, rolledUp, committed, gate, clock };
}

test("what was read before a gap is written before the gap ends it: nobody could read it again otherwise", async () => {
  const gap = new WeirError("log_gap", "gone");
  const { partition, rolledUp, gate } = world(async (off) => {
    if (off === 1) throw gap;
    return [record(off)];
  }, 1);
  let ended: unknown;
  const running = partition.run(new AbortController().signal).catch((error: unknown) => (ended = error));
  await settled();
  assert.equal(ended, undefined, "its batch is still being written");
  gate.resolve();
  await running;
  assert.equal(ended, gap);
  assert.deepEqual(rolledUp, [0]);
});

test("once nothing is waiting, all of what was counted is committed: Kafka's tools show no lag where there is none", async () => {
  const stop = new AbortController();
  const { partition, committed, gate, clock } = world(async (off, { signal }) => {
    if (off < 3) return [record(off)];
    await clock.sleep(200, signal);
    return [];
  });
  gate.resolve();
  const running = partition.run(stop.signal);
  for (let round = 0; round < 5; round++) await clock.advance(200);
  assert.equal(committed.at(-1), 3);
  const told = committed.length;
  await clock.advance(2000);
  assert.equal(committed.length, told, "and not again and again");
  stop.abort();
  await running;
});

test("the next batch is read when the last one is written, but while a large one is rolled up", async () => {
  const readWith = async (batchEventsMax: number): Promise<readonly number[][]> => {
    const stop = new AbortController();
    const asked: number[] = [];
    const { partition, gate, clock } = world(async (off, { signal }) => {
      asked.push(off);
      if (off < 5) return [record(off)];
      await clock.sleep(200, signal);
      return [];
    }, batchEventsMax);
    const running = partition.run(stop.signal);
    await settled();
    const before = [...asked];
    gate.resolve();
    await settled();
    stop.abort();
    await running;
    return [before, asked];
  };
  const all = [0, 1, 2, 3, 4, 5];
  assert.deepEqual(await readWith(10), [[0], all]);
  assert.deepEqual(await readWith(1), [[0, 1, 2], all]);
});

test("a read that the end cuts short says nothing of what waits", async () => {
  const { partition } = world(
    (_, { signal }) => new Promise((resolve) => signal?.addEventListener("abort", () => resolve([]), { once: true })),
  );
  const stop = new AbortController();
  caughtUp.times = 0;
  const running = partition.run(stop.signal);
  await settled();
  stop.abort();
  await running;
  assert.equal(caughtUp.times, 0);
});

test("what is being made durable while nothing can be read is not called counted, however long that takes", async () => {
  const stop = new AbortController();
  const through: number[] = [];
  let heldSince: number | undefined;
  const { partition, clock } = world((_, { signal }) => clock.sleep(200, signal).then(() => []), 10, {
    givenThrough: () => heldSince ?? clock.now(),
    caughtUp: (_src, _next, at) => void through.push(at),
  });
  const running = partition.run(stop.signal);
  await clock.advance(1000);
  assert.ok(through.at(-1)! >= clock.now() - 400, "what came before the read began");
  heldSince = clock.now();
  await clock.advance(3000);
  assert.equal(Math.max(...through), heldSince);
  heldSince = undefined;
  await clock.advance(1000);
  assert.ok(through.at(-1)! >= clock.now() - 400);
  stop.abort();
  await running;
});

test("who writes a batch is busy for as long as that takes, and a second longer: a fill beside it has its share alone", async () => {
  const stop = new AbortController();
  const { partition, gate, clock } = world(async (off, { signal }) => {
    if (off === 0) return [record(off)];
    await clock.sleep(200, signal);
    return [];
  });
  const running = partition.run(stop.signal);
  assert.equal(partition.load.busy, false);
  await settled();
  await clock.advance(5000);
  assert.equal(partition.load.busy, true);
  gate.resolve();
  await settled();
  await clock.advance(800);
  assert.equal(partition.load.busy, true);
  await clock.advance(400);
  assert.equal(partition.load.busy, false);
  stop.abort();
  await running;
});

test("a partition that has nothing to do does not lag, however late what it read last came", async () => {
  const stop = new AbortController();
  const { partition, gate, clock } = world(async (off, { signal }) => {
    if (off === 0) return [{ ...record(off), appendedAt: clock.now() - 60_000 }];
    await clock.sleep(200, signal);
    return [];
  });
  gate.resolve();
  const running = partition.run(stop.signal);
  await clock.advance(200);
  assert.ok(partition.load.busy && partition.load.lagMs >= 60_000);
  await clock.advance(2000);
  assert.deepEqual(partition.load, { busy: false, lagMs: 0 });
  stop.abort();
  await running;
});
