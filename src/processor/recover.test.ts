import assert from "node:assert/strict";
import { test } from "node:test";
import { type OffsetRange, offset, src } from "../event/position.ts";
import type { Log } from "../log/log.ts";
import type { Store } from "../store/store.ts";
import { recover } from "./recover.ts";

const range = (from: number, to: number): OffsetRange => ({ src: src(0), from: offset(from), to: offset(to) });
/** Whose pauses are over at once. */
const clock = { sleep: async () => {}, monotonic: () => 0, turn: async () => {} };
const none = async (): Promise<never[]> => [];

/** Where a partition goes on of which so much is committed, and these ranges are marked; and what is told of it. */
async function nextOf(
  committed: number,
  marks: readonly OffsetRange[],
  committedIsHint = true,
  ...ends: readonly number[]
) {
  const said = [...ends];
  const log = {
    committedIsHint,
    committed: async () => offset(committed),
    ends: async () => new Map([[src(0), offset(said.shift() ?? ends.at(-1) ?? 1000)]]),
  } as unknown as Log;
  const store = {
    takeOver: async () => {},
    marks: async () => marks,
    storedOffsets: none,
    rejectedOffsets: none,
    latestIds: none,
  } as unknown as Store;
  const told: string[] = [];
  const { next } = await recover({
    ...{ log, store, src: src(0), clock, idsMax: 10, idsLoadedMax: 10, seed: 1 },
    odd: (what) => void told.push(what),
  });
  return { next, told };
}

const marks = [range(90, 99), range(100, 119)];

test("an offset that was set back or forwards, or forgotten, where it is no more than a hint, is told, and the marks say where to go on", async () => {
  for (const committed of [0, 20, 500]) {
    const { next, told } = await nextOf(committed, marks);
    assert.equal(next, 120);
    assert.equal(told.length, 1);
    assert.match(told[0]!, new RegExp(`has been set to ${committed}(, or forgotten)?, but 90 to 119 are counted`));
  }
  assert.deepEqual(await nextOf(105, marks), { next: 120, told: [] });
});

test("ranges that two processes have counted are told, and the work goes on behind them", async () => {
  const { next, told } = await nextOf(100, [range(90, 119), range(100, 109), range(120, 129)], false);
  assert.equal(next, 130);
  assert.equal(told.length, 1);
  assert.match(
    told[0]!,
    /both 90 to 119 and 100 to 109 are marked as counted: offsets 100 to 109 may be counted twice/,
  );
});

test("of a log that deletes what is committed it is the sign of a lost store, or of lost marks", async () => {
  await assert.rejects(nextOf(500, marks, false), { code: "folder_mixed" });
  await assert.rejects(nextOf(20, marks, false), { code: "store_refused" });
});

test("a store that has counted nothing of what a group has committed is another installation's", async () => {
  await assert.rejects(nextOf(500, []), { code: "folder_mixed" });
});

test("a log that ends before what was counted of it has lost records, where its group has committed some; else it is another one", async () => {
  for (const committed of [100, 120])
    await assert.rejects(nextOf(committed, marks, true, 110), {
      code: "log_gap",
      message: /ends at offset 110, but 120 were counted/,
      details: { src: 0, end: 110, counted: 120 },
    });
  assert.equal((await nextOf(100, marks, true, 110, 120)).next, 120, "a broker that is behind is not believed at once");
  await assert.rejects(nextOf(0, marks, true, 110), { code: "folder_mixed" });
  await assert.rejects(nextOf(120, marks, false, 110), { code: "folder_mixed" }, "no log of its own loses its end");
});

test("a partition that was given up while its marks were read is not taken from whoever has it now", async () => {
  const abandon = new AbortController();
  let takeOvers = 0;
  const log = {
    committedIsHint: true,
    committed: async () => offset(0),
    ends: async () => new Map(),
  } as unknown as Log;
  const store = {
    takeOver: async () => void takeOvers++,
    marks: async () => (abandon.abort(), []),
    storedOffsets: none,
    rejectedOffsets: none,
    latestIds: none,
  } as unknown as Store;
  const parts = { log, store, src: src(0), clock, idsMax: 10, idsLoadedMax: 10, seed: 1, abandon: abandon.signal };
  await assert.rejects(recover(parts), { code: "stopping" });
  assert.equal(takeOvers, 0);
});

test("what else waits has its turn while many ids are taken in", async () => {
  let [now, turns] = [0, 0];
  const busy = { ...clock, monotonic: () => now++, turn: async () => void turns++ };
  const keys = Array.from({ length: 10_000 }, (_, index) => ({ event_id: `e${index}`, timestamp: 1000 }));
  const log = {
    committed: async () => offset(0),
    ends: async () => new Map([[src(0), offset(9)]]),
  } as unknown as Log;
  let marks: readonly OffsetRange[] = [];
  const store = {
    takeOver: async () => {},
    marks: async () => marks,
    storedOffsets: none,
    rejectedOffsets: none,
    latestIds: async () => keys,
  } as unknown as Store;
  const fresh = await recover({ log, store, src: src(0), clock: busy, idsMax: 1e6, idsLoadedMax: 1e6, seed: 1 });
  assert.equal(fresh.ids.size, 0, "of a partition that nothing was counted of none are asked for");
  marks = [{ src: src(0), from: offset(0), to: offset(8) }];
  const { ids } = await recover({ log, store, src: src(0), clock: busy, idsMax: 1e6, idsLoadedMax: 1e6, seed: 1 });
  assert.equal(ids.size, keys.length);
  assert.ok(turns >= 10, `${turns} turns`);
});
