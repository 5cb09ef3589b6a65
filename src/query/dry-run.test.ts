import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { parseRule } from "../rule/parse.ts";
import type { Trial } from "../store/store.ts";
import { dryRun, sampleEventsMax } from "./dry-run.ts";

const start = Date.UTC(2026, 0, 13);
const span = { earliest: start, latest: start + 60_000 };
const signal = new AbortController().signal;
const hour = 3_600_000;

async function answer(trial: Partial<Trial>, body: object = {}, groupsMax = 100_000) {
  const store = new MemoryStore();
  store.trial = { ...store.trial, groupsKept: trial.groups ?? 0, ...trial };
  const parsed = parseRule({ rule_id: "r", window_size: "1m", metric: "count", ...body });
  assert.ok(parsed.ok);
  const change = { rule: parsed.rule, effect: "create", fills: true } as const;
  const answered = await dryRun(change, { store, groupsMax, clock: new SimulatedClock(start + hour) }, signal);
  assert.deepEqual(store.reads, [`trial r ${sampleEventsMax}`]);
  return answered;
}

const codes = async (trial: Partial<Trial>, groupsMax?: number): Promise<string[]> =>
  (await answer({ span, ...trial }, {}, groupsMax)).warnings.map(({ code }) => code);

test("the answer has the rule in its one form, the newest windows, and says when there are more", async () => {
  const windows = Array.from({ length: 101 }, (_, index) => ({
    windowStart: start - index * 60_000,
    windowEnd: start - (index - 1) * 60_000,
    group: ["click"],
    value: index,
  }));
  const body = { window_size: "60s", group_by: ["event_type"] };
  const answered = await answer({ events: 300, span, entered: 300, groups: 1, rows: 101, panes: 101, windows }, body);
  assert.deepEqual(answered.rule, { ...body, rule_id: "r", metric: "count", active: true, window_size: "60s" });
  assert.deepEqual(answered.sample, { events: 300, from: "2026-01-13T00:00:00Z", to: "2026-01-13T00:01:00Z" });
  assert.deepEqual([answered.count, answered.data.length, answered.more], [100, 100, true]);
  assert.deepEqual(answered.data[1], {
    window_start: "2026-01-12T23:59:00Z",
    event_type: "click",
    value: 1,
    window_end: "2026-01-13T00:00:00Z",
    final: false,
  });
});

test("windows that have gone by the rule's retention are not answered, as they would not be of the rule", async () => {
  const windows = Array.from({ length: 101 }, (_, index) => ({
    windowStart: start - index * hour,
    windowEnd: start - (index - 1) * hour,
    group: [],
    value: index,
  }));
  const body = { window_size: "1h", retention: "2h" };
  const { count, data, more, entered } = await answer({ events: 300, span, entered: 300, windows }, body);
  // It is the end of the first of them. The second has ended an hour ago, the third two hours.
  assert.deepEqual(
    data.map(({ value }) => value),
    [0, 1],
  );
  assert.deepEqual([count, more, entered], [2, false, 300]);
});

test("the cost is of so many events and a day", async () => {
  const trial = { events: 50_000, span, entered: 1, rows: 30, panes: 3, engineMs: 20, rowsRead: 60_000 };
  assert.deepEqual((await answer(trial)).cost, {
    rows_read: 60_000,
    engine_ms_per_100k_events: 40,
    // Ten rows for each minute.
    rows_stored_per_day: 14_400,
  });
  const sparse = { ...trial, span: { earliest: start, latest: start + 86_400_000 } };
  assert.equal((await answer(sparse)).cost.rows_stored_per_day, 30);
  const monthly = await answer(trial, { window_size: "1mo" });
  assert.equal(monthly.cost.rows_stored_per_day, 1);
});

test("what a person would want to know first is a warning", async () => {
  assert.deepEqual(await codes({ events: 0, span: null }), ["no_events"]);
  assert.deepEqual(await codes({ events: 10 }), ["nothing_entered"]);
  assert.deepEqual(await codes({ events: 10, skipped: 10 }), ["nothing_entered", "much_skipped"]);
  assert.deepEqual(await codes({ events: 10, entered: 6, skipped: 4, groups: 6 }), []);
  assert.deepEqual(await codes({ events: 10_000, entered: 10_000, groups: 2000 }), []);
  assert.deepEqual(await codes({ events: 10_000, entered: 10_000, groups: 2001 }), ["many_groups"]);
  assert.deepEqual(await codes({ events: 10_000, entered: 10_000, groups: 2001 }, 2000), ["groups_over_bound"]);
});

test("only groups of windows that are kept are too many", async () => {
  const trial = { events: 10_000, span, entered: 10_000, groups: 2000, groupsKept: 1000 };
  assert.deepEqual(await codes(trial, 1000), []);
  assert.deepEqual(await codes({ ...trial, groupsKept: 1001 }, 1000), ["groups_over_bound"]);
});

test("that nothing enters because all came late is told", async () => {
  const late = { events: 10, late: 10, span };
  const drops = await answer(late, { late_policy: "drop" });
  assert.match(drops.warnings[0]!.message, /10 came late, and with late_policy drop/);
  assert.match((await answer(late)).warnings[0]!.message, /look at filter and field/);
});

test("what few events took says nothing about many", async () => {
  const trial = { span, entered: 1, engineMs: 60 };
  assert.equal((await answer({ ...trial, events: 9999 })).cost.engine_ms_per_100k_events, null);
  assert.equal((await answer({ ...trial, events: 10_000 })).cost.engine_ms_per_100k_events, 600);
});

test("without events there is nothing to measure", async () => {
  const { cost, sample, data } = await answer({});
  assert.deepEqual(cost, { rows_read: 0, engine_ms_per_100k_events: null, rows_stored_per_day: null });
  assert.deepEqual([sample, data], [{ events: 0, from: null, to: null }, []]);
});
