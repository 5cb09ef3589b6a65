import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { offset, src } from "../event/position.ts";
import { planRollup } from "../rollup/plan.ts";
import { groupCases } from "./groups.suite.ts";
import { positionCases } from "./positions.suite.ts";
import { countByType, event, piece, range, start } from "./store-samples.suite.ts";
import type { EventQuery, Store } from "./store.ts";

export interface OpenStore {
  readonly store: Store;
  readonly cleanup: () => Promise<void>;
}

/**
 * What every store owes (see `store.ts`). Each case works on a partition and series of its own, so that one store serves
 * them all, as it would serve several partitions and rules.
 */
export function storeSuite(
  name: string,
  open: () => Promise<OpenStore>,
  more: (store: () => Store) => void = () => {},
): void {
  describe(`${name} keeps the contract of a store`, () => {
    let opened: OpenStore;
    let store: Store;
    before(async () => {
      opened = await open();
      store = opened.store;
      await store.open(new AbortController().signal);
    });
    after(() => opened.cleanup());

    const rollUp = (
      partition: number,
      series: number,
      from: number,
      to: number,
      counts = { events: to - from + 1, duplicates: 0 },
    ) =>
      store.rollUp({
        range: range(partition, from, to),
        plan: planRollup([{ series, rule: countByType }]),
        marks: [{ series: 0, range: range(partition, from, to) }],
        counts,
      });
    const windowsOf = (series: number) =>
      store.windows({
        series,
        rule: countByType,
        from: 0,
        to: start + 86_400_000,
        filters: [],
        order: "newest",
        limit: 100,
      });

    test("opening again changes nothing", async () => {
      await store.open(new AbortController().signal);
    });

    test("events are taken out by user or id below a position, each erasure's own, and are off the disk", async () => {
      const users = ["gone", "stays", "gone", "also gone", "gone"];
      const events = users.map((user_id, index) => event(`w${index}`, { user_id }));
      await store.insertRaw(src(21), [piece(0, events)]);
      await store.insertRaw(src(22), [piece(0, [event("w9", { user_id: "gone" })])]);
      const aside = { receivedAt: start, rejectedAt: start, reason: "why not" };
      await store.setAside(
        ["gone", "stays"].map((user_id, off) => ({ ...event("w0", { user_id }), ...aside, src: 23, off })),
      );
      const first = { by: "user_id", values: ["gone"], below: { 21: 4, 23: 9 } } as const;
      assert.equal(await store.noteErasing("one", first), 3);
      assert.equal(await store.noteErasing("one", first), 3, "noting again changes nothing");
      assert.equal(await store.noteErasing("two", { by: "event_id", values: ["w3", "none"], below: { 21: 5 } }), 1);
      await store.eraseNoted(["one"]);
      assert.deepEqual(await store.storedOffsets(src(21), offset(0)), [1, 3, 4]);
      assert.deepEqual(await store.storedOffsets(src(22), offset(0)), [0]);
      assert.deepEqual(await store.rejectedOffsets(src(23), offset(0)), [1], "also what is in quarantine");
      assert.equal(await store.noteErasing("one", first), 3, "what is gone stays noted");
      await store.purge(["one"]);
      assert.equal(await store.noteErasing("one", first), 0);
      await store.eraseNoted(["two"]);
      assert.deepEqual(await store.storedOffsets(src(21), offset(0)), [1, 4]);
      await store.purge(["two"]);
      await store.dropRejects([{ src: 23, off: 1 }]);
      assert.deepEqual(await store.storedOffsets(src(21), offset(0)), [1, 4]);
    });

    positionCases(() => store);
    more(() => store);
    groupCases(() => store);

    test("a batch may touch any number of months", async () => {
      const events = Array.from({ length: 300 }, (_, month) =>
        event(`m${month}`, { timestamp: Date.UTC(1990, month, 3) }),
      );
      await store.insertRaw(src(3), [piece(0, events)]);
      assert.equal((await store.storedOffsets(src(3), offset(0))).length, 300);
    });

    test("a rollup covers exactly its range of its partition, and its mark is there with it", async () => {
      await store.insertRaw(src(4), [
        piece(0, [event("a"), event("b"), event("c"), event("d", { event_type: "view" })]),
      ]);
      await store.insertRaw(src(5), [piece(0, [event("x")])]);
      await rollUp(4, 20, 1, 3);
      assert.deepEqual(await windowsOf(20), [
        { windowStart: start, windowEnd: start + 60_000, group: ["click"], value: 2 },
        { windowStart: start, windowEnd: start + 60_000, group: ["view"], value: 1 },
      ]);
      assert.deepEqual(await store.marks(0, src(4), offset(0)), [range(4, 1, 3)]);
      assert.deepEqual(await store.marks(0, src(4), offset(3)), [range(4, 1, 3)]);
      assert.deepEqual(await store.marks(0, src(4), offset(4)), []);
      assert.equal(await store.newestPane(20), start);
      assert.equal(await store.newestPane(9999), undefined);
    });

    test("ranges add up, whatever the order in which they are rolled up", async () => {
      await store.insertRaw(src(6), [piece(0, [event("a"), event("b"), event("c")])]);
      await rollUp(6, 21, 2, 2);
      await rollUp(6, 21, 0, 1);
      assert.deepEqual(await windowsOf(21), [
        { windowStart: start, windowEnd: start + 60_000, group: ["click"], value: 3 },
      ]);
    });

    test("a fill's marks are apart from the live ones and from those of other series", async () => {
      const plan = planRollup([{ series: 22, rule: countByType }]);
      const fills = [22, 23].map((series) => ({ series, range: range(7, 0, 9) }));
      await store.rollUp({ range: range(7, 0, 9), plan, marks: fills, counts: null, yielding: true });
      const marks = await store.fillMarks([22, 23, 24]);
      assert.deepEqual(
        [...marks].toSorted(([a], [b]) => a - b),
        [
          [22, [range(7, 0, 9)]],
          [23, [range(7, 0, 9)]],
        ],
      );
      assert.deepEqual(await store.marks(22, src(7), offset(0)), [range(7, 0, 9)]);
      assert.deepEqual(await store.marks(0, src(7), offset(0)), []);
      assert.deepEqual(await store.marks(2, src(7), offset(0)), []);
    });

    test("marks of a fill that lie end to end become one; a gap, other series and other partitions stay", async () => {
      const fill = (of: number, series: number, from: number, to: number): Promise<boolean> =>
        store.rollUp({
          ...{ range: range(of, from, to), plan: planRollup([]), counts: null, yielding: true },
          marks: [{ series, range: range(of, from, to) }],
        });
      for (const series of [26, 27, 260])
        for (const partition of [26, 27]) for (const from of [20, 0, 10]) await fill(partition, series, from, from + 9);
      await fill(26, 26, 40, 49);
      for (const from of [10, 20]) await fill(26, 28, from, from + 9);
      await fill(26, 29, 0, 9);
      const pieces = [0, 10, 20];
      const marksOf = async (series: number, of: number): Promise<string[]> =>
        (await store.marks(series, src(of), offset(0))).map(({ from, to }) => `${from}-${to}`);
      const others = pieces.map((from) => `${from}-${from + 9}`);
      for (const again of [false, true]) {
        await store.joinFillMarks(src(26), [26, 27, 28, 29, 30]);
        assert.deepEqual(await marksOf(26, 26), ["0-29", "40-49"], `again: ${again}`);
        assert.deepEqual(await marksOf(27, 26), ["0-29"]);
        assert.deepEqual(await marksOf(28, 26), ["10-19", "20-29"]);
        assert.deepEqual(await marksOf(29, 26), ["0-9"]);
        assert.deepEqual([await marksOf(26, 27), await marksOf(260, 26)], [others, others]);
      }
      assert.deepEqual((await store.fillMarks([27])).get(27)?.length, 1 + pieces.length);
    });

    test("expired windows go, series by series; marks and what is younger stay", async () => {
      const minutes = (of: number): number => start + of * 60_000;
      const events = [0, 1, 2, 3].map((minute) => event(`x${minute}`, { timestamp: minutes(minute) }));
      await store.insertRaw(src(17), [piece(0, events)]);
      for (const series of [41, 42, 43]) await rollUp(17, series, 0, 3);
      const startsOf = async (series: number): Promise<number[]> =>
        (await windowsOf(series)).map((row) => row.windowStart).toSorted((a, b) => a - b);
      const expired = [
        { series: 41, before: minutes(2) },
        { series: 42, before: minutes(0) },
        { series: 44, before: minutes(9) },
      ];
      assert.deepEqual(await store.dropWindows(expired), [41]);
      assert.deepEqual(await startsOf(41), [minutes(2), minutes(3)]);
      assert.equal((await startsOf(42)).length, 4);
      assert.equal((await startsOf(43)).length, 4);
      assert.equal((await store.marks(0, src(17), offset(0))).length, 1);
      assert.deepEqual(await store.dropWindows(expired), []);
    });

    test("what is set aside comes back whole, newest first, by pages, and can be taken out", async () => {
      const odd = {
        event_id: "ключ \u0000",
        event_type: "",
        user_id: "é",
        payload: "no JSON",
        timestamp: 253_402_300_799_999,
      };
      const one = { ...odd, src: 50, off: 2 ** 53 - 1, receivedAt: start, rejectedAt: start + 2, reason: "why not" };
      const two = {
        ...event("two"),
        src: 50,
        off: 3,
        receivedAt: start,
        rejectedAt: start + 1,
        reason: "x".repeat(120),
      };
      const before = (await store.totals()).rejects;
      await store.setAside([two, one]);
      assert.deepEqual(await store.rejects({ limit: 2 }), [one, two]);
      assert.deepEqual(await store.rejects({ limit: 1, behind: one }), [two]);
      assert.deepEqual(await store.rejectedOffsets(src(50), offset(4)), [2 ** 53 - 1]);
      assert.deepEqual(await store.rejectedOffsets(src(51), offset(0)), []);
      assert.equal((await store.totals()).rejects, before + 2);
      assert.equal(await store.dropRejects([two, { src: 50, off: 4 }, { src: 51, off: 3 }]), 1);
      assert.equal(await store.dropRejects([two]), 0);
      assert.deepEqual(await store.rejects({ limit: 2 }), [one]);
      assert.equal(await store.dropRejects([one]), 1);
    });

    test("rows as such are taken, and asking writes none", async () => {
      const { events } = await store.totals();
      await store.takesRows(src(0));
      assert.equal((await store.totals()).events, events);
    });

    test("the latest ids come latest first, as many as asked for", async () => {
      const events = [3, 1, 2].map((second) => event(`s${second}`, { timestamp: start + second * 1000 }));
      await store.insertRaw(src(8), [piece(0, events)]);
      const ids = await store.latestIds(src(8), 2);
      assert.deepEqual(ids, [
        { event_id: "s3", timestamp: start + 3000 },
        { event_id: "s2", timestamp: start + 2000 },
      ]);
      assert.equal((await store.latestIds(src(8), 10)).length, 3);
    });

    test("an id is found by its own timestamp, in its partition, below an offset", async () => {
      const ids = Array.from({ length: 1000 }, (_, index) => ({ event_id: `id${index}`, timestamp: start + index }));
      await store.insertRaw(src(9), [
        piece(
          0,
          ids.map(({ event_id, timestamp }) => event(event_id, { timestamp })),
        ),
      ]);
      assert.equal((await store.findIds(src(9), ids, offset(1000))).length, 1000);
      assert.equal((await store.findIds(src(9), ids, offset(600))).length, 600);
      assert.equal((await store.findIds(src(10), ids, offset(1000))).length, 0);
      const shifted = ids.map((key) => ({ ...key, timestamp: key.timestamp + 5000 }));
      assert.deepEqual(await store.findIds(src(9), shifted, offset(1000)), []);
    });

    test("ids are found also when so many others lie between them that these can't be read", async () => {
      const stored = Array.from({ length: 30_000 }, (_, index) => ({
        event_id: `m${index}`,
        timestamp: start + index,
      }));
      await store.insertRaw(src(11), [
        piece(
          0,
          stored.map(({ event_id, timestamp }) => event(event_id, { timestamp })),
        ),
      ]);
      const there = stored.filter((_, index) => index % 30 === 0);
      const keys = [...there, ...there.map(({ event_id, timestamp }) => ({ event_id, timestamp: timestamp + 1 }))];
      const found = await store.findIds(src(11), keys, offset(30_000));
      assert.deepEqual(
        found.toSorted((a, b) => a.timestamp - b.timestamp),
        there,
      );
    });

    test("marks below a position are forgotten; one that reaches it stays, and so does the newest", async () => {
      for (const [from, to] of [
        [0, 4],
        [5, 9],
        [10, 14],
      ] as const)
        await rollUp(11, 23, from, to);
      await store.forgetMarks(src(11), offset(8));
      assert.deepEqual(await store.marks(0, src(11), offset(0)), [range(11, 5, 9), range(11, 10, 14)]);
      await store.forgetMarks(src(11), offset(15));
      assert.deepEqual(await store.marks(0, src(11), offset(0)), [range(11, 10, 14)]);
    });

    test("dropping a series leaves its neighbours as they are", async () => {
      await store.insertRaw(src(12), [piece(0, [event("a")])]);
      await rollUp(12, 24, 0, 0);
      await rollUp(12, 240, 0, 0);
      await store.dropSeries(24);
      assert.deepEqual(await windowsOf(24), []);
      assert.equal((await windowsOf(240)).length, 1);
      const kept = await store.seriesKept();
      assert.deepEqual([kept.includes(24), kept.includes(240)], [false, true]);
    });

    test("a series of which marks alone are left is kept until it is dropped", async () => {
      const fill = { series: 31, range: range(15, 0, 9) };
      await store.rollUp({ range: fill.range, plan: planRollup([]), marks: [fill], counts: null, yielding: true });
      assert.ok((await store.seriesKept()).includes(31));
      await store.dropSeries(31);
      assert.equal((await store.seriesKept()).includes(31), false);
      assert.deepEqual(await store.marks(31, src(15), offset(0)), []);
    });

    test("the counters of all partitions add up", async () => {
      const earlier = await store.totals();
      await rollUp(13, 25, 0, 9, { events: 10, duplicates: 3 });
      await rollUp(14, 25, 0, 4, { events: 5, duplicates: 1 });
      assert.deepEqual(await store.totals(), {
        events: earlier.events + 15,
        duplicates: earlier.duplicates + 4,
        rejects: earlier.rejects,
      });
    });

    test("series are counted many at a time, those without rows too", async () => {
      const late = event("late", { event_type: "view", timestamp: start - 3_600_000 });
      await store.insertRaw(src(16), [piece(0, [event("a"), event("b"), late, event("c", { event_type: "view" })])]);
      await rollUp(16, 30, 0, 3);
      await rollUp(16, 31, 0, 1);
      const none = Array.from({ length: 9_000 }, (_, index) => 1_000_000 + index);
      const counts = await store.seriesCounts([30, ...none, 31]);
      assert.equal(counts.size, 9_002);
      assert.deepEqual(counts.get(30), { skipped: 0, late: 1, groups: 2, ungrouped: 0 });
      assert.deepEqual(counts.get(31), { skipped: 0, late: 0, groups: 1, ungrouped: 0 });
      assert.deepEqual(counts.get(1_004_000), { skipped: 0, late: 0, groups: 0, ungrouped: 0 });
      assert.deepEqual(await store.seriesCounts([]), new Map());
    });

    test("events come newest first, page by page, filtered", async () => {
      const events = Array.from({ length: 5 }, (_, index) =>
        event(`p${index}`, { timestamp: start + 7_000_000, user_id: `pager` }),
      );
      await store.insertRaw(src(15), [piece(0, events)]);
      const query = { from: start + 7_000_000, to: start + 7_000_001, user_id: "pager", limit: 3 };
      const first = await store.events(query);
      const { timestamp, src: of, off } = first.at(-1)!;
      const second = await store.events({ ...query, behind: { timestamp, src: of, off } });
      assert.deepEqual(
        [...first, ...second].map((row) => row.off),
        [4, 3, 2, 1, 0],
      );
    });

    test("events are found by each of their texts, whole, and by all together", async () => {
      const at = { timestamp: start + 8_000_000 };
      await store.insertRaw(src(28), [
        piece(0, [
          event("f0", { ...at, event_type: "view", user_id: "ann" }),
          event("f1", { ...at, event_type: "view 🎉'", user_id: "ann" }),
          event("f2", { ...at, event_type: "view", user_id: "bob" }),
          event("f", { ...at, event_type: "View", user_id: "bob" }),
        ]),
      ]);
      const found = async (texts: Pick<EventQuery, "event_id" | "event_type" | "user_id">): Promise<number[]> => {
        const events = await store.events({ from: at.timestamp, to: at.timestamp + 1, limit: 10, ...texts });
        return events.map(({ off }) => off);
      };
      assert.deepEqual(await found({}), [3, 2, 1, 0]);
      assert.deepEqual(await found({ event_type: "view" }), [2, 0]);
      assert.deepEqual(await found({ event_type: "view 🎉'" }), [1]);
      assert.deepEqual(await found({ event_id: "f" }), [3]);
      assert.deepEqual(await found({ event_id: "f2" }), [2]);
      assert.deepEqual(await found({ user_id: "bob" }), [3, 2]);
      assert.deepEqual(await found({ event_id: "f2", event_type: "view", user_id: "bob" }), [2]);
      assert.deepEqual(await found({ event_id: "f2", event_type: "view", user_id: "ann" }), []);
    });

    test("with nothing in doubt there is nothing to settle", async () => {
      await store.settle();
      // One that is busy may take longer than the second that a ping waits.
      const answers = (): Promise<boolean> =>
        store.ping().then(
          () => true,
          () => false,
        );
      for (const end = performance.now() + 120_000; !(await answers());)
        assert.ok(performance.now() < end, "there is no answer");
    });
  });
}
