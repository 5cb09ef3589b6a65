import assert from "node:assert/strict";
import { test } from "node:test";
import { faultyRegistry, type FaultyRegistry } from "../../test/support/faulty-registry.ts";
import { type Offset, type Src, offset, src } from "../event/position.ts";
import { systemClock } from "../lib/clock.ts";
import { openSqliteRegistry } from "../rule/sqlite/sqlite-registry.ts";
import { Rulebook } from "./rulebook.ts";
import type { ComputedVersion } from "./versions.ts";

const rule = (id: string) => ({ rule_id: id, window_size: "1m", metric: "count" });
const unavailable = { code: "registry_unavailable" };

interface Bench {
  readonly book: Rulebook;
  readonly registry: FaultyRegistry;
  /** The log's end. */
  end: number;
  /** Runs once, before the log's ends are read. */
  beforeEnds: () => Promise<unknown>;
}

/** A rulebook that is alone with its rules, on a registry that can be away, over a log that is a number. */
async function withBench(run: (bench: Bench) => Promise<void>, alone = true): Promise<void> {
  const registry = faultyRegistry(await openSqliteRegistry({ file: ":memory:" }));
  const ends = async (): Promise<ReadonlyMap<Src, Offset>> => {
    const before = bench.beforeEnds;
    bench.beforeEnds = async () => {};
    await before();
    return new Map([[src(0), offset(bench.end)]]);
  };
  const book = new Rulebook({ registry, ends, clock: systemClock, keepReplacedMs: 0, alone });
  const bench: Bench = { book, registry, end: 10, beforeEnds: async () => {} };
  await book.load();
  try {
    await run(bench);
  } finally {
    await book.close();
    await registry.close();
  }
}

/** As the processor asks, after it has read a batch. */
const asked = async ({ book }: Bench): Promise<readonly ComputedVersion[]> => book.targets(await book.current());
const ids = (versions: readonly ComputedVersion[]): string[] => versions.map((version) => version.rule_id);

test("while the registry is away what is known stays in force, and nothing can be changed", () =>
  withBench(async (bench) => {
    await bench.book.put(rule("a"), {});
    bench.registry.weather = "away";
    assert.deepEqual(ids(await asked(bench)), ["a"]);
    await assert.rejects(bench.book.put(rule("b"), {}), unavailable);
    await assert.rejects(bench.book.patch("a", { active: false }, {}), unavailable);
    await assert.rejects(bench.book.remove("a", {}), unavailable);
    assert.deepEqual(ids(await asked(bench)), ["a"]);
    bench.registry.weather = "there";
    await bench.book.put(rule("b"), {});
    assert.deepEqual(ids(await asked(bench)), ["a", "b"]);
  }));

test("one who is not alone waits instead", () =>
  withBench(async (bench) => {
    await bench.book.put(rule("a"), {});
    bench.registry.weather = "away";
    await assert.rejects(asked(bench), unavailable);
  }, false));

test("a rule that is stored without its activation is left out meanwhile, and then in force from later on", () =>
  withBench(async (bench) => {
    bench.beforeEnds = async () => (bench.registry.weather = "away");
    await assert.rejects(bench.book.put(rule("a"), {}), unavailable);
    assert.deepEqual(await asked(bench), []);
    bench.end = 25; // What was counted without it.
    bench.registry.weather = "there";
    const [version] = await asked(bench);
    assert.deepEqual(version?.activation, { 0: 25 });
  }));

for (const weather of ["answer lost", "request lost"] as const) {
  test(`an activation of which nobody knows whether it is stored (${weather}) is waited for`, () =>
    withBench(async (bench) => {
      bench.beforeEnds = async () => (bench.registry.weather = weather);
      await assert.rejects(bench.book.put(rule("a"), {}), unavailable);
      bench.registry.weather = "away";
      bench.end = 25; // Read, and not to be counted before it is known.
      await assert.rejects(asked(bench), unavailable);
      bench.registry.weather = "there";
      const [version] = await asked(bench);
      assert.deepEqual(version?.activation, { 0: weather === "answer lost" ? 10 : 25 });
    }));

  test(`a change of which nobody knows (${weather}) is in force once somebody was answered so`, () =>
    withBench(async (bench) => {
      await bench.book.put(rule("a"), {});
      bench.registry.weather = weather;
      await assert.rejects(bench.book.patch("a", { active: false }, {}), unavailable);
      assert.deepEqual(ids(await asked(bench)), ["a"]);
      bench.registry.weather = "there";
      await bench.book.patch("a", { active: false }, {});
      assert.deepEqual(await asked(bench), []);
    }));
}

test("while an activation is being stored nobody goes on without it", () =>
  withBench(async (bench) => {
    const inForce = Promise.withResolvers<void>();
    const reading = Promise.withResolvers<void>();
    bench.beforeEnds = () => (reading.resolve(), inForce.promise);
    const putting = bench.book.put(rule("a"), {});
    await reading.promise;
    bench.registry.weather = "away";
    await assert.rejects(asked(bench), unavailable);
    bench.registry.weather = "there";
    inForce.resolve();
    await putting;
    assert.deepEqual(ids(await asked(bench)), ["a"]);
  }));

test("rules that are older than the store are made anew by the next start, when the one that found it could not", () =>
  withBench(async ({ book, registry }) => {
    await book.put(rule("a"), {});
    const seriesOf = (id: string): number => book.get(id).versions.at(-1)!.series;
    for (const weather of ["request lost", "answer lost"] as const) {
      registry.weather = weather;
      await assert.rejects(book.catchUp(100), unavailable);
    }
    registry.weather = "there";
    assert.equal(await book.catchUp(100), true);
    assert.ok(seriesOf("a") > 100);
    await book.put(rule("b"), {});
    assert.ok(seriesOf("b") > seriesOf("a"));
    assert.equal(await book.catchUp(100), false);
  }));
