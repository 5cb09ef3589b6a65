import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RecentIds } from "./recent-ids.ts";

const take = (ids: RecentIds, id: string, timestamp: number): string => {
  const bytes = Buffer.from(id);
  return ids.take(bytes, 0, bytes.length, timestamp);
};

test("an id is new once and a repeat from then on, whatever its timestamp says the second time", () => {
  const ids = new RecentIds({ idsMax: 1000, seed: 7 });
  assert.equal(take(ids, "a", 5000), "new");
  assert.equal(take(ids, "a", 5000), "repeat");
  assert.equal(take(ids, "a", 999_000), "repeat");
  assert.equal(ids.size, 1);
});

test("ids that were made to collide are two ids, whatever the seed", () => {
  // Under MurmurHash3, which a seed does not help, these meet: the second event would be left out as a repeat of the first.
  const [first, second] = [
    "fillC*QJfillfillF+ds\u0006S\u0771fillfill",
    "fill \u0011\u0004NfillfillQ\\s\u0012\u0006\u04c0*fillfill",
  ];
  for (let seed = 0; seed < 20; seed++) {
    const ids = new RecentIds({ idsMax: 1000, seed: seed * 0x1234_5678_9abc });
    assert.equal(take(ids, first, 5000), "new");
    assert.equal(take(ids, second, 5000), "new");
  }
});

test("below the horizon an id that is not remembered is unknown, at the horizon it is new", () => {
  const ids = new RecentIds({ idsMax: 1000, seed: 7 });
  ids.raiseHorizon(10_000);
  assert.equal(take(ids, "old", 9_999), "unknown");
  assert.equal(take(ids, "old", 9_999), "unknown");
  assert.equal(take(ids, "young", 10_000), "new");
});

test("a horizon within a second covers the whole second", () => {
  const ids = new RecentIds({ idsMax: 1000, seed: 7 });
  ids.raiseHorizon(10_001);
  assert.equal(take(ids, "x", 10_500), "unknown");
});

test("however small the bound, no repeat is ever called new, and what is called unknown had to be asked for", () => {
  const event = fc.record({ id: fc.integer({ min: 0, max: 400 }), second: fc.integer({ min: 0, max: 60 }) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 3000 }), fc.integer(), (events, seed) => {
      const ids = new RecentIds({ idsMax: 1100, seed });
      const stored = new Map<string, number>();
      for (const { id, second } of events) {
        const key = `id-${id}-${second}`;
        const sighting = take(ids, key, second * 1000);
        if (stored.size % 100 === 0) ids.makeRoom().toArray();
        if (sighting === "new") assert.ok(!stored.has(key), `${key} was called new twice`);
        if (sighting === "repeat") assert.ok(stored.has(key), `${key} was called a repeat at first sight`);
        stored.set(key, second);
      }
    }),
    { numRuns: 50 },
  );
});

test("the number of remembered ids stays bounded, and the latest are the ones kept", () => {
  const ids = new RecentIds({ idsMax: 20_000, seed: 3 });
  for (let index = 0; index < 200_000; index++) {
    assert.equal(take(ids, `event-${index}`, index * 10), "new");
    if (index % 100 === 0) ids.makeRoom().toArray();
  }
  assert.ok(ids.size <= 26_000, `${ids.size} ids are remembered`);
  for (let index = 195_000; index < 200_000; index++) assert.equal(take(ids, `event-${index}`, index * 10), "repeat");
  assert.equal(take(ids, "event-0", 0), "unknown");
});

test("a part of the bound that gets less, or more, is kept to from the next batch on, and no repeat is called new", () => {
  let share = 1;
  const ids = new RecentIds({ idsMax: 40_000, seed: 3, share: () => share });
  const size = (from: number): number => {
    for (let index = from; index < from + 100_000; index++) {
      assert.notEqual(take(ids, `event-${index}`, index * 10), "repeat");
      if (index % 100 === 0) ids.makeRoom().toArray();
    }
    return ids.size;
  };
  assert.ok(size(0) > 25_000);
  const bytes = ids.bytes;
  share = 1 / 8;
  ids.makeRoom().toArray();
  assert.ok(ids.size <= 6500, `${ids.size} ids are remembered`);
  assert.ok(ids.bytes <= bytes / 4, `their tables take ${ids.bytes} bytes, and took ${bytes}`);
  for (let index = 0; index < 100_000; index += 97) assert.notEqual(take(ids, `event-${index}`, index * 10), "new");
  assert.equal(take(ids, "event-99999", 999_990), "repeat");
  const less = size(100_000);
  assert.ok(less <= 6500, `${less} ids are remembered`);
  share = 1;
  assert.ok(size(200_000) > 25_000);
});

test("an id that was forgotten is new again, and no other is touched by it", () => {
  const step = fc.record({ id: fc.integer({ min: 0, max: 900 }), forget: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3000, size: "max" }), fc.integer(), (steps, seed) => {
      const ids = new RecentIds({ idsMax: 100_000, seed });
      const known = new Set<string>();
      for (const { id, forget } of steps) {
        const name = `id-${id}`;
        if (forget) {
          ids.forget(name);
          known.delete(name);
        } else {
          assert.equal(take(ids, name, 5000), known.has(name) ? "repeat" : "new", name);
          known.add(name);
        }
      }
      assert.equal(ids.size, known.size);
    }),
    { numRuns: 50 },
  );
});
