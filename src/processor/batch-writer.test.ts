import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { type OffsetRange, offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { planRollup } from "../rollup/plan.ts";
import type { RejectedEvent } from "../store/rejects.ts";
import type { RollupTask } from "../store/store.ts";
import { BatchWriter } from "./batch-writer.ts";

const range: OffsetRange = { src: src(0), from: offset(0), to: offset(9) };

const unheard = {
  batch: () => {},
  stage: () => {},
  taken: () => {},
  retried: () => {},
  rejected: () => {},
  broken: () => {},
  ruleStopped: () => {},
  narrowed: () => {},
};

const emptyStore = {
  insertRaw: async () => {},
  takesRows: async () => {},
  storedOffsets: async () => [],
  setAside: async () => {},
  rejectedOffsets: async () => [],
  settle: async () => {},
  fillMarks: async () => new Map<number, OffsetRange[]>(),
};

/** A store that takes every task and loses the first answer; `meanwhile` happens before it is asked what it has. */
function withLostAnswer(meanwhile: (marks: Map<number, OffsetRange[]>) => void) {
  const clock = new SimulatedClock();
  const marks = new Map<number, OffsetRange[]>();
  let written = 0;
  const store = {
    ...emptyStore,
    settle: async () => meanwhile(marks),
    marks: async (series: number) => marks.get(series) ?? [],
    fillMarks: async (series: readonly number[]) => new Map(series.map((one) => [one, marks.get(one) ?? []])),
    rollUp: async (task: RollupTask) => {
      for (const mark of task.marks) marks.set(mark.series, [mark.range]);
      if (++written === 1) throw new WeirError("store_unavailable", "the answer is lost", { outcomeUnknown: true });
      return true;
    },
  };
  const writer = new BatchWriter({ store, clock, metrics: unheard, signal: new AbortController().signal });
  const rollUp = async (series: readonly number[]): Promise<boolean> => {
    const task = { range, plan: planRollup([]), marks: series.map((one) => ({ series: one, range })), counts: null };
    const done = writer.rollUp(task);
    done.catch(() => {});
    await settled();
    await clock.advance(1000);
    return done;
  };
  return { rollUp, written: () => written };
}

test("what was written although its answer was lost is not written again, live or filled", async () => {
  for (const series of [[0], [16], [16, 17]]) {
    const { rollUp, written } = withLostAnswer(() => {});
    assert.equal(await rollUp(series), true);
    assert.equal(written(), 1);
  }
});

test("of a range of which another process has marked a part nothing is written, live or filled", async () => {
  const parts = (from: number, to: number): OffsetRange => ({ src: src(0), from: offset(from), to: offset(to) });
  for (const series of [[0], [16], [16, 17]]) {
    for (const others of [[parts(0, 4)], [parts(9, 20)], [parts(0, 20)], [range, parts(5, 12)]]) {
      const { rollUp, written } = withLostAnswer((marks) => marks.set(series.at(-1)!, others));
      await assert.rejects(rollUp(series), { code: "store_taken" });
      assert.equal(written(), 1);
    }
    const { rollUp, written } = withLostAnswer((marks) => {
      for (const one of series) marks.set(one, [parts(10, 20), { ...range, src: src(1) }]);
    });
    assert.equal(await rollUp(series), true);
    assert.equal(written(), 2, "what lies beside it, or on another partition, is no part of it");
  }
});

test("a piece of several fills is known by the mark of any: a rule that is deleted meanwhile takes its own along", async () => {
  for (const gone of [16, 17]) {
    const { rollUp, written } = withLostAnswer((marks) => marks.delete(gone));
    await rollUp([16, 17]);
    assert.equal(written(), 1);
  }
});

test("what is no event is set aside under its position, with its text, once, although an answer is lost; reasons are few", async () => {
  const clock = new SimulatedClock();
  const aside = new Map<number, RejectedEvent>();
  let attempts = 0;
  const store = {
    ...emptyStore,
    marks: async () => [],
    rollUp: async () => true,
    setAside: async (events: readonly RejectedEvent[]) => {
      for (const event of events.slice(0, ++attempts === 1 ? 3 : undefined)) {
        assert.ok(!aside.has(event.off), "set aside twice");
        aside.set(event.off, event);
      }
      if (attempts === 1) throw new WeirError("store_unavailable", "the answer is lost", { outcomeUnknown: true });
    },
    rejectedOffsets: async () => [...aside.keys()].map(offset),
  };
  const told: [number, string][] = [];
  const metrics = { ...unheard, rejected: (events: number, reason: string) => void told.push([events, reason]) };
  const writer = new BatchWriter({ store, clock, metrics, signal: new AbortController().signal });
  const unreadable = Array.from({ length: 9 }, (_, i) => ({
    ...{ off: offset(i * 100), receivedAt: 7, reason: `it is not JSON: ${i % 8}`, text: `text ${i}` },
  }));
  const batch = { range, pieces: [], events: 0, duplicates: 0, seconds: [], unreadable };
  const writing = writer.raw(batch, { forget: () => {} });
  await settled();
  await clock.advance(1000);
  await writing;
  assert.deepEqual(
    [...aside.keys()],
    unreadable.map(({ off }) => off),
  );
  const { rejectedAt, ...first } = aside.get(0)!;
  assert.equal(rejectedAt, clock.now() - 1000);
  assert.deepEqual(first, {
    ...{ event_id: "", event_type: "", user_id: "", timestamp: 7, payload: "text 0" },
    ...{ src: 0, off: 0, receivedAt: 7, reason: "it is not JSON: 0" },
  });
  assert.deepEqual(
    told.map(([events]) => events),
    [2, 1, 1, 1, 1, 3],
  );
});

/** A store that refuses every task; `marked`: although it has written it. */
async function refusedTwice(marked: boolean): Promise<{ answer: boolean | string; asked: number }> {
  let asked = 0;
  const clock = new SimulatedClock();
  const store = {
    ...emptyStore,
    marks: async () => (marked ? [range] : []),
    rollUp: async () => {
      asked += 1;
      throw new WeirError("store_refused", "no", { outcomeUnknown: true });
    },
  };
  const writer = new BatchWriter({ store, clock, metrics: unheard, signal: new AbortController().signal });
  const task = { range, plan: planRollup([]), marks: [{ series: 0, range }], counts: null };
  const done = writer.rollUp(task, { refusalsMax: 2 }).catch((error: WeirError) => error.code);
  for (let pause = 0; pause < 4; pause++) {
    await settled();
    await clock.advance(1000);
  }
  return { answer: await done, asked };
}

test("what files of the store are damaged for is not tried again at once by who may give up", async () => {
  let asked = 0;
  const rollUp = (): Promise<boolean> => {
    asked += 1;
    return Promise.reject(new WeirError("store_damaged", "part p is damaged", { canRetry: true }));
  };
  const store = { ...emptyStore, marks: async () => [], rollUp };
  const clock = new SimulatedClock();
  const writer = new BatchWriter({ store, clock, metrics: unheard, signal: new AbortController().signal });
  const task = { range, plan: planRollup([]), marks: [{ series: 16, range }], counts: null };
  await assert.rejects(writer.rollUp(task, { attemptsMax: 3 }), { code: "store_damaged" });
  assert.equal(asked, 1);
});

test("a rollup that is refused twice is given up, once it is known that nothing of it is there", async () => {
  assert.deepEqual(await refusedTwice(false), { answer: "store_refused", asked: 2 });
  assert.deepEqual(await refusedTwice(true), { answer: true, asked: 1 });
});

test("a partition that another process has taken is not written again: the writer gives up", async () => {
  let asked = 0;
  const store = {
    ...emptyStore,
    marks: async () => [],
    settle: async () => {
      throw new WeirError("store_taken", "another process has it");
    },
    rollUp: async () => {
      asked += 1;
      throw new WeirError("store_unavailable", "claimed anew", { canRetry: true, outcomeUnknown: true });
    },
  };
  const clock = new SimulatedClock();
  const writer = new BatchWriter({ store, clock, metrics: unheard, signal: new AbortController().signal });
  const task = { range, plan: planRollup([]), marks: [{ series: 0, range }], counts: null };
  const done = writer.rollUp(task).catch((error: WeirError) => error.code);
  await settled();
  await clock.advance(1000);
  assert.deepEqual([await done, asked], ["store_taken", 1]);
});

test("a rollup that fails so often for other reasons is given up too, once it is known that nothing of it is there", async () => {
  for (const marked of [false, true]) {
    let asked = 0;
    const clock = new SimulatedClock();
    const store = {
      ...emptyStore,
      marks: async () => (marked && asked === 2 ? [range] : []),
      rollUp: async () => {
        asked += 1;
        throw new WeirError("store_unavailable", "too much memory", { canRetry: true, outcomeUnknown: true });
      },
    };
    const writer = new BatchWriter({ store, clock, metrics: unheard, signal: new AbortController().signal });
    const task = { range, plan: planRollup([]), marks: [{ series: 0, range }], counts: null };
    const patience = { failuresMax: 2, failedBefore: 4 };
    let answer: unknown;
    void writer.rollUp(task, patience).then(
      (written) => (answer = written),
      (error: WeirError) => (answer = error.code),
    );
    await settled();
    await clock.advance(4700);
    assert.equal(answer, undefined, "it has failed for a while, and is tried less often");
    await clock.advance(200);
    assert.deepEqual([answer, asked], [marked || "store_unavailable", 2]);
  }
});
