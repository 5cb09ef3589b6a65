import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { pack } from "../event/packed.ts";
import { type OffsetRange, offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { RollupPlan } from "../rollup/plan.ts";
import { parseRule } from "../rule/parse.ts";
import type { RuleRecord } from "../rule/registry.ts";
import type { RollupTask } from "../store/store.ts";
import { BatchWriter } from "./batch-writer.ts";
import type { Batch } from "./batch.ts";
import { GroupRooms } from "./group-rooms.ts";
import { LivePlans } from "./live-plans.ts";
import { LiveRollup } from "./live-rollup.ts";
import { Portion } from "./portion.ts";
import type { Target } from "./ports.ts";
import { RuleStopper } from "./rule-stopper.ts";

const range: OffsetRange = { src: src(0), from: offset(0), to: offset(9) };
const events = pack(
  Array.from({ length: 10 }, (_, at) => ({
    event_id: `e${at}`,
    event_type: "t",
    user_id: "u",
    timestamp: 1000,
    payload: "{}",
  })),
);
const piece = { from: offset(0), receivedAt: 1, events, ends: new Uint32Array(10), skip: null };
const batch: Batch = { range, pieces: [piece], events: 10, duplicates: 0, seconds: [1, 2], unreadable: [] };

function target(series: number, more: object = {}): Target {
  const parsed = parseRule({ rule_id: `r${series}`, window_size: "1m", metric: "count", ...more });
  assert.ok(parsed.ok);
  return { rule_id: `r${series}`, series, rule: parsed.rule, activation: {}, filling: false };
}

const seriesOf = ({ shapes }: RollupPlan): number[] =>
  shapes.flatMap(({ members }) => members.map(({ series }) => series)).toSorted((a, b) => a - b);

const away = (): WeirError =>
  new WeirError("store_unavailable", "out of memory", { canRetry: true, outcomeUnknown: true });
const refused = (): WeirError => new WeirError("store_refused", "no", { details: { reason: "too large" } });

interface Bench {
  /** What the rules are now, by their series. */
  computed: readonly Target[];
  /** The rules can't be asked. */
  rulesAway: boolean;
  /** What a rollup of a plan fails with, and that of a trial; undefined: it does not. */
  fails: (plan: RollupPlan, range: OffsetRange) => WeirError | undefined;
  /** Whether a rollup that fails has written all the same. */
  writesAllTheSame: boolean;
}

/** A rollup of one batch over a store that fails as the test says, and what it was asked. */
function setUp(more: Partial<Bench> = {}) {
  const bench: Bench = { computed: [], rulesAway: false, fails: () => undefined, writesAllTheSame: false, ...more };
  const [written, stopped]: [number[][], string[]] = [[], []];
  let marks: readonly OffsetRange[] = [];
  const tasks: RollupTask[] = [];
  const put = (plan: RollupPlan, done: OffsetRange): void => {
    assert.equal(marks.at(-1)?.to ?? -1, done.from - 1, "ranges are written once, one after the other");
    written.push(seriesOf(plan));
    marks = [...marks, done];
  };
  const store = {
    ...{
      insertRaw: async () => {},
      takesRows: async () => {},
      storedOffsets: async () => [],
      setAside: async () => {},
    },
    ...{ rejectedOffsets: async () => [], settle: async () => {}, fillMarks: async () => new Map() },
    marks: async () => marks,
    listGroups: async () => new Map<number, number>(),
    // Each range has one new group.
    rollUp: async (task: RollupTask) => {
      tasks.push(task);
      const { plan, rooms, roomMayGrow } = task;
      if (roomMayGrow?.values().some((series) => rooms?.get(series) === 0)) return false;
      const error = bench.fails(plan, task.range);
      if (error === undefined || bench.writesAllTheSame) put(plan, task.range);
      if (error !== undefined) throw error;
      return true;
    },
    tryRollUp: async (tried: OffsetRange, plan: RollupPlan) => {
      const error = bench.fails(plan, tried);
      if (error !== undefined) throw error;
    },
  };
  const rules = {
    current: async (): Promise<readonly RuleRecord[]> => {
      if (bench.rulesAway) throw new WeirError("registry_unavailable", "away", { canRetry: true });
      return [];
    },
    targets: async () => bench.computed,
    stop: async (ruleId: string) => void stopped.push(ruleId),
  };
  const clock = new SimulatedClock();
  const metrics = {
    ...{ batch: () => {}, stage: () => {}, retried: () => {}, rejected: () => {}, taken: () => {}, broken: () => {} },
    ruleStopped: () => {},
    narrowed: () => {},
  };
  const writer = new BatchWriter({ store, clock, metrics, signal: new AbortController().signal });
  const stopper = new RuleStopper({ store, rules, writer, clock, metrics });
  const groups = new GroupRooms({ store, clock, groupsMax: 1000, full: () => {} });
  const rollup = new LiveRollup({
    rules,
    writer,
    groups,
    cost: { add: () => {} },
    stopper,
    clock,
    metrics,
    plans: new LivePlans(),
    portion: new Portion(),
  });
  let isDone = false;
  const begin = (targets: readonly Target[]): void => void rollup.write(batch, targets).then(() => (isDone = true));
  const pass = async (ms: number): Promise<boolean> => (await settled(), await clock.advance(ms), isDone);
  return { bench, begin, pass, written, stopped, groups, tasks };
}

const [good, bad, late] = [target(16), target(17), target(18)];
const failsWith = (series: number) => (plan: RollupPlan) => (seriesOf(plan).includes(series) ? away() : undefined);

test("a rule that makes every rollup fail holds a batch until it is paused or deleted, and no longer", async () => {
  const { bench, begin, pass, written } = setUp({ computed: [good, bad], fails: failsWith(17) });
  begin([good, bad]);
  assert.equal(await pass(60_000), false);
  // One that is made meanwhile is not for this batch: its fill has it.
  bench.computed = [good, late];
  assert.equal(await pass(15_000), true);
  assert.deepEqual(written, [[16]]);
});

test("a batch that fails for a while is written with all of its rules, also while nobody can be asked for them", async () => {
  for (const rulesAway of [false, true]) {
    const { bench, begin, pass, written, tasks } = setUp({ computed: [good, bad], fails: away, rulesAway });
    begin([good, bad]);
    assert.equal(await pass(60_000), false);
    assert.ok(tasks.length < 25, `${tasks.length} attempts: it is asked less and less often`);
    bench.fails = () => undefined;
    assert.equal(await pass(6000), true);
    assert.deepEqual(written, [[16, 17]]);
  }
});

test("what is there although its answers were lost is not written again without the rule that has gone", async () => {
  const { begin, pass, written } = setUp({ computed: [good], fails: failsWith(17), writesAllTheSame: true });
  begin([good, bad]);
  assert.equal(await pass(1000), true);
  assert.deepEqual(written, [[16, 17]]);
});

test("a batch with new groups waits for the room that another one holds, and is no overflow", async () => {
  const byUser = target(19, { group_by: ["user_id"], max_groups: 3 });
  const { begin, pass, written, groups, tasks } = setUp();
  const other = await groups.admit([byUser], { groups: 10, seconds: null });
  begin([byUser]);
  assert.equal(await pass(1000), false);
  assert.deepEqual([written, tasks.map(({ rooms }) => rooms?.get(19))], [[], [0]]);
  other.done("written");
  assert.equal(await pass(0), true);
  assert.deepEqual([written, tasks.map(({ rooms }) => rooms?.get(19))], [[[19]], [0, 3]]);
});

test("what is refused in the form of the batch is tried in this form", async () => {
  const byUser = target(19, { group_by: ["user_id"], max_groups: 3 });
  const isClose = ({ shapes }: RollupPlan): boolean => shapes.length === 1;
  const isLookedUp = ({ shapes }: RollupPlan): boolean =>
    shapes.some(({ members }) => members.some(({ bounded }) => bounded));
  // Panes of a minute and of an hour are one shape where events are close together, and two where they are not.
  const hourly = target(20, { window_size: "1h" });
  for (const { targets, fails, newest } of [
    {
      targets: [good, hourly],
      fails: (plan: RollupPlan) => seriesOf(plan).length === 2 && isClose(plan),
      newest: "r20",
    },
    { targets: [good, byUser], fails: isLookedUp, newest: "r19" },
  ]) {
    const { begin, pass, written, stopped } = setUp({ fails: (plan) => (fails(plan) ? refused() : undefined) });
    begin(targets);
    assert.equal(await pass(5000), true);
    assert.deepEqual([written, stopped], [[[16]], [newest]]);
  }
});

const scarce = (): WeirError =>
  new WeirError("store_unavailable", "no memory", { canRetry: true, outcomeUnknown: true, lacks: "memory" });

test("a batch that the store has no memory for is written in parts, each with its own mark and its own counts", async () => {
  const fails = (_: RollupPlan, { from, to }: OffsetRange): WeirError | undefined =>
    to - from >= 3 ? scarce() : undefined;
  const { begin, pass, written, tasks } = setUp({ computed: [good, bad], fails });
  begin([good, bad]);
  assert.equal(await pass(10_000), true);
  const done = tasks.filter(({ range: { from, to } }) => to - from < 3);
  assert.deepEqual(
    done.map(({ range: { from, to }, counts }) => [from, to, counts?.events]),
    [
      [0, 1, 2],
      [2, 3, 2],
      [4, 5, 2],
      [6, 7, 2],
      [8, 9, 2],
    ],
  );
  assert.ok(done.every(({ range: part, marks }) => marks.length === 1 && marks[0]!.range === part));
  assert.deepEqual(written, Array(5).fill([16, 17]));
});

test("where even one event takes too much memory, the batch waits for the rule to go, and goes on in larger parts", async () => {
  const { bench, begin, pass, written } = setUp({
    computed: [good, bad],
    fails: (plan) => (seriesOf(plan).includes(17) ? scarce() : undefined),
  });
  begin([good, bad]);
  assert.equal(await pass(60_000), false);
  assert.deepEqual(written, []);
  bench.computed = [good];
  assert.equal(await pass(20_000), true);
  assert.deepEqual(written, Array(written.length).fill([16]));
  assert.ok(written.length < 10, `${written.length} parts`);
});
