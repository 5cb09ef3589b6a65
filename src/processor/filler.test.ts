import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { type Offset, type OffsetRange, offset, src } from "../event/position.ts";
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
function world(positionsPerEvent = 1) {
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
  const reading = (what: "marks" | "events"): void => {
    disk.reads += 1;
    if (disk.unreadable === what) throw new WeirError("store_damaged", `${what} are damaged`, { canRetry: true });
  };
  const store = {
    settle: async () => {},
    fillMarks: async () => (reading("marks"), new Map([[16, [...marks]]])),
    firstEvents: async ({ to }: OffsetRange) => (reading("events"), { events: 1, last: to }),
  } as unknown as Store;
  const owned: Record<string, readonly number[]> = { one: [0], two: [1] };
  const told: string[] = [];
  const disk = { isDamaged: false, unreadable: "" as "" | "marks" | "events", reads: 0 };
  let held: Promise<void> = Promise.resolve();
  const process = (name: string): Filler => {
    const rollUp = async ({ range }: RollupTask): Promise<boolean> => {
      if (!owned[name]!.includes(range.src)) throw new WeirError("store_taken", "another has it");
      assert.ok(
        !marks.some((mark) => mark.src === range.src && mark.from <= range.to && range.from <= mark.to),
        "twice",
      );
      await held;
      if (disk.isDamaged) throw new WeirError("store_damaged", "part p is damaged", { canRetry: true });
      marks.push(range);
      return true;
    };
    return new Filler({
      ...{ store, rules, clock, progress: new MemoryProgress(clock), share: 1, chunkEventsMax: 40 },
      positionsPerEvent,
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
  return { clock, marks, filled, owned, believed, told, disk, hold, one: process("one"), two: process("two") };
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

test("a fill that files of the store are damaged for stands still, says so, and goes on when they are mended", async () => {
  const { clock, filled, owned, believed, told, disk, one } = world();
  believed["one"] = owned["one"] = [0, 1];
  disk.isDamaged = true;
  for (let minutes = 0; minutes < 25; minutes += 1) {
    await one.round(stop);
    await clock.advance(60_000);
  }
  assert.deepEqual(told, ["filling rule r from raw events stands still; it is tried again every ten minutes"]);
  assert.equal(one.state(16).waitingFor, "part p is damaged");
  disk.isDamaged = false;
  await clock.advance(600_000);
  await one.round(stop);
  assert.deepEqual([one.state(16).waitingFor, filled], [undefined, [16]]);
});

test("so does one whose marks, or whose events to be cut, can't be read", async () => {
  for (const what of ["marks", "events"] as const) {
    const { clock, filled, owned, believed, told, disk, one } = world(10);
    believed["one"] = owned["one"] = [0, 1];
    disk.unreadable = what;
    for (let tries = 0; tries < 2000; tries += 1) {
      await one.round(stop);
      await clock.advance(250);
    }
    assert.deepEqual(told, ["filling rule r from raw events stands still; it is tried again every ten minutes"]);
    assert.equal(one.state(16).waitingFor, `${what} are damaged`);
    assert.ok(disk.reads <= 3, `${disk.reads} reads within eight minutes`);
    disk.unreadable = "";
    await one.round(stop);
    assert.deepEqual(filled, []);
    one.mended();
    await one.round(stop);
    assert.deepEqual([one.state(16).waitingFor, filled], [undefined, [16]], what);
  }
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

/**
 * One process that fills one rule from records of 2^14 positions, as Kafka has them; in those of these stretches there are a
 * thousand events each. Every statement takes so long, and fails of more events than `room`. Answers how many events each piece had.
 */
async function filledSparse(
  stretches: readonly (readonly [from: number, to: number])[],
  takesMs: number,
  room = Infinity,
) {
  const clock = new SimulatedClock();
  const offs: Offset[] = [];
  for (const [from, to] of stretches)
    for (let record = from; record <= to; record++)
      for (let index = 0; index < 1000; index++) offs.push(offset(record * 2 ** 14 + index));
  const activation = { 0: (stretches.at(-1)![1] + 1) * 2 ** 14 };
  const pieces: { readonly range: OffsetRange; readonly events: number }[] = [];
  let filling = true;
  const within = ({ from, to }: OffsetRange): Offset[] => offs.filter((off) => from <= off && off <= to);
  const filler = new Filler({
    ...{ clock, progress: new MemoryProgress(clock), share: 1, chunkEventsMax: 200_000, positionsPerEvent: 2 ** 14 },
    store: {
      settle: async () => {},
      fillMarks: async () => new Map([[16, pieces.map(({ range }) => range)]]),
      firstEvents: async (range: OffsetRange, most: number) => {
        const first = within(range).slice(0, most);
        return { events: first.length, last: first.at(-1) ?? range.from };
      },
    } as unknown as Store,
    rules: {
      current: async () => [],
      targets: async () => (filling ? [{ rule_id: "r", series: 16, rule, activation, filling }] : []),
      ...{ known: () => [], filled: async () => void (filling = false) },
    } as unknown as RuleSource,
    writer: {
      rollUp: async ({ range }: RollupTask) => {
        const events = within(range).length;
        await clock.sleep(takesMs);
        if (events > room) throw new WeirError("store_unavailable", "memory limit exceeded", { canRetry: true });
        pieces.push({ range, events });
        return true;
      },
    } as unknown as BatchWriter,
    groups: {
      admit: async () => ({ bounded: new Set(), rooms: new Map(), done: () => {} }),
    } as unknown as GroupRooms,
    stopper: {} as RuleStopper,
    ours: () => offset(activation[0]),
    taken: () => {},
    live: () => ({ busy: true, lagMs: 0 }),
    report: (message) => void (room === Infinity && assert.fail(message)),
  });
  const round = filler.round(stop).finally(() => (filling = false));
  while (filling) await clock.advance(takesMs);
  await round;
  for (const [index, { range }] of pieces.entries())
    assert.equal(range.from, (pieces[index - 1]?.range.to ?? -1) + 1, "they lie end to end");
  return pieces.map(({ events }) => events);
}

test("where positions are not dense, pieces keep to their time by the events that they have", async () => {
  const quick = await filledSparse([[0, 499]], 100);
  assert.deepEqual(quick.slice(0, 3), [50_000, 100_000, 200_000]);
  const slow = await filledSparse([[0, 399]], 20_000);
  assert.deepEqual(
    slow,
    [...Array.from({ length: 8 }, () => 50_000), 0],
    "at last the positions behind the last event",
  );
});

test("a long stretch without events takes few pieces, and none behind it has more events than it may", async () => {
  const events = await filledSparse(
    [
      [0, 99],
      [10_000_000, 10_000_399],
    ],
    100,
  );
  assert.equal(
    events.reduce((sum, some) => sum + some, 0),
    500_000,
  );
  assert.ok(events.length < 20 && events.every((some) => some <= 200_000), events.join(" "));
});

test("where the store has room for some hundred events of a rule alone, pieces become as small, and the fill is done", async () => {
  const pieces = await filledSparse([[0, 9]], 100, 700);
  assert.equal(
    pieces.reduce((sum, events) => sum + events, 0),
    10_000,
  );
});
