import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { type OffsetRange, offset, src } from "../event/position.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import { Others } from "./others.ts";

const range = (from: number, to: number): OffsetRange => ({ src: src(0), from: offset(from), to: offset(to) });

function world() {
  const clock = new SimulatedClock();
  const progress = new MemoryProgress(clock);
  const marks: OffsetRange[] = [];
  let [end, isOurs] = [0, false];
  const others = new Others({
    log: { sources: () => [src(0)], ends: async () => new Map([[src(0), offset(end)]]) },
    store: { marks: async (_, __, from) => marks.filter(({ to }) => to >= from) },
    progress,
    clock,
    isOurs: () => isOurs,
  });
  const look = async (): Promise<void> => (await clock.advance(1000), others.look());
  return { clock, progress, marks, others, look, setEnd: (to: number) => (end = to), take: () => (isOurs = true) };
}

test("who waits for events of a partition that another process counts is answered by its marks", async () => {
  const { progress, marks, look, setEnd, others } = world();
  setEnd(10);
  await look();
  const waiting = progress.waitCounted([range(0, 9)], new AbortController().signal);
  marks.push(range(0, 4), range(5, 9));
  await look();
  assert.equal(await waiting, true);
  assert.equal(others.written(0), 10);
});

test("all is counted up to a time once the marks are past where the log ended then; until then it lags", async () => {
  const { clock, progress, marks, look, setEnd } = world();
  setEnd(10);
  await look();
  const at = clock.now();
  assert.equal(progress.countedThrough(), 0);
  for (let looks = 0; looks < 4; looks++) await look();
  assert.ok(progress.lagMs() >= 3000);
  marks.push(range(0, 9));
  setEnd(20);
  await look();
  assert.equal(progress.countedThrough(), at);
  assert.equal(progress.lagMs(), 0);
});

test("a partition that is ours is not looked at", async () => {
  const { progress, marks, look, take } = world();
  take();
  marks.push(range(0, 9));
  await look();
  assert.equal(progress.isCounted([range(0, 9)]), false);
});
