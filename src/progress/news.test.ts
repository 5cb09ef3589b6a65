import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { offset, src } from "../event/position.ts";
import { Announcer } from "./announcer.ts";
import { decodeBulletin, encodeBulletin } from "./bulletin.ts";
import type { ChannelListener } from "./channel.ts";
import { Follower } from "./follower.ts";
import { MemoryProgress } from "./memory-progress.ts";
import type { Touched } from "./progress.ts";

/** Carries messages at once, while it is not cut; what was sent can be lost, and said again. */
class Line {
  readonly sent: Uint8Array[] = [];
  readonly listeners: ChannelListener[] = [];
  isCut = false;
  loses = false;

  async send(message: Uint8Array): Promise<void> {
    if (this.isCut) throw new Error("cut");
    this.sent.push(message);
    if (!this.loses) for (const { heard } of this.listeners) heard(message);
  }

  listen(listener: ChannelListener): void {
    this.listeners.push(listener);
  }
}

/** A clock whose pauses are over at once, and that beats when it is told to. */
class Clock {
  at = 1_000_000;
  beat = (): void => {};
  now = (): number => this.at;
  monotonic = (): number => this.at;
  sleep = (): Promise<void> => turn();
  turn = (): Promise<void> => turn();
  every = (_: number, tick: () => void): (() => void) => ((this.beat = tick), () => {});
}

const batch = (from: number, to: number, seconds: readonly number[] | null): Touched => ({
  range: { src: src(0), from: offset(from), to: offset(to) },
  seconds,
});

function installation() {
  const [line, clock] = [new Line(), new Clock()];
  const counter = new MemoryProgress(clock);
  const fills = [{ series: 20, progress: 0.5, endsAt: 7 }];
  const ours = [src(0)];
  const parts = { progress: counter, channel: line, clock, sources: () => ours, fills: () => fills };
  const rules = { revision: 7 };
  const announcer = new Announcer({ ...parts, process: "counter", rules: () => rules.revision });
  const progress = new MemoryProgress(clock);
  const touched: Touched[] = [];
  let elsewhere = 0;
  progress.onTouched(({ elsewhere: isElsewhere = false, ...one }) => {
    touched.push(one);
    elsewhere += Number(isElsewhere);
  });
  progress.expect(src(0), 0);
  const events: number[] = [];
  const follower = new Follower({ progress, channel: line, clock, process: "asker", counted: (n) => events.push(n) });
  follower.start();
  const said = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await turn();
  };
  return {
    line,
    clock,
    announcer,
    counter,
    progress,
    follower,
    touched,
    events,
    said,
    ours,
    rules,
    elsewhere: () => elsewhere,
  };
}

test("what one process counts is known to another: positions, seconds, times, fills and rates", async () => {
  const { announcer, progress, follower, touched, events, said, clock, elsewhere } = installation();
  const wait = progress.waitCounted([batch(0, 9, null).range], new AbortController().signal);
  announcer.filling([{ 0: 5 }]);
  announcer.counted(10);
  announcer.advance(10, 900_000, batch(0, 9, [3, 4]));
  await said();
  assert.deepEqual([touched, elsewhere()], [[batch(0, 9, [3, 4])], 1]);
  assert.deepEqual(events, [10]);
  assert.equal(progress.isCounted([batch(0, 9, null).range]), false, "a rule is being filled up to 5");
  assert.equal(progress.isCounted([batch(5, 9, null).range]), true);
  announcer.filling([]);
  clock.beat();
  assert.equal(await wait, true);
  assert.equal(progress.countedThrough(), 900_000);
  assert.deepEqual(progress.ranges(), [batch(0, 9, null).range]);
  assert.deepEqual(follower.fill(20), { progress: 0.5, endsAt: 7 });
});

test("what the fill of a rule stands still for with one process stays known while others go on with theirs", () => {
  const { line, follower } = installation();
  const says = (by: string, waitingFor?: string): void => {
    const fill = { series: 20, progress: 0.5, endsAt: 7, ...(waitingFor === undefined ? {} : { waitingFor }) };
    line.listeners[0]!.heard(encodeBulletin({ by, events: 0, partitions: [], series: [], fills: [fill] }));
  };
  says("one", "part p is damaged");
  says("two");
  assert.deepEqual(follower.fill(20), { progress: 0.5, endsAt: null, waitingFor: "part p is damaged" });
  says("one");
  assert.deepEqual(follower.fill(20), { progress: 0.5, endsAt: 7 });
});

test("by which rules something was counted is known no later than that it was", async () => {
  const { announcer, progress, follower, said, clock, rules } = installation();
  assert.equal(follower.rules(true), 0);
  const known: number[] = [];
  progress.onTouched(() => known.push(follower.rules(true)));
  announcer.advance(10, 1, batch(0, 9, []));
  await said();
  rules.revision = 8;
  announcer.advance(20, 2, batch(10, 19, []));
  await said();
  assert.deepEqual(known, [7, 8]);
  clock.at += 61_000;
  assert.equal(follower.rules(false), 8, "who can't read the rules can't know that they are others");
  clock.at += 60_000;
  assert.equal(follower.rules(true), 8);
  clock.at += 1;
  assert.equal(follower.rules(true), 0, "who counted may be gone, and the rules may have been made anew");
});

test("where messages are lost anything may have changed, once; where they are doubled or old, nothing", async () => {
  const { line, announcer, touched, progress, said, events } = installation();
  announcer.counted(10);
  announcer.advance(10, 1, batch(0, 9, [1]));
  await said();
  line.loses = true;
  announcer.advance(20, 2, batch(10, 19, [2]));
  await said();
  line.loses = false;
  announcer.advance(30, 3, batch(20, 29, [3]));
  await said();
  assert.deepEqual(touched, [batch(0, 9, [1]), batch(10, 29, null)]);
  for (const { heard } of line.listeners) for (const message of line.sent) heard(message);
  assert.equal(touched.length, 2);
  assert.equal(
    events.reduce((sum, n) => sum + n, 0),
    10,
  );
  assert.deepEqual(progress.ranges(), [batch(0, 29, null).range]);
});

test("what was counted by a process that died before it could say so is known by the position of the next", async () => {
  const { announcer, touched, clock, said } = installation();
  announcer.advance(10, 1, batch(0, 9, [1]));
  await said();
  announcer.caughtUp(src(0), 25, 0);
  clock.beat();
  await said();
  assert.deepEqual(touched.at(-1), batch(10, 24, null));
});

test("what was counted last is told when its partition is let go, also to those whom a message reaches late", async () => {
  for (const isCut of [false, true]) {
    const { announcer, line, touched, progress, said, ours } = installation();
    announcer.advance(10, 1, batch(0, 9, [1]));
    line.isCut = isCut;
    announcer.advance(20, 2, batch(10, 19, [2]));
    await (isCut ? said() : undefined);
    ours.pop();
    announcer.letGo(src(0));
    await said();
    line.isCut = false;
    await announcer.close();
    await said();
    assert.deepEqual(touched, [batch(0, 9, [1]), batch(10, 19, [2])]);
    assert.equal(progress.isCounted([batch(0, 19, null).range]), true);
  }
});

test("of more series than one message takes all are told", async () => {
  const { announcer, line, progress, said } = installation();
  const told = new Set<number>();
  progress.onSeriesChanged((series) => told.add(series));
  line.isCut = true;
  for (let series = 0; series < 10_005; series++) announcer.seriesChanged(series);
  await said();
  line.isCut = false;
  await said();
  assert.equal(told.size, 10_005);
});

test("who is behind says nothing new, and nobody speaks of a partition that the log has not", async () => {
  const { announcer, line, progress, said, touched, clock } = installation();
  announcer.advance(10, 500, batch(0, 9, [1]));
  announcer.filling([{ 0: 8 }]);
  await said();
  clock.beat();
  await said();
  const rows = ["[0,9,400,0,0,null]", "[7,5,0,0,0,null]"];
  const odd = [
    "[0,1e999,0,0,0,null]",
    "[0,10.5,0,0,0,null]",
    "[0,-1,0,0,0,null]",
    "[0,20,0,0,0,[1e999,19,[1]]]",
    "[0,20,0,0,0,[10,19,[1e18]]]",
    "[0,20,1e300,0,0,null]",
  ];
  for (const row of rows)
    line.listeners[0]!.heard(Buffer.from(`{"v":1,"by":"x","events":0,"partitions":[${row}],"series":[],"fills":[]}`));
  assert.deepEqual([progress.standing(0)?.through, progress.standing(0)?.incompleteBelow], [500, 8]);
  assert.equal(progress.standing(7), undefined);
  assert.equal(touched.length, 1);
  for (const row of odd)
    line.listeners[0]!.heard(Buffer.from(`{"v":1,"by":"x","events":0,"partitions":[${row}],"series":[],"fills":[]}`));
  assert.equal(progress.standing(0)?.next, 10);
  assert.deepEqual(
    touched.slice(1).map(({ seconds }) => seconds),
    [null, null, null, null, null, null],
  );
});

test("while the line is cut what was counted is kept as one statement, and said when it is whole", async () => {
  const { line, announcer, touched, events, said, progress } = installation();
  line.isCut = true;
  for (let from = 0; from < 100; from += 10) {
    announcer.counted(10);
    announcer.advance(from + 10, from, batch(from, from + 9, [from, 1000]));
    await said();
  }
  assert.equal(touched.length, 0);
  line.isCut = false;
  await said();
  assert.deepEqual(touched, [batch(0, 99, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 1000])]);
  assert.equal(
    events.reduce((sum, n) => sum + n, 0),
    100,
  );
  assert.equal(progress.countedThrough(), 90);
});

test("a message has its bounds: of too many seconds it says that they are too many", async () => {
  const { line, announcer, touched, said } = installation();
  const many = Array.from({ length: 3_000 }, (_, i) => i);
  line.isCut = true;
  announcer.advance(10, 1, batch(0, 9, [1]));
  announcer.advance(20, 1, batch(10, 19, many));
  await said();
  line.isCut = false;
  await said();
  assert.deepEqual(touched, [batch(0, 19, null)]);
});

test("a message has its bounds: of too many long reasons of fills the later ones are said shortly", () => {
  const waitingFor = "\u0001".repeat(500);
  const fills = Array.from({ length: 1_000 }, (_, series) => ({ series, progress: 0, endsAt: null, waitingFor }));
  const message = encodeBulletin({ by: "p", events: 0, partitions: [], series: [], fills });
  assert.ok(message.length < 400_000, `it has ${message.length} bytes`);
  const said = decodeBulletin(message)!.fills.map((fill) => fill.waitingFor);
  assert.deepEqual([said[0], said[999]], [waitingFor, "what the log of the processor says"]);
});

test("when nobody speaks, events may wait: the lag grows, and the partition is silent", async () => {
  const { announcer, clock, progress, said } = installation();
  announcer.advance(10, 1, batch(0, 9, [1]));
  await said();
  clock.at += 4_000;
  assert.deepEqual([progress.lagMs(), progress.silent()], [0, []]);
  clock.at += 2_000;
  assert.deepEqual([progress.lagMs(), progress.silent()], [6_000, [src(0)]]);
  clock.beat();
  await said();
  assert.deepEqual([progress.lagMs(), progress.silent()], [6_000, []], "who counts it can't read it");
  announcer.caughtUp(src(0), 10, clock.at);
  clock.beat();
  await said();
  assert.deepEqual([progress.lagMs(), progress.silent()], [0, []]);
  announcer.working(src(0), clock.at - 300);
  clock.beat();
  await said();
  assert.equal(progress.lagMs(), 300);
});

test("a record with a time that is none makes no message that others do not understand", async () => {
  const { announcer, progress, touched, said } = installation();
  for (const [from, time] of [
    [0, -1],
    [10, 1e18],
  ] as const) {
    announcer.advance(from + 10, time, batch(from, from + 9, [1]));
    await said();
    assert.equal(progress.standing(0)?.next, from + 10);
  }
  assert.deepEqual(
    touched.map(({ seconds }) => seconds),
    [[1], [1]],
  );
});

test("a start that says nothing of times yet makes nothing less final", async () => {
  const { announcer, clock, progress, said } = installation();
  announcer.advance(10, 500, batch(0, 9, [1]));
  await said();
  announcer.caughtUp(src(0), 10, 0);
  clock.beat();
  await said();
  assert.equal(progress.countedThrough(), 500);
});

test("own messages say nothing new, and ones in another form mean that anything may have changed", async () => {
  const { line, clock, announcer, touched, said } = installation();
  const own = new MemoryProgress(clock);
  new Follower({ progress: own, channel: line, clock, process: "counter" }).start();
  announcer.advance(10, 1, batch(0, 9, [1]));
  await said();
  assert.equal(own.standing(0), undefined);
  const odd = ['{"v":2,"by":"newer"}', "no JSON", '{"v":1,"by":"x","partitions":[[1]]}'];
  for (const text of odd) line.listeners[0]!.heard(Buffer.from(text));
  line.listeners[0]!.lost();
  assert.deepEqual(
    touched.map(({ seconds }) => seconds),
    [[1], null, null, null, null],
  );
});

test("the announcer ends with what is left to say", async () => {
  const { line, announcer, touched, said } = installation();
  announcer.advance(10, 1, batch(0, 9, [1]));
  await announcer.close();
  assert.deepEqual(touched, [batch(0, 9, [1])]);
  await said();
  const { length } = line.sent;
  announcer.advance(20, 1, batch(10, 19, [1]));
  await said();
  assert.equal(line.sent.length, length);
});
