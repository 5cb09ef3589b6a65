import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { RulePhase } from "../rule/registry.ts";
import type { Problem } from "../lib/errors.ts";
import type { TableQuery, WindowRow } from "../store/store.ts";
import type { RawParameters } from "./parameters.ts";
import { Query } from "./query.ts";
import { statsTable } from "./stats-table.ts";

const now = Date.UTC(2026, 0, 17, 19, 35);
const hour = 3_600_000;
const signal = new AbortController().signal;

class NotingStore extends MemoryStore {
  asked: TableQuery | undefined;

  override windowTable(query: TableQuery): ReturnType<MemoryStore["windowTable"]> {
    this.asked = query;
    return super.windowTable(query);
  }
}

function setUp(phase: RulePhase = "live", more: { readonly retentionSeconds?: number } = {}) {
  const rules = new MemoryRules();
  const series = rules.set({ rule_id: "r", phase, ...more });
  const at = { now, knowsRules: true };
  const store = new NotingStore();
  const progress = { countedThrough: () => now - hour, lagMs: () => 0 };
  const sources = { store, progress, knowsRules: () => at.knowsRules };
  const ask = (raw: RawParameters) =>
    statsTable({ rule_id: "r", ...raw }, rules.answering(rules.get("r")), sources, { now: () => at.now, signal });
  const put = (hoursAgo: number, group: string | null): void =>
    store.set(series, { windowStart: now - 5 * 60_000 - hoursAgo * hour, group: [group], value: hoursAgo });
  return { rules, store, progress, ask, put, at };
}

async function problemOf(asked: Promise<unknown>): Promise<Problem | undefined> {
  const error = await asked.then(
    () => assert.fail("was answered"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WeirError && error.code === "invalid_query");
  return (error.details as Problem[])[0];
}

test("a table is asked for as the list is, and knows what is final", async () => {
  const { ask, store } = setUp();
  const table = await ask({ format: "csv", order: "oldest", event_type: "a", start_time: "0", end_time: "10" });
  assert.deepEqual([table.ruleId, table.format, table.complete], ["r", "csv", true]);
  const { from, to, order, filters, limit, format, finalThrough } = store.asked!;
  assert.deepEqual([from, to, order, limit, format, finalThrough], [0, 10, "oldest", 1_000_000, "csv", now - hour]);
  assert.deepEqual(filters, [{ key: 0, value: "a" }]);
});

test("a rule that is being filled says so and calls nothing final", async () => {
  const { ask, store } = setUp("filling");
  assert.equal((await ask({ format: "arrow" })).complete, false);
  assert.equal(store.asked?.finalThrough, 0);
});

test("a rule that is not taken up yet has a head and no row, as its list has none, also where windows are filled", async () => {
  const { ask, store, put } = setUp("pending");
  put(1, "a");
  const table = await ask({ format: "csv", fill: "zero" });
  assert.equal(await text(await table.read()), "");
  assert.deepEqual([store.asked!.to, store.asked!.fillTo], [store.asked!.from, undefined]);
});

test("pages put together are the whole; a cursor of one format is good for another", async () => {
  const { ask, put } = setUp();
  for (const hours of [1, 2, 3]) for (const group of ["a", "b", null]) put(hours, group);
  const values: unknown[] = [];
  let cursor: string | undefined;
  for (const format of ["csv", "ndjson", "parquet", "arrow", "csv"]) {
    const table = await ask({ format, limit: "2", ...(cursor === undefined ? {} : { cursor }) });
    const lines = (await text(await table.read())).split("\n").filter((line) => line !== "");
    values.push(...lines.map((line) => (JSON.parse(line) as WindowRow).value));
    cursor = table.nextCursor;
  }
  assert.equal(cursor, undefined);
  assert.deepEqual(values, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
});

test("each format has its limit, and only known formats are taken", async () => {
  const { ask } = setUp();
  assert.equal((await problemOf(ask({ format: "csv", limit: "1000001" })))?.path, "limit");
  const json = await problemOf(ask({ format: "json", limit: "10001" }));
  assert.deepEqual(json, { path: "limit", message: "must be <= 10000 when the format is json", value: 10_001 });
  const unknown = await problemOf(ask({ format: "xml" }));
  assert.deepEqual(unknown?.message, "must be one of json, ndjson, csv, parquet, arrow");
});

test("a page that no cursor can follow is refused, not answered as if it were all", async () => {
  const { ask, put } = setUp();
  put(1, "x".repeat(9000));
  put(2, "a");
  assert.equal((await problemOf(ask({ format: "csv", limit: "1" })))?.path, "limit");
  assert.equal((await ask({ format: "csv", limit: "2" })).nextCursor, undefined);
});

test("two tables are read at a time; the next is refused until one of them has ended", async () => {
  const { rules, store, progress } = setUp();
  const parts = { log: () => assert.fail(), rates: () => assert.fail(), parts: () => assert.fail() };
  const clock = new SimulatedClock(now);
  const fill = (): { progress: number; endsAt: null } => ({ progress: 1, endsAt: null });
  const query = new Query({
    readsAtOnce: 4,
    store,
    rules,
    progress,
    fill,
    written: () => [],
    groupsMax: 1000,
    cost: () => null,
    clock,
    ...parts,
  });
  const raw = { rule_id: "r", format: "csv" };
  const readers = [new AbortController(), new AbortController()];
  for (const reader of readers) await query.statsTable(raw, reader.signal);
  await assert.rejects(query.statsTable(raw, signal), { code: "overloaded", canRetry: true });
  readers[0]!.abort();
  await query.statsTable(raw, new AbortController().signal);
  await assert.rejects(query.statsTable(raw, signal), { code: "overloaded" });
});

test("windows that expire before the table has been read are left out, and when it takes longer it is refused", async () => {
  const minute = 60_000;
  const { ask, at, store } = setUp("live", { retentionSeconds: 7200 });
  // Windows of ten minutes begin and end with the fives here: the oldest that is kept ended less than two hours ago.
  at.now = now + 4 * minute + 30_000;
  const table = await ask({ format: "csv", start_time: "0" });
  const oldest = store.asked!.from;
  at.now += minute;
  await (await ask({ format: "csv", start_time: "0" })).read();
  assert.equal(store.asked!.from, oldest, "the one that ended then is gone, and was left out a minute ago");
  await table.read();
  const late = await ask({ format: "csv", start_time: "0" });
  const recent = await ask({ format: "csv", start_time: String(now - hour) });
  at.now += 10 * minute;
  await assert.rejects(late.read(), { code: "store_unavailable", canRetry: true, message: /^windows expired/ });
  await recent.read();
});

test("a table that was begun as complete is refused when later rules came while it was read", async () => {
  const { ask, at } = setUp();
  const table = await ask({ format: "csv" });
  at.knowsRules = false;
  await assert.rejects(table.read(), { code: "store_unavailable", canRetry: true, message: /^the rules were changed/ });
  const unknown = await ask({ format: "csv" });
  assert.equal(unknown.complete, false);
  await unknown.read();
});
