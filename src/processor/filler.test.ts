import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { type OffsetRange, offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import { checked } from "../rulebook/understood.ts";
import type { RollupTask, Store } from "../store/store.ts";
import type { BatchWriter } from "./batch-writer.ts";
import { Filler } from "./filler.ts";
import type { GroupRooms } from "./group-rooms.ts";
import type { RuleSource, Target } from "./ports.ts";
import type { RuleStopper } from "./rule-stopper.ts";

const rule = checked({ rule_id: "r", window_size: "1m", metric: "count", group_by: [], active: true });
const stop = new AbortController().signal;

/** Two processes that share a store and the rules; each has what `owned` says. */
function world() {
  const clock = new SimulatedClock();
  const marks: OffsetRange[] = [];
  const filled: number[] = [];
  let filling = true;
  const targets = (): Target[] =>
    filling ? [{ rule_id: "r", series: 16, rule, activation: { 0: 100, 1: 100 }, filling: true }] : [];
  const rules = {
    current: async () => [],
    targets: async () => targets(),
    known: targets,
    goOnRebuilding: async () => 0,
    filled: async (_: string, series: number) => void (filled.push(series), (filling = false)),
  } as unknown as RuleSource;
  const store = { settle: async () => {}, fillMarks: async () => new Map([[16, [...marks]]]) } as unknown as Store;
  const owned: Record<string, readonly number[]> = { one: [0], two: [1] };
  const told: string[] = [];
  let held: Promise<void> = Promise.resolve();
  const process = (name: string): Filler => {
    const rollUp = async ({ range }: RollupTask): Promise<boolean> => {
      if (!owned[name]!.includes(range.src)) throw new WeirError("store_taken", "another has it");
      assert.ok(
        !marks.some((mark) => mark.src === range.src && mark.from <= range.to && range.from <= mark.to),
        "twice",
      );
      await held;
      marks.push(range);
      return true;
    };
    return new Filler({
      ...{ store, rules, clock, progress: new MemoryProgress(clock), share: 1, chunkEventsMax: 40, positionsMax: 40 },
      writer: { rollUp } as unknown as BatchWriter,
      groups: {
        admit: async () => ({ bounded: new Set(), rooms: new Map(), done: () => {} }),
      } as unknown as GroupRooms,
      stopper: {} as RuleStopper,
      ours: (partition) => (believed[name]!.includes(partition) ? offset(100) : undefined),
      taken: (of) => {
        told.push(`${name} lost ${of}`);
        believed[name] = believed[name]!.filter((one) => one !== of);
      },
      live: () => ({ busy: false, lagMs: 0 }),
      report: (message) => void told.push(message),
    });
  };
  /** What each process takes for its own: a zombie does not know better. */
  const believed: Record<string, readonly number[]> = { ...owned };
  /** Whatever is written then waits until it is told that it is. */
  const hold = (): PromiseWithResolvers<void> => {
    const waiting = Promise.withResolvers<void>();
    held = waiting.promise;
    return waiting;
  };
  return { clock, marks, filled, owned, believed, told, hold, one: process("one"), two: process("two") };
}

test("each process fills what it has; a rule is filled when all partitions are, whoever sees it first", async () => {
  const { clock, marks, filled, one, two } = world();
  await one.round(stop);
  assert.deepEqual(new Set(marks.map((mark) => mark.src)), new Set([0]));
  assert.deepEqual(filled, [], "the other partition is not filled yet");
  assert.equal(one.state(16).progress, 0.5);
  await two.round(stop);
  assert.deepEqual(filled, [16]);
  await clock.advance(1000);
  await one.round(stop);
  assert.deepEqual(filled, [16]);
});

test("what a predecessor has filled is read when its partition is taken up, and not filled again", async () => {
  const { marks, filled, owned, believed, one } = world();
  await one.round(stop);
  marks.push({ src: src(1), from: offset(0), to: offset(39) });
  believed["one"] = owned["one"] = [0, 1];
  one.readAgain();
  await one.round(stop);
  assert.deepEqual(filled, [16]);
});

test("who has lost a partition fills no more of it, and goes on with the others", async () => {
  const { marks, filled, owned, believed, told, one } = world();
  believed["one"] = [0, 1];
  await one.round(stop);
  assert.deepEqual(told, ["one lost 1"]);
  assert.equal(filled.length, 0);
  assert.equal(
    marks.reduce((sum, { from, to }) => sum + to - from + 1, 0),
    100,
  );
  assert.deepEqual(owned["one"], [0]);
});

test("who waits for a fill to be idle waits for the piece that is being written, and not for the rest after it", async () => {
  const { clock, marks, one, hold } = world();
  const written = hold();
  const over = new AbortController();
  const round = one.round(over.signal);
  let isIdle = false;
  await clock.advance(1000);
  const idle = one.idle().then(() => (isIdle = true));
  await clock.advance(1000);
  assert.deepEqual([isIdle, marks.length], [false, 0]);
  over.abort();
  written.resolve();
  await idle;
  assert.equal(marks.length, 1);
  await round;
});
