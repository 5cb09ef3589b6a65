import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { offset, src } from "../event/position.ts";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { Query } from "./query.ts";

const windowStart = Date.UTC(2026, 0, 17, 19, 30);

test("a version that is replaced and dropped while its windows are read does not answer as if there were none", async () => {
  const [rules, store] = [new MemoryRules(), new MemoryStore()];
  const before = rules.set({ rule_id: "r" });
  store.set(before, { windowStart, group: ["a"], value: 1 });
  store.before = async () => {
    store.before = async () => {};
    rules.delete("r");
    store.drop(before);
    store.set(rules.set({ rule_id: "r", version: 2 }), { windowStart, group: ["a"], value: 2 });
  };
  const answer = await queryOf(rules, store).stats({ rule_id: "r", start_time: "0" });
  assert.deepEqual(
    answer.data.map(({ value }) => value),
    [2],
  );
});

test("a version that is made anew under its number while its windows are read does not answer from what was dropped", async () => {
  const { rules, store } = madeAnew("windows");
  const answer = await queryOf(rules, store).stats({ rule_id: "r", start_time: "0" });
  assert.deepEqual([answer.version, answer.data.map(({ value }) => value)], [1, [2]]);
});

test("a table that is made anew before its page is known is the new one", async () => {
  const { rules, store } = madeAnew("windows");
  const table = await queryOf(rules, store).statsTable(csv, new AbortController().signal);
  assert.match(await text(await table.read()), /"value":2/);
});

test("a table that is made anew once its page is known is refused, for its head is of the old one", async () => {
  const { rules, store } = madeAnew("table");
  const table = await queryOf(rules, store).statsTable(csv, new AbortController().signal);
  await assert.rejects(table.read(), { code: "store_unavailable", canRetry: true });
});

test("a rule that is paused while it is compared is not called different: nothing is counted for it any more", async () => {
  const [rules, store] = [new MemoryRules(), new MemoryStore()];
  const series = rules.set({ rule_id: "r" });
  const rows = [{ windowStart, group: ["a"], stored: "1", expected: "2" }];
  const hurried = { ...systemClock, sleep: async () => {} };
  let during = (): void => {};
  store.compare = async () => (during(), { compared: "events", different: 1, rows });
  const verified = async () => (await queryOf(rules, store, hurried).verify("r", new AbortController().signal)).result;
  assert.equal(await verified(), "different");
  during = () => void rules.set({ rule_id: "r", series, version: 1, phase: "paused" });
  assert.equal(await verified(), "not_comparable");
});

const csv = { rule_id: "r", start_time: "0", format: "csv" };

/** A rule whose one version gets a new series, and loses the old one, when that is read for the first time. */
function madeAnew(reading: "windows" | "table"): { rules: MemoryRules; store: MemoryStore } {
  const [rules, store] = [new MemoryRules(), new MemoryStore()];
  const before = rules.set({ rule_id: "r" });
  store.set(before, { windowStart, group: ["a"], value: 1 });
  store.before = async (read) => {
    if (!read.startsWith(reading)) return;
    store.before = async () => {};
    store.drop(before);
    store.set(rules.set({ rule_id: "r", version: 1 }), { windowStart, group: ["a"], value: 2 });
  };
  return { rules, store };
}

test("a rule that is new is answered without asking the store, which would take its time", async () => {
  const [rules, store] = [new MemoryRules(), new MemoryStore()];
  rules.set({ rule_id: "r", group_by: ["event_type"] });
  store.seriesCounts = () => assert.fail("the store was asked");
  const answer = await queryOf(rules, store).rule(rules.get("r"), { isNew: true });
  assert.deepEqual([answer.skipped, answer.late, answer.groups, answer.overflowed], [0, 0, 0, 0]);
});

function queryOf(
  rules: MemoryRules,
  store: MemoryStore,
  clock: Clock = new SimulatedClock(windowStart + 60_000),
): Query {
  const idle = { log: () => assert.fail(), rates: () => assert.fail(), parts: () => assert.fail(), cost: () => null };
  const progress = { countedThrough: () => 0, lagMs: () => 0 };
  return new Query({
    readsAtOnce: 4,
    ...idle,
    store,
    rules,
    progress,
    clock,
    written: () => [{ src: src(0), from: offset(0), to: offset(9) }],
    groupsMax: 10,
    fill: () => ({ progress: 1, endsAt: null }),
  });
}
