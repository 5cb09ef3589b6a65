import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock, settled } from "../../test/support/simulated-clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { Registry, RuleRecord } from "../rule/registry.ts";
import { Rulebook } from "./rulebook.ts";

const record = (id: string, revision: number): RuleRecord => {
  const spec = { rule_id: id, window_size: "1m", metric: "count" as const, group_by: [], active: true };
  return {
    ...{ rule_id: id, revision },
    versions: [{ version: 1, spec, series: 16, phase: "live", activation: {}, createdAt: 0 }],
  };
};

/** A rulebook that nobody asks for its rules, over a registry of others. */
async function setUp() {
  const clock = new SimulatedClock();
  const registry = { records: [] as RuleRecord[], isAway: false, readings: 0 };
  let changed = (): void => {};
  const answer = async <T>(what: () => T): Promise<T> => {
    registry.readings += 1;
    if (registry.isAway) throw new WeirError("registry_unavailable", "away", { canRetry: true });
    return what();
  };
  const watched: Pick<Registry, "watch" | "revision" | "all"> = {
    watch: (listener) => ((changed = listener), () => {}),
    revision: () => answer(() => registry.records.length),
    all: () => answer(() => registry.records),
  };
  const book = new Rulebook({
    ...{ registry: watched as Registry, clock, keepReplacedMs: 0 },
    ends: async () => new Map(),
  });
  await book.load();
  const change = (): void => {
    registry.records = [...registry.records, record(`r${registry.records.length}`, registry.records.length + 1)];
    changed();
  };
  return { book, clock, registry, change };
}

const idsOf = (book: Rulebook): string[] => book.list().map((one) => one.rule_id);

test("a change of others that could not be read is read as soon as it can be, although nobody tells of it again", async () => {
  const { book, clock, registry, change } = await setUp();
  const told: number[] = [];
  book.onChange(() => told.push(book.list().length));
  registry.isAway = true;
  change();
  await clock.advance(30_000);
  assert.deepEqual(idsOf(book), []);
  registry.isAway = false;
  await clock.advance(1000);
  assert.deepEqual([idsOf(book), told], [["r0"], [1]]);
  const { readings } = registry;
  await clock.advance(60_000);
  assert.equal(registry.readings, readings, "once it is read nobody asks");
  await book.close();
});

test("however many changes there are while the registry is away, it is asked once a second", async () => {
  const { book, clock, registry, change } = await setUp();
  registry.isAway = true;
  const before = registry.readings;
  for (let changes = 0; changes < 20; changes++) {
    change();
    await clock.advance(500);
  }
  assert.ok(registry.readings - before <= 11, `${registry.readings - before} questions in ten seconds`);
  registry.isAway = false;
  await clock.advance(1000);
  assert.equal(idsOf(book).length, 20);
  await book.close();
});

test("changes in a row are all read, and closing waits for no pause", async () => {
  const { book, clock, registry, change } = await setUp();
  for (const many of [1, 2, 3]) {
    change();
    await settled();
    assert.equal(idsOf(book).length, many);
  }
  registry.isAway = true;
  change();
  await settled();
  await book.close();
  registry.isAway = false;
  await clock.advance(10_000);
  assert.equal(idsOf(book).length, 3);
});
