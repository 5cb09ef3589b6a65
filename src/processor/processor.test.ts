import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { pack } from "../event/packed.ts";
import { type Src, offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { RuleRecord } from "../rule/registry.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import type { Log, LogRecord } from "../log/log.ts";
import type { RollupPlan } from "../rollup/plan.ts";
import type { Store } from "../store/store.ts";
import { checked } from "../rulebook/understood.ts";
import type { Target } from "./ports.ts";
import { Processor } from "./processor.ts";
import type { ProcessorDeps } from "./processor.ts";

const sources = [0, 1, 2, 3].map(src);
const eventsOfEach = 2500;
const batchEvents = 50;

/** Events of so many different seconds, and ids that no other has. */
function record(of: Src, from: number): LogRecord {
  const events = Array.from({ length: batchEvents }, (_, index) => ({
    ...{ event_id: `${of}-${from + index}`, event_type: "t", user_id: "u", timestamp: (from + index) * 1000 },
    payload: "{}",
  }));
  return { src: of, from: offset(from), to: offset(from + batchEvents - 1), appendedAt: 0, events: pack(events) };
}

const limits = {
  ...{ batchEventsMax: batchEvents, batchBytesMax: 2 ** 20, flushDelayMs: 0, flushDelayMaxMs: 0, commitDelayMs: 500 },
  ...{ dedupeIdsMax: 1000, dedupeIdsLoadedMax: 500, fillChunkEventsMax: 100, groupsMax: 100, fillShare: 1 },
  ...{ fillPollMs: 1000, caretakeEveryMs: 60_000 },
};

/** A processor that counts four partitions, over a store that takes everything. */
function processorOf(
  dedupeIdsMax: number,
  more: Partial<ProcessorDeps> = {},
  moreOfStore: Partial<Store> = {},
): { processor: Processor; clock: SimulatedClock; written: () => number } {
  const clock = new SimulatedClock();
  let written = 0;
  const log: Partial<Log> = {
    sources: () => sources,
    committed: async () => offset(0),
    ends: async () => new Map(sources.map((of) => [of, offset(eventsOfEach)])),
    commit: async () => {},
    read: async ({ src: of, off }, { waitMs, signal }) => {
      if (off < eventsOfEach) return [record(of, off)];
      await clock.sleep(waitMs, signal);
      return [];
    },
  };
  const none = async (): Promise<never[]> => [];
  const nothing = async (): Promise<void> => {};
  const store: Partial<Store> = {
    ...{ takeOver: nothing, settle: nothing, insertRaw: nothing, forgetMarks: nothing, dropSeries: nothing },
    ...{ marks: none, storedOffsets: none, rejectedOffsets: none, latestIds: none, findIds: none },
    ...{ seriesKept: none, dropWindows: none, fillMarks: async () => new Map() },
    rollUp: async () => (written++, true),
    ...moreOfStore,
  };
  const deps: Partial<ProcessorDeps> = {
    rules: {
      current: none,
      targets: none,
      known: () => [],
      ruleOf: () => undefined,
      filled: nothing,
      stop: nothing,
      goOnRebuilding: nothing,
      onChange: () => () => {},
    },
    ...{ progress: new MemoryProgress(clock), clock, random: () => 0.5, groupsFull: () => {} },
    report: (what, error) => assert.fail(`${what}: ${String(error)}`),
    metrics: { batch: () => {}, stage: () => {} } as unknown as ProcessorDeps["metrics"],
    limits: { ...limits, dedupeIdsMax },
  };
  const processor = new Processor({ ...deps, log, store, ...more } as ProcessorDeps);
  return { processor, clock, written: () => written };
}

test("the ids that a process remembers are bounded over all of its partitions", async () => {
  const idsMax = 1000;
  const { processor, clock, written } = processorOf(idsMax);
  await processor.recover();
  const running = processor.run();
  let most = 0;
  for (let round = 0; round < 2000 && written() < (sources.length * eventsOfEach) / batchEvents; round++) {
    await clock.advance(10);
    most = Math.max(most, processor.idsHeld);
  }
  assert.equal(written(), (sources.length * eventsOfEach) / batchEvents);
  const batches = sources.length * batchEvents;
  assert.ok(most > idsMax / 2 && most <= idsMax + batches, `${most} ids were remembered`);
  await clock.advance(1000);
  const drained = processor.drain(1000);
  await clock.advance(2000);
  await Promise.all([drained, running]);
});

test("what is cleaned up in vain, since files of the store are damaged, is not tried each time", async () => {
  const tried: string[] = [];
  const seriesKept = async (): Promise<never> => {
    tried.push("look");
    throw new WeirError("store_damaged", "part p is damaged", { canRetry: true });
  };
  const { processor, clock } = processorOf(1000, { report: (what) => void tried.push(what) }, { seriesKept });
  await processor.recover();
  const running = processor.run();
  for (let minutes = 0; minutes < 15; minutes++) await clock.advance(60_000);
  assert.deepEqual(tried, ["look", "removing windows that no rule needs failed and will be tried again", "look"]);
  const drained = processor.drain(1000);
  await clock.advance(2000);
  await Promise.all([drained, running]);
});

test("all partitions roll up by one plan, so that what a rule costs is measured over all of them", async () => {
  const plans = new Set<RollupPlan>();
  let written = 0;
  const rollUp: Store["rollUp"] = async ({ plan }) => (plans.add(plan), ++written > 0);
  const { processor, clock } = processorOf(1000, {}, { rollUp });
  await processor.recover();
  const running = processor.run();
  while (written < (sources.length * eventsOfEach) / batchEvents) await clock.advance(10);
  assert.equal(plans.size, 1);
  const drained = processor.drain(1000);
  await clock.advance(2000);
  await Promise.all([drained, running]);
});

test("what one partition found to be too much for the engine's memory, no other tries but for what it has begun", async () => {
  const failed: [Src, number][] = [];
  const [tried, metrics] = [
    Promise.withResolvers<void>(),
    { batch: () => {}, stage: () => {}, retried: () => {}, narrowed: () => {} },
  ];
  let written = 0;
  const rollUp: Store["rollUp"] = async ({ range: { src: of, from, to } }) => {
    const events = to - from + 1;
    if (of !== sources[0]) await tried.promise;
    if (events > 10) {
      // Later it is tried whether more will do.
      if (written < 300) failed.push([of, events]);
      throw new WeirError("store_unavailable", "no memory", { canRetry: true, lacks: "memory" });
    }
    tried.resolve();
    written += events;
    return true;
  };
  const more = { metrics: metrics as unknown as ProcessorDeps["metrics"] };
  const { processor, clock } = processorOf(1000, more, { rollUp });
  await processor.recover();
  const running = processor.run();
  while (written < sources.length * eventsOfEach) await clock.advance(100);
  const sizesOf = (others: boolean): number[] => [
    ...new Set(failed.filter(([of]) => (of !== sources[0]) === others).map(([, events]) => events)),
  ];
  assert.deepEqual([sizesOf(false), sizesOf(true)], [[50, 25, 12], [50]]);
  const drained = processor.drain(1000);
  await clock.advance(2000);
  await Promise.all([drained, running]);
});

test("what lasts is told once, and again when it has changed or come back", async () => {
  const told: string[] = [];
  let failure: string | undefined = "away";
  const { processor, clock } = processorOf(1000, {
    rules: {
      // Of the fills alone, which ask all the time.
      current: async () => {
        if (failure !== undefined) throw new Error(failure);
        return [];
      },
      ...{
        targets: async () => [],
        known: () => [],
        ruleOf: () => undefined,
        filled: async () => {},
        stop: async () => {},
      },
      goOnRebuilding: async () => {},
      onChange: () => () => {},
    },
    report: (what, error) => void told.push(`${what}: ${(error as Error).message}`),
    log: { sources: () => [], ends: async () => new Map() } as unknown as Log,
  });
  await processor.recover();
  const running = processor.run();
  await clock.advance(10_000);
  failure = "still away";
  await clock.advance(10_000);
  failure = undefined;
  await clock.advance(3000);
  failure = "still away";
  await clock.advance(10_000);
  const filling = told.filter((text) => text.startsWith("filling"));
  assert.deepEqual(
    filling.map((text) => text.split(": ")[1]),
    ["away", "still away", "still away"],
  );
  const drained = processor.drain(1000);
  await clock.advance(2000);
  await Promise.all([drained, running]);
});

test("what can't be removed keeps nothing else from being removed", async () => {
  const [told, forgotten] = [new Set<string>(), new Set<Src>()];
  const refuses = async (of?: Src): Promise<never> => {
    if (of !== undefined) forgotten.add(of);
    throw new Error("not now");
  };
  const report = (what: string): void => void told.add(what);
  const { processor, clock } = processorOf(1000, { report }, { seriesKept: refuses, forgetMarks: refuses });
  await processor.recover();
  const running = processor.run();
  await clock.advance(1000);
  assert.deepEqual([...forgotten], sources);
  assert.equal(told.size, 1 + sources.length);
  const drained = processor.drain(1000);
  await clock.advance(2000);
  await Promise.all([drained, running]);
});

test("the marks of fills are joined, of partitions that are ours; who finds that one is another's loses it", async () => {
  const version = { version: 1, series: 16, phase: "live", activation: {}, createdAt: 0, spec: { rule_id: "r" } };
  const records = [{ rule_id: "r", revision: 1, versions: [version] }] as unknown as readonly RuleRecord[];
  const joined: string[] = [];
  const log: Partial<Log> = {
    sources: () => sources,
    ...{ committed: async () => offset(0), ends: async () => new Map(), commit: async () => {} },
    // Nothing comes: time goes by as quickly as it can.
    read: (_, { signal }) => new Promise((resolve) => signal?.addEventListener("abort", () => resolve([]))),
  };
  const { processor, clock } = processorOf(
    1000,
    {
      ...{ log: log as Log, limits: { ...limits, fillPollMs: 3_600_000 } },
      rules: {
        ...{ current: async () => records, targets: async () => [], ruleOf: () => undefined, filled: async () => {} },
        ...{ stop: async () => {}, goOnRebuilding: async () => {}, onChange: () => () => {}, known: () => [] },
      },
    },
    {
      joinFillMarks: async (of, series) => {
        joined.push(`${series.join(" ")} of ${of}`);
        if (of === src(3)) throw new WeirError("store_taken", "another has it");
      },
    },
  );
  await processor.recover();
  const running = assert.rejects(processor.run(), { code: "store_taken" });
  for (let minute = 0; minute < 62; minute++) await clock.advance(60_000);
  assert.deepEqual(
    joined,
    sources.map((of) => `16 of ${of}`),
  );
  const drained = processor.drain(1000);
  await clock.advance(2000);
  await Promise.all([drained, running]);
});

test("what a new rule does not have yet is not counted from the change on, whatever is being filled meanwhile", async () => {
  const rule = checked({ rule_id: "r", window_size: "1m", metric: "count", group_by: [], active: true });
  let known: readonly Target[] = [];
  let changed = (): void => {};
  const progress = new MemoryProgress(new SimulatedClock());
  const { processor, clock } = processorOf(1000, {
    progress,
    rules: {
      ...{ current: async () => [], targets: async () => [], known: () => known, ruleOf: () => undefined },
      ...{ filled: async () => {}, stop: async () => {}, goOnRebuilding: async () => {} },
      onChange: (listener) => ((changed = listener), () => {}),
    },
  });
  await processor.recover();
  const running = processor.run();
  const ranges = [{ src: src(0), from: offset(0), to: offset(9) }];
  for (let round = 0; round < 2000 && !progress.isCounted(ranges); round++) await clock.advance(10);
  known = [{ rule_id: "r", series: 16, rule, activation: { 0: 10 }, filling: true }];
  changed();
  assert.equal(progress.isCounted(ranges), false);
  known = [{ ...known[0]!, filling: false }];
  changed();
  assert.equal(progress.isCounted(ranges), true);
  const drained = processor.drain(1000);
  await clock.advance(2000);
  await Promise.all([drained, running]);
});
