import assert from "node:assert/strict";
import { test } from "node:test";
import type { OffsetRange } from "../event/position.ts";
import { offset, src } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import { MemoryProgress } from "./memory-progress.ts";

const range = (from: number, to: number): OffsetRange => ({ src: src(0), from: offset(from), to: offset(to) });
const touched = (from: number, to: number) => ({ range: range(from, to), seconds: [1] });

test("a range is counted once the partition is past its end", () => {
  const progress = new MemoryProgress(systemClock);
  assert.equal(progress.isCounted([range(0, 9)]), false);
  progress.advance(9, 1, touched(0, 8));
  assert.equal(progress.isCounted([range(0, 9)]), false);
  progress.advance(10, 1, touched(9, 9));
  assert.equal(progress.isCounted([range(0, 9)]), true);
  assert.equal(progress.isCounted([range(0, 9), range(5, 10)]), false);
});

test("a wait ends when its ranges are counted, or when its caller gives up", async () => {
  const progress = new MemoryProgress(systemClock);
  const patience = new AbortController();
  const first = progress.waitCounted([range(0, 4)], new AbortController().signal);
  const second = progress.waitCounted([range(0, 9)], patience.signal);
  progress.advance(5, 1, touched(0, 4));
  assert.equal(await first, true);
  patience.abort();
  assert.equal(await second, false);
});

test("while a rule is being filled, what lies below its activation is not in every rule", () => {
  const progress = new MemoryProgress(systemClock);
  progress.advance(100, 1, touched(0, 99));
  progress.filling([{ 0: 50 }]);
  assert.equal(progress.isCounted([range(10, 20)]), false);
  assert.equal(progress.isCounted([range(50, 60)]), true);
  progress.filling([]);
  assert.equal(progress.isCounted([range(10, 20)]), true);
});

test("who begins to count says of nothing that every rule has it before it knows which are being filled", async () => {
  const progress = new MemoryProgress(systemClock);
  progress.expect(src(1), 100);
  progress.takenUp(src(0), 100);
  const wait = progress.waitCounted([range(60, 70)], new AbortController().signal);
  assert.deepEqual([progress.isCounted([range(60, 70)]), progress.standing(0)?.incompleteBelow], [false, 100]);
  assert.deepEqual(progress.standing(1)?.incompleteBelow, 100, "others have not spoken yet");
  progress.filling([{ 0: 50 }]);
  assert.equal(await wait, true);
  assert.equal(progress.isCounted([range(40, 45)]), false);
  progress.takenUp(src(1), 100);
  assert.equal(progress.isCounted([range(60, 70)]), true, "it knows them from then on");
});

test("the lag is the age of the oldest event that waits", () => {
  let now = 1000;
  const progress = new MemoryProgress({ ...systemClock, now: () => now, monotonic: () => now + 77 });
  progress.caughtUp(src(0), 0, 900);
  assert.equal(progress.lagMs(), 0);
  assert.equal(progress.countedThrough(), 900);
  progress.working(src(0), 950);
  progress.working(src(0), 990);
  now = 1199.2;
  assert.equal(progress.lagMs(), 250, "in whole milliseconds");
  now = 1200;
  assert.equal(progress.lagMs(), 250);
  progress.advance(1, 990, touched(0, 0));
  assert.equal(progress.lagMs(), 210);
  progress.advance(2, 995, touched(1, 1));
  assert.equal(progress.lagMs(), 0);
  assert.equal(progress.countedThrough(), 995);
});

test("a clock that is set makes nobody wait for longer, and calls nothing final that is not", () => {
  let [now, monotonic] = [10_000_000, 0];
  const progress = new MemoryProgress({ ...systemClock, now: () => now, monotonic: () => monotonic });
  progress.working(src(0), now - 200);
  now += 7_200_000;
  monotonic += 100;
  assert.equal(progress.lagMs(), 300);
  progress.advance(1, now, touched(0, 0));
  progress.caughtUp(src(0), 1, now);
  assert.equal(progress.countedThrough(), now);
  now -= 7_200_000;
  progress.caughtUp(src(0), 1, now);
  assert.equal(progress.countedThrough(), now);
  // An event of before the clock was set back seems to come from the future.
  progress.working(src(0), now + 5000);
  monotonic += 50;
  assert.equal(progress.lagMs(), 50);
});

test("a partition that moves: who takes it up tells of what it did not know, and listens to nobody until it lets go", () => {
  const progress = new MemoryProgress(systemClock);
  const told: unknown[] = [];
  progress.onTouched(({ range, seconds }) => told.push([range.from, range.to, seconds]));
  const said = (next: number) => ({ next, through: next, waitedMs: 0, incompleteBelow: 0 });
  progress.expect(src(0), 10);
  progress.heard(src(0), said(20));
  progress.takenUp(src(0), 30);
  assert.deepEqual([told.splice(0), progress.standing(0)?.through], [[[20, 29, null]], 20]);
  progress.heard(src(0), said(99));
  assert.equal(progress.standing(0)?.next, 30);
  progress.letGo(src(0));
  progress.heard(src(0), said(40));
  assert.deepEqual([progress.standing(0)?.next, told], [40, []]);
  progress.caughtUp(src(0), 35, 1);
  progress.heard(src(0), said(50));
  assert.equal(progress.standing(0)?.next, 50, "what ends late makes the partition nobody's own again");
});

test("of a clock that is ahead of ours nothing is final before ours says so, and it is known how far it is", () => {
  const now = 1_000_000;
  const progress = new MemoryProgress({ ...systemClock, now: () => now });
  const said = (through: number) => ({ next: 1, through, waitedMs: 0, incompleteBelow: 0 });
  progress.heard(src(0), said(now + 60_000));
  assert.deepEqual([progress.countedThrough(), progress.clockAheadMs()], [now, 60_000]);
  progress.heard(src(0), said(now - 5));
  assert.deepEqual([progress.countedThrough(), progress.clockAheadMs()], [now - 5, 0]);
});

test("what others are said to have counted is in every rule once one of them says so", () => {
  const progress = new MemoryProgress(systemClock);
  progress.expect(src(0), 1000);
  assert.equal(progress.isCounted([range(10, 20)]), false);
  progress.heard(src(0), { next: 1000, through: 1, waitedMs: 0, incompleteBelow: 15 });
  assert.deepEqual([progress.isCounted([range(10, 20)]), progress.isCounted([range(15, 20)])], [false, true]);
});

test("where nobody can say any more that nothing waits, the lag grows: in a while, and from when it was sure last", () => {
  let [now, monotonic] = [10_000_000, 0];
  const progress = new MemoryProgress({ ...systemClock, now: () => now, monotonic: () => monotonic });
  const pass = (ms: number): void => void ([now, monotonic] = [now + ms, monotonic + ms]);
  progress.takenUp(src(0), 5);
  pass(1_000);
  progress.caughtUp(src(0), 5, now - 200);
  const [through, sureAt] = [now - 200, monotonic - 200];
  pass(4_000);
  assert.equal(progress.lagMs(), 0);
  pass(3_600_000);
  assert.equal(progress.lagMs(), monotonic - sureAt, "a read that does not return says nothing");
  progress.caughtUp(src(0), 5, through);
  assert.equal(progress.lagMs(), monotonic - sureAt, "nor does one that gives nothing, and knows no more");
  progress.caughtUp(src(0), 5, 0);
  assert.deepEqual([progress.lagMs(), progress.countedThrough()], [monotonic - sureAt, through]);
  now -= 7_200_000;
  progress.caughtUp(src(0), 5, through);
  assert.equal(progress.lagMs(), monotonic - sureAt, "however the clock is set");
  progress.caughtUp(src(0), 5, now);
  assert.deepEqual([progress.lagMs(), progress.countedThrough()], [0, now]);
  progress.working(src(0), now - 100);
  pass(9_000);
  assert.equal(progress.lagMs(), 9_100, "of what is being counted the oldest is known");
});

test("of a partition of which it was never known that nothing waits the lag is the time since it was taken up", () => {
  let monotonic = 0;
  const progress = new MemoryProgress({ ...systemClock, now: () => 10_000_000, monotonic: () => monotonic });
  progress.takenUp(src(0), 5);
  for (monotonic = 1_000; monotonic <= 20_000; monotonic += 1_000) progress.caughtUp(src(0), 5, 0);
  assert.deepEqual([progress.lagMs(), progress.countedThrough()], [monotonic, 0]);
  assert.equal(progress.standing(0)?.waitedMs, monotonic, "and others hear it");
});
