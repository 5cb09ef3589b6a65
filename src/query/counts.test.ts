import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { RecentCounts } from "./counts.ts";

const zeros = { skipped: 0, late: 0, groups: 0, ungrouped: 0 };

test("what is asked for at the same time is one question, and is answered again for a moment", async () => {
  const store = new MemoryStore();
  const clock = new SimulatedClock();
  const counts = new RecentCounts(store, clock);
  store.counts.set(3, { skipped: 1, late: 2, groups: 3, ungrouped: 0 });
  store.before = () => clock.sleep(200);
  const asked = Promise.all([1, 2, 3, 1, 2].map((series) => counts.of(series)));
  await settled();
  await clock.advance(200);
  const answers = await asked;
  store.before = async () => {};
  assert.deepEqual(answers, [zeros, zeros, { skipped: 1, late: 2, groups: 3, ungrouped: 0 }, zeros, zeros]);
  assert.deepEqual(store.reads, ["counts 1 2 3"]);
  await clock.advance(1999);
  await Promise.all([counts.of(2), counts.of(4)]);
  assert.deepEqual(store.reads, ["counts 1 2 3", "counts 4"]);
  await clock.advance(1);
  await Promise.all([counts.of(4), counts.of(1)]);
  assert.deepEqual(store.reads, ["counts 1 2 3", "counts 4", "counts 4 1"]);
});

test("counts that cost little are hardly kept, whatever was asked before them", async () => {
  const store = new MemoryStore();
  const clock = new SimulatedClock();
  const counts = new RecentCounts(store, clock);
  store.before = () => clock.sleep(100);
  const dear = counts.of(1);
  await settled();
  await clock.advance(100);
  await dear;
  store.before = () => clock.sleep(3);
  const cheap = counts.of(2);
  await settled();
  await clock.advance(3);
  await cheap;
  await clock.advance(30);
  store.counts.set(2, { skipped: 0, late: 0, groups: 9, ungrouped: 0 });
  const again = counts.of(2);
  await settled();
  await clock.advance(3);
  assert.equal((await again)?.groups, 9);
  assert.deepEqual(store.reads, ["counts 1", "counts 2", "counts 2"]);
});

test("counts that take long are asked for a tenth of the time, and nobody waits for them who can have older ones", async () => {
  const [store, clock] = [new MemoryStore(), new SimulatedClock()];
  const counts = new RecentCounts(store, clock);
  const groupsOf = async (): Promise<number | undefined> => (await counts.of(1))?.groups;
  let busy = 0;
  store.before = async () => {
    store.counts.set(1, { ...zeros, groups: store.reads.length });
    await clock.sleep(2000);
    busy += 2000;
  };
  const first = groupsOf();
  await settled();
  await clock.advance(1000);
  assert.equal(await first, undefined);
  await clock.advance(1000);
  for (let second = 0; second < 217; second++) {
    // Known since the first question, and answered at once, however many look on.
    const known = await Promise.all([groupsOf(), groupsOf()]);
    assert.ok(known.every((groups) => groups !== undefined && groups >= store.reads.length - 1));
    await clock.advance(1000);
  }
  assert.equal(await groupsOf(), 10);
  assert.equal(busy, 20_000);
});

test("a store that fails leaves what it said last", async () => {
  const [store, clock] = [new MemoryStore(), new SimulatedClock()];
  const counts = new RecentCounts(store, clock, { forgetMs: 10_000 });
  assert.deepEqual(await counts.of(1), zeros);
  store.before = () => Promise.reject(new Error("away"));
  await clock.advance(9_000);
  assert.deepEqual(await counts.of(1), zeros);
  await clock.advance(10_000);
  assert.equal(await counts.of(1), null, "what nobody asks for is forgotten");
});

test("there is one question at a time, and none is of too many series", async () => {
  const store = new MemoryStore();
  const clock = new SimulatedClock();
  const counts = new RecentCounts(store, clock, { seriesMax: 3 });
  let open = 0;
  let most = 0;
  store.before = async () => {
    most = Math.max(most, ++open);
    await settled();
    open -= 1;
  };
  const first = [1, 2, 3, 4].map((series) => counts.of(series));
  await settled();
  await Promise.all([...first, ...[4, 5, 6, 7].map((series) => counts.of(series))]);
  const asked = store.reads.flatMap((read) => read.split(" ").slice(1));
  assert.deepEqual(asked, ["1", "2", "3", "4", "5", "6", "7"]);
  assert.ok(store.reads.length <= 4 && most === 1);
});

test("a store that fails or dawdles gives null", async () => {
  const store = new MemoryStore();
  const clock = new SimulatedClock();
  const counts = new RecentCounts(store, clock);
  store.before = () => Promise.reject(new Error("away"));
  assert.equal(await counts.of(1), null);
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  store.before = () => held;
  const dawdling = counts.of(2);
  await clock.advance(1000);
  assert.equal(await dawdling, null);
  const again = Promise.all([counts.of(2), counts.of(3)]);
  await clock.advance(1000);
  assert.deepEqual(await again, [null, null]);
  assert.equal(store.reads.length, 2, "a store that dawdles is not asked again meanwhile");
  release();
  await settled();
  assert.deepEqual(await counts.of(2), zeros);
  assert.equal(store.reads.length, 3, "what came late is an answer too");
});

test("one question that hangs and fails costs the next nothing, and one after the other rest as long as they took", async () => {
  const [store, clock] = [new MemoryStore(), new SimulatedClock()];
  const counts = new RecentCounts(store, clock);
  const begun = clock.monotonic();
  const asked: number[] = [];
  let hangs = 3;
  store.before = async () => {
    asked.push((clock.monotonic() - begun) / 1000);
    if (hangs-- <= 0) return;
    await clock.sleep(30_000);
    throw new Error("given up");
  };
  const seen: unknown[] = [];
  for (let second = 0; second < 160; second++) {
    void counts.of(1).then((answer) => seen.push(answer));
    await clock.advance(1000);
  }
  assert.deepEqual(asked.slice(0, 4), [1, 34, 95, 156]);
  assert.deepEqual(seen.at(-1), zeros);
});
