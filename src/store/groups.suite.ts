import assert from "node:assert/strict";
import { test } from "node:test";
import { offset, src } from "../event/position.ts";
import { planRollup } from "../rollup/plan.ts";
import { countByType, event, piece, range, start } from "./store-samples.suite.ts";
import type { Store, WindowRow } from "./store.ts";

/** What a store owes of the groups of bounded series: a part of the suite of stores. */
export function groupCases(store: () => Store): void {
  const rollUp = (partition: number, series: number, from: number, to: number): Promise<boolean> =>
    store().rollUp({
      range: range(partition, from, to),
      plan: planRollup([{ series, rule: countByType }]),
      marks: [{ series: 0, range: range(partition, from, to) }],
      counts: null,
    });
  const windowsOf = (series: number): Promise<readonly WindowRow[]> =>
    store().windows({
      ...{ series, rule: countByType, from: 0, to: start + 86_400_000, filters: [] },
      ...{ order: "newest", limit: 100 },
    });

  test("a bounded series takes in as many new groups as there is room for; the rest is overflow", async () => {
    const types = ["a", "b", "b", "c", "b", "d", "a", "d"];
    const events = types.map((event_type, index) => event(`g${index}`, { event_type }));
    await store().insertRaw(src(18), [piece(0, events)]);
    const bounded = (from: number, to: number, room: number) =>
      store().rollUp({
        range: range(18, from, to),
        plan: planRollup(
          [50, 51].map((series) => ({ series, rule: countByType })),
          "close",
          new Set([50]),
        ),
        marks: [{ series: 0, range: range(18, from, to) }],
        counts: null,
        rooms: new Map([[50, room]]),
      });
    const rowsOf = async (series: number) => (await windowsOf(series)).map(({ group, value }) => [...group, value]);
    const nothing = { from: 0, to: 0 };
    // Not bounded at first, so that its group is to be listed.
    await rollUp(18, 50, 0, 0);
    assert.deepEqual(await store().listGroups([{ series: 50, ...nothing }]), new Map([[50, 0]]));
    const minute = { from: start, to: start + 1 };
    assert.deepEqual(await store().listGroups([{ series: 50, ...minute }]), new Map([[50, 1]]));
    assert.deepEqual(await store().listGroups([{ series: 50, ...minute }]), new Map([[50, 1]]));
    await bounded(1, 3, 1);
    assert.deepEqual(
      await store().listGroups([50, 52].map((series) => ({ series, ...nothing }))),
      new Map([
        [50, 2],
        [52, 0],
      ]),
    );
    await bounded(4, 7, 0);
    assert.deepEqual(await rowsOf(50), [["a", 2], ["b", 3], [3]]);
    assert.deepEqual(await rowsOf(51), [
      ["a", 1],
      ["b", 3],
      ["c", 1],
      ["d", 2],
    ]);
    const counts = await store().seriesCounts([50]);
    assert.deepEqual(counts.get(50), { skipped: 0, late: 0, groups: 2, ungrouped: 3 });
    assert.equal((await store().seriesKept()).includes(2), false);
    await store().dropSeries(50);
    assert.deepEqual(await store().listGroups([{ series: 50, ...nothing }]), new Map([[50, 0]]));
  });

  test("where room may grow, a range with more new groups than there is room for is not written at all", async () => {
    const types = ["a", "b", "a", "c", "b"];
    const times = types.map((event_type, index) => event(`n${index}`, { event_type }));
    await store().insertRaw(src(26), [piece(0, times)]);
    const written = (from: number, to: number, room: number, mayGrow: readonly number[] = [55, 56]) =>
      store().rollUp({
        range: range(26, from, to),
        plan: planRollup(
          [55, 56].map((series) => ({ series, rule: countByType })),
          "close",
          new Set([55, 56]),
        ),
        marks: [{ series: 0, range: range(26, from, to) }],
        counts: null,
        rooms: new Map([
          [55, room],
          [56, 9],
        ]),
        roomMayGrow: new Set(mayGrow),
      });
    assert.equal(await written(0, 2, 1), false);
    await store().settle();
    assert.deepEqual(await store().marks(0, src(26), offset(0)), []);
    assert.equal(await written(0, 2, 2), true);
    assert.equal(await written(3, 3, 0), false);
    // Groups that are listed want no room; and of a series that has all it may, the rest is overflow.
    assert.equal(await written(4, 4, 0), true);
    assert.equal(await written(3, 3, 0, [56]), true);
    assert.deepEqual(
      (await windowsOf(55)).map(({ group, value }) => [...group, value]),
      [["a", 2], ["b", 2], [1]],
    );
    assert.equal((await windowsOf(56)).length, 3);
  });

  test("a range with more groups than it may have is not written at all, nor marked", async () => {
    const events = Array.from({ length: 3000 }, (_, index) => event(`m${index}`, { event_type: `t${index}` }));
    await store().insertRaw(src(20), [piece(0, events)]);
    const task = {
      range: range(20, 0, 2999),
      plan: planRollup([{ series: 54, rule: countByType }]),
      marks: [{ series: 0, range: range(20, 0, 2999) }],
      counts: null,
    };
    assert.equal(await store().rollUp({ ...task, groupsMax: 2999 }), false);
    await store().settle();
    assert.deepEqual(await store().marks(0, src(20), offset(0)), []);
    assert.deepEqual(await windowsOf(54), []);
    assert.equal(await store().rollUp({ ...task, groupsMax: 3000 }), true);
    assert.equal((await store().seriesCounts([54])).get(54)?.groups, 3000);
  });

  test("groups whose windows have all gone leave room", async () => {
    const events = ["old", "both", "both", "new"].map((event_type, index) =>
      event(`h${index}`, { event_type, timestamp: start + (index < 2 ? 0 : 60_000) }),
    );
    await store().insertRaw(src(19), [piece(0, events)]);
    await rollUp(19, 53, 0, 3);
    assert.deepEqual(await store().listGroups([{ series: 53, from: 0, to: start + 86_400_000 }]), new Map([[53, 3]]));
    assert.deepEqual(await store().dropWindows([{ series: 53, before: start + 60_000 }]), [53]);
    assert.deepEqual(await store().listGroups([{ series: 53, from: 0, to: 0 }]), new Map([[53, 2]]));
  });
}
