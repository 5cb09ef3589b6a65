import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { parseRule } from "../rule/parse.ts";
import type { Unlisted } from "../store/store.ts";
import { GroupRooms } from "./group-rooms.ts";
import type { Target } from "./ports.ts";

const start = Date.UTC(2026, 0, 13, 10) / 1000;

function target(series: number, more: object = {}, filling = false): Target {
  const parsed = parseRule({
    rule_id: `r${series}`,
    window_size: "1m",
    metric: "count",
    group_by: ["user_id"],
    ...more,
  });
  assert.ok(parsed.ok);
  return { rule_id: `r${series}`, series, rule: parsed.rule, activation: {}, filling };
}

/** Rooms over a store that says so many groups are listed; what it is asked, in words. */
function setUp(listed: Map<number, number> = new Map(), groupsMax = 1000, share = 1) {
  const asked: string[] = [];
  const full: string[] = [];
  let [fails, failsAfter, meanwhile] = [false, 0, (): void => {}];
  const inWords = ({ series, from, to }: Unlisted): string => {
    if (from >= to) return `${series}`;
    if (to > 1e15 && from > 0) return `${series} from ${from / 1000 - start}`;
    return to > 1e15 ? `${series} all` : `${series} ${from / 1000 - start}..${Math.floor(to / 1000) - start}`;
  };
  const clock = new SimulatedClock(start * 1000);
  const rooms = new GroupRooms({
    clock,
    store: {
      listGroups: async (series) => {
        if (fails && asked.length >= failsAfter) throw new Error("away");
        asked.push(series.map(inWords).join(", "));
        return new Map(series.map(({ series: one }) => [one, listed.get(one) ?? 0]));
      },
      settle: async () => (meanwhile(), void asked.push("settle")),
    },
    groupsMax,
    share: () => share,
    full: (ruleId, bound) => full.push(`${ruleId} ${bound}`),
  });
  const whileSettling = (does: () => void): void => void (meanwhile = does);
  return {
    rooms,
    clock,
    full,
    asked: () => asked.splice(0),
    fail: (now: boolean, after = 0) => ([fails, failsAfter] = [now, after]),
    whileSettling,
  };
}

const range = (groups: number, ...seconds: number[]) => ({
  groups,
  seconds: seconds.length === 0 ? null : seconds.map((second) => start + second),
});

test("as long as there is room for all that may have come, nothing is asked; then what was touched is listed anew", async () => {
  const { rooms, asked } = setUp(new Map([[20, 10]]));
  for (const second of [0, 61, 5, 6, 7, 8, 9, 10, 11]) {
    const admission = await rooms.admit([target(20)], range(110, second));
    assert.equal(admission.bounded.size, 0);
    admission.done("written");
  }
  // A range that was refused has added nothing.
  (await rooms.admit([target(20)], range(0, 500))).done("refused");
  assert.deepEqual(asked(), ["20 all"]);
  // 10 and 990 that may have come; once listed there are 10 again.
  assert.equal((await rooms.admit([target(20)], range(110, 9))).bounded.size, 0);
  assert.deepEqual(asked(), ["20 0..61"]);
});

test("where there may be too many, a range is given what is left, and a full rule nothing; it is told once", async () => {
  const listed = new Map([[20, 97]]);
  const { rooms, full, asked } = setUp(listed, 100);
  const first = await rooms.admit([target(20)], range(30, 0));
  assert.deepEqual([first.rooms, first.bounded], [new Map([[20, 3]]), new Set([20])]);
  first.done("written");
  asked();
  listed.set(20, 100);
  for (let time = 0; time < 3; time++) {
    const next = await rooms.admit([target(20)], range(30, 0));
    assert.deepEqual(next.rooms, new Map([[20, 0]]));
    next.done("written");
  }
  // What a bounded range takes in it lists itself; of a full rule there is nothing new to know.
  assert.deepEqual(asked(), ["20"]);
  assert.deepEqual([full, rooms.fullCount], [["r20 100"], 1]);
});

test("ranges under way never take more together than there is, and a rule that is filling leaves half", async () => {
  const { rooms } = setUp(new Map([[20, 90]]), 100);
  const one = await rooms.admit([target(20, {}, true)], range(30, 0));
  const two = await rooms.admit([target(20, {}, true)], range(30, 0));
  assert.deepEqual([one.rooms.get(20), two.rooms.get(20)], [5, 3]);
});

test("whoever comes when others hold the room is written only if what is left is enough, else he waits, and has all of it", async () => {
  const listed = new Map([[20, 12]]);
  const { rooms } = setUp(listed, 100);
  const first = await rooms.admit([target(20)], range(50, 0));
  const second = await rooms.admit([target(20)], range(4000, 0));
  assert.deepEqual([first.rooms.get(20), first.roomMayGrow], [50, new Set()]);
  assert.deepEqual([second.rooms.get(20), second.roomMayGrow], [38, new Set([20])]);
  second.done("refused");
  let inTurn: Awaited<ReturnType<typeof rooms.admit>> | undefined;
  void rooms.admit([target(20)], { ...range(4000, 0), waits: true }).then((admission) => (inTurn = admission));
  await settled();
  assert.equal(inTurn, undefined);
  // Nobody gets in between.
  const third = await rooms.admit([target(20)], range(20, 0));
  listed.set(20, 13);
  first.done("written");
  await settled();
  assert.deepEqual([inTurn!.rooms.get(20), inTurn!.roomMayGrow], [87, new Set()]);
  assert.deepEqual([third.rooms.get(20), third.roomMayGrow], [0, new Set([20])]);
});

test("an outcome that is not known keeps nobody waiting: it is settled", async () => {
  const { rooms, asked } = setUp(new Map([[20, 12]]), 100);
  const first = await rooms.admit([target(20)], range(4000, 0));
  const waiting = rooms.admit([target(20)], { ...range(4000, 0), waits: true });
  await settled();
  asked();
  first.done("unknown");
  assert.equal((await waiting).rooms.get(20), 88);
  assert.deepEqual(asked(), ["settle", "20"]);
});

test("two that wait have their turn one after the other, also for several rules", async () => {
  const { rooms } = setUp(new Map([20, 21].map((series) => [series, 12])), 100);
  const wish = { ...range(4000, 0), waits: true };
  const first = await rooms.admit([target(20), target(21)], wish);
  const turns: string[] = [];
  const waiting = [[target(21), target(20)], [target(20)], [target(21)]].map(async (some, at) => {
    const admission = await rooms.admit(some, wish);
    turns.push(`${at} begins`);
    await settled();
    turns.push(`${at} ends`);
    admission.done("written");
  });
  await settled();
  assert.deepEqual(turns, []);
  first.done("written");
  await Promise.all(waiting);
  assert.deepEqual(turns.slice(0, 2), ["0 begins", "0 ends"]);
  assert.equal(turns.length, 6);
});

test("a full rule is waited for by nobody", async () => {
  const { rooms } = setUp(new Map([[20, 100]]), 100);
  for (const waits of [false, true]) {
    const { rooms: given, roomMayGrow } = await rooms.admit([target(20)], { ...range(4000, 0), waits });
    assert.deepEqual([given.get(20), roomMayGrow], [0, new Set()]);
  }
});

test("a rule's own bound goes before the server's; a rule without groups has none", async () => {
  const { rooms, asked } = setUp();
  const own = target(20, { max_groups: 3 });
  const none = target(21, { group_by: [] });
  assert.deepEqual((await rooms.admit([own, none, target(22)], range(30, 0))).rooms, new Map([[20, 3]]));
  assert.deepEqual(asked(), ["20 all, 22 all"]);
});

test("two looks at once take back only once what was added before them", async () => {
  const listed = new Map([[20, 0]]);
  const { rooms } = setUp(listed, 3);
  (await rooms.admit([target(20)], range(3, 0))).done("written");
  // All that was given is used, and then live processing and a fill look at the same moment.
  listed.set(20, 3);
  const both = await Promise.all([1, 2].map(() => rooms.admit([target(20)], range(9, 0))));
  assert.deepEqual(
    both.map((admission) => admission.rooms.get(20)),
    [0, 0],
  );
});

test("what an unknown outcome may have added counts until it is settled", async () => {
  const { rooms, asked } = setUp(new Map([[20, 0]]));
  (await rooms.admit([target(20)], range(120, 0))).done("unknown");
  for (let others = 0; others < 7; others++) await rooms.admit([target(20)], range(120, 30));
  assert.deepEqual(asked(), ["20 all"]);
  // The others are still under way.
  assert.equal((await rooms.admit([target(20)], range(120, 60))).bounded.size, 0);
  assert.deepEqual(asked(), ["settle", "20 0..0"]);
});

test("a look that failed is done again, with all that it was about", async () => {
  const { rooms, asked, fail } = setUp();
  for (let before = 0; before < 8; before++) (await rooms.admit([target(20)], range(120, 120))).done("written");
  asked();
  fail(true);
  await assert.rejects(rooms.admit([target(20)], range(120, 0)), /away/);
  fail(false);
  await rooms.admit([target(20)], range(120, 0));
  assert.deepEqual(asked(), ["20 120..120"]);
});

test("groups of windows that are kept no more take no room, and need not be listed", async () => {
  const { rooms, asked } = setUp(new Map(), 100);
  const kept = { retention: "1h" };
  const { keptFrom } = await rooms.admit([target(20, kept), target(21)], range(30, 0));
  assert.deepEqual(
    keptFrom,
    new Map([
      [20, (start - 3600) * 1000],
      [21, 0],
    ]),
  );
  assert.deepEqual(asked(), ["20 from -3600, 21 all"]);
  // Live processing and a fill are held to the same; of a range whose panes are not known what is kept is listed.
  const { done } = await rooms.admit([target(22, kept, true)], range(10));
  done("written");
  asked();
  for (let time = 0; time < 11; time++) (await rooms.admit([target(22, kept, true)], range(10))).done("written");
  assert.deepEqual(asked()[0], "22 from -3600");
  // A shorter retention keeps the series.
  const shorter = await rooms.admit([target(20, { retention: "10m" })], range(30, 0));
  assert.deepEqual(shorter.keptFrom, new Map([[20, (start - 600) * 1000]]));
});

test("groups that have gone are counted anew", async () => {
  const listed = new Map([[20, 100]]);
  const { rooms, asked } = setUp(listed, 100);
  assert.deepEqual((await rooms.admit([target(20)], range(1, 0))).rooms, new Map([[20, 0]]));
  listed.set(20, 50);
  rooms.rowsGone([20, 99]);
  assert.equal((await rooms.admit([target(20)], range(1, 0))).bounded.size, 0);
  assert.deepEqual(asked(), ["20 all", "20 all"]);
});

test("what another process has freed is found by a full rule with a retention, once in the time in which things expire", async () => {
  const listed = new Map([20, 21, 22].map((series) => [series, 100]));
  const { rooms, clock, asked } = setUp(listed, 100);
  const full = [target(20, { retention: "1h" }), target(21)];
  const room = async (): Promise<number | undefined> => {
    const admission = await rooms.admit(full, range(30, 0));
    admission.done("written");
    return admission.rooms.get(20);
  };
  for (let time = 0; time < 3; time++) assert.equal(await room(), 0);
  asked();
  listed.set(20, 80);
  assert.equal(await room(), 0, "it is not asked for every range");
  await clock.advance(3 * 60_000);
  assert.equal(await room(), 20);
  assert.deepEqual(asked(), ["20 from -3420"], "of a rule without one nothing expires");
});

test("what is not counted any more is not held to be full", async () => {
  const { rooms } = setUp(new Map([[20, 100]]), 100);
  (await rooms.admit([target(20), target(21)], range(30, 0))).done("written");
  assert.deepEqual([rooms.fullCount, rooms.series()], [1, [20, 21]]);
  rooms.forget(20);
  assert.deepEqual([rooms.fullCount, rooms.series()], [0, [21]]);
});

/** Three processes that have all looked when there was nothing, and then write one after the other. */
async function takenByThree(share: number): Promise<number> {
  const listed = new Map([[20, 0]]);
  const processes = [1, 2, 3].map(() => setUp(listed, 300, share).rooms);
  for (const rooms of processes) (await rooms.admit([target(20)], range(0, 0))).done("refused");
  for (const rooms of processes) {
    for (let ranges = 0; ranges < 20; ranges++) {
      const { rooms: given, done } = await rooms.admit([target(20)], range(30, 0));
      done("written");
      listed.set(20, listed.get(20)! + (given.get(20) ?? 30));
    }
  }
  return listed.get(20)!;
}

test("of several processes each takes up its part of the room before it looks again: never twice as much together", async () => {
  assert.equal(await takenByThree(1), 900);
  const taken = await takenByThree(1 / 3);
  assert.ok(taken >= 300 && taken < 600, `${taken}`);
  const { rooms } = setUp(new Map([[20, 299]]), 300, 1 / 3);
  assert.equal((await rooms.admit([target(20)], range(30, 0))).rooms.get(20), 1, "the last place is not left empty");
});

test("whoever takes a partition up lists what the one before it has left unlisted, once a rule comes close to its bound", async () => {
  const { rooms, asked } = setUp();
  (await rooms.admit([target(20)], range(10, 0))).done("written");
  assert.deepEqual(asked(), ["20 all"]);
  rooms.takenUp();
  (await rooms.admit([target(20)], range(10, 0))).done("written");
  assert.deepEqual(asked(), [], "far from it nobody waits for a look");
  for (let range_ = 0; range_ < 2; range_++) (await rooms.admit([target(20)], range(400, 0))).done("written");
  assert.deepEqual(asked()[0], "20 all");
});

test("a rule whose rooms are forgotten while a look waits is looked at anew", async () => {
  const { rooms, asked, whileSettling } = setUp(new Map([[20, 1]]), 100);
  (await rooms.admit([target(20)], range(200, 0))).done("unknown");
  asked();
  whileSettling(() => rooms.forget(20));
  const admission = await rooms.admit([target(20)], range(200, 0));
  assert.deepEqual(admission.rooms, new Map([[20, 99]]));
  assert.deepEqual(asked(), ["settle", "20 all"]);
});

test("the lists of very many rules are looked at some at a time, and what is known of some is not asked again when others fail", async () => {
  const { rooms, asked, fail } = setUp();
  const targets = Array.from({ length: 250 }, (_, index) => target(index));
  fail(true, 2);
  await assert.rejects(rooms.admit(targets, range(1, 0)), /away/);
  assert.deepEqual(
    asked().map((some) => some.split(", ").length),
    [100, 100],
  );
  fail(false);
  await rooms.admit(targets, range(1, 0));
  assert.deepEqual(
    asked().map((some) => some.split(", ")[0]),
    ["200 all"],
  );
});
