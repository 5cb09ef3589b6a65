import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { OracleEvent, OracleReading, OracleResult, OracleRow, OracleRule } from "../../test/oracle/model.ts";
import { oracle, oracleReading } from "../../test/oracle/oracle.ts";
import { assertRows } from "../../test/oracle/compare.ts";
import { regressions } from "../../test/oracle/regressions.ts";
import { filters as oracleFilters, now, type Scenario, scenario, stepFor } from "../../test/oracle/scenarios.ts";
import { type EmbeddedEngine, openEmbeddedEngine } from "../../test/support/embedded-engine.ts";
import { rawRow } from "../../test/support/raw-rows.ts";
import { type PlacedRange, placed } from "../../test/support/placed.ts";
import { playRounds, roundSeed } from "../../test/support/rounds.ts";
import { systemClock } from "../lib/clock.ts";
import { offset, src } from "../event/position.ts";
import { parseRule } from "../rule/parse.ts";
import { oldestKept } from "../rule/retention.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { parseWindowSize } from "../rule/window.ts";
import { ClickHouseStore } from "../store/clickhouse/clickhouse-store.ts";
import { Dropping } from "../store/clickhouse/dropping.ts";
import type { SeriesCounts } from "../store/store.ts";
import { planRollup, type RollupTarget } from "./plan.ts";
import { windowValue } from "./finish.ts";
import { renderNewest, renderSeriesCounts, renderWindows } from "./read.ts";
import type { WindowSelection } from "./selection.ts";
import { renderRollup } from "./render.ts";

const endOfTime = 4_294_967_295_000;

let engine: EmbeddedEngine;
let store: ClickHouseStore;
// Every round has a partition and series of its own, so that no round must clear up after another.
let nextSrc = 0;
let nextSeries = 16;

before(async () => {
  engine = await openEmbeddedEngine();
  store = new ClickHouseStore({ connection: engine.connection, clock: systemClock });
});

after(() => engine.close());

// Before merges are stopped below: deleting waits for them.
test("a group that no event has entered is not listed either, nor does it stay on the list", async () => {
  const at = nextSrc++;
  const events = [{}, { price: 1 }].map((payload, index) => ({ ...plainEvent, user_id: `u${index}`, payload }));
  await insertRaw(events.map((event, off) => rawRow(event, at, off)));
  const one = target({ rule_id: "r", window_size: "1m", metric: "sum", field: "payload.price", group_by: ["user_id"] });
  await rollUp([one], at, 0, 1);
  const all = { series: one.series, from: 0, to: endOfTime };
  assert.deepEqual(await store.listGroups([all]), new Map([[one.series, 1]]));
  // As a list of before may have it.
  await engine.connection.write({
    sql: `INSERT INTO rollups (series, pane, grp) SELECT 2, toDateTime({series:UInt32}, 'UTC'), ['u0']`,
    parameters: { series: one.series },
  });
  assert.deepEqual(await store.listGroups([all]), new Map([[one.series, 2]]));
  assert.deepEqual(await new Dropping(engine.connection).windows([{ series: one.series, before: 0 }]), [one.series]);
  assert.deepEqual(await store.listGroups([all]), new Map([[one.series, 1]]));
});

for (const { name, scenario: one } of regressions) test(name, () => checkScenario(one));

test("any rules over any events, rolled up range by range, give what brute force gives", async (t) => {
  t.diagnostic(`WEIR_SEED=${roundSeed}`);
  await playRounds(scenario, 150, (one) => checkScenario(one, Math.floor(one.pick / 4) % 2));
});

test("five hundred thousand groups and their mark are one part", async () => {
  const at = nextSrc++;
  await engine.connection.write({
    sql: `INSERT INTO raw_events SELECT {src:UInt16}, number, toDateTime64(1768298400, 3, 'UTC'), toDateTime64(1768298400, 3, 'UTC'), toString(number), 'e', concat('user_', toString(number)), '{}' FROM numbers(500000)`,
    parameters: { src: at },
  });
  await engine.connection.write({ sql: "SYSTEM STOP MERGES rollups", parameters: {} });
  const parts = async (): Promise<number> => {
    const [row] = await engine.connection.rows<{ parts: number }>({
      sql: "SELECT toFloat64(count()) AS parts FROM system.parts WHERE table = 'rollups' AND active",
      parameters: {},
    });
    return row!.parts;
  };
  const before = await parts();
  const targets = [
    target({ rule_id: "a", window_size: "1m", metric: "count", group_by: ["user_id"] }),
    target({ rule_id: "b", window_size: "5m", metric: "count" }),
  ];
  await rollUp(targets, at, 0, 499_999);
  assert.equal(await parts(), before + 1);
  assert.equal(
    (await engine.connection.rows<{ groups: number }>(renderSeriesCounts(targets[0]!.series)))[0]?.groups,
    500_000,
  );
});

// Each value as it stands in the payload's text, its text as a group, and whether it is a number.
const values: readonly (readonly [string, string | null, boolean])[] = [
  ["7", "7", true],
  ["7.0", "7", true],
  ["-0.5", "-0.5", true],
  ["1e21", "1e21", true],
  ["1.2345678901234568e+20", "123456789012345680000", true],
  ["9007199254740993", "9007199254740993", true],
  ["-9223372036854775808", "-9223372036854775808", true],
  ['"7"', "7", false],
  ['""', "", false],
  ['"null"', "null", false],
  ['"a\\u0000\\n\\\\\\"/ü"', 'a\0\n\\"/ü', false],
  ["true", "true", false],
  ["false", "false", false],
  ["null", null, false],
  ["[7]", null, false],
  ['{"a":7}', null, false],
];

test("a value is a number, a text or neither, as its JSON says", async () => {
  const at = nextSrc++;
  const events = values.map(([text], index) => ({ ...rawRow(plainEvent, at, index), payload: `{"v":${text}}` }));
  await insertRaw([...events, { ...rawRow(plainEvent, at, values.length), payload: "{}" }]);
  const [all, numbers] = [
    target({ rule_id: "all", window_size: "1m", metric: "count", group_by: ["payload.v"] }),
    target({ rule_id: "numbers", window_size: "1m", metric: "sum", field: "payload.v", group_by: ["payload.v"] }),
  ];
  await rollUp([all, numbers], at, 0, values.length);
  const groups = async ({ series, rule }: RollupTarget): Promise<unknown[]> => {
    const rows = await windows({ series, rule, from: 0, to: endOfTime, filters: [], order: "newest", limit: 100 });
    return rows.map((row) => row.group[0]);
  };
  const expected = (entries: typeof values): unknown[] => {
    const texts = [...new Set(entries.map(([, text]) => text))];
    return [...texts.filter((text) => text !== null).toSorted(), ...texts.filter((text) => text === null)];
  };
  assert.deepEqual(await groups(all), expected(values));
  assert.deepEqual(await groups(numbers), expected(values.filter(([, , isNumber]) => isNumber)));
  const [counts] = await engine.connection.rows<{ skipped: number }>(renderSeriesCounts(numbers.series));
  assert.equal(counts?.skipped, values.filter(([, , isNumber]) => !isNumber).length + 1);
});

test("a rule without groups has a row in every window that is filled, also when nothing has entered", async () => {
  const own = { rule_id: "none", window_size: "1m", metric: "count" };
  const empty = { from: 0, to: 180_000, fillTo: 120_001, filters: [], order: "oldest", limit: 100 } as const;
  const starts = async (body: object): Promise<unknown[]> => {
    const { series, rule } = target({ ...own, ...body });
    return (await windows({ series, rule, ...empty })).map(({ windowStart, group, value }) => [
      windowStart,
      group,
      value,
    ]);
  };
  assert.deepEqual(
    await starts({}),
    [0, 60_000, 120_000].map((start) => [start, [], 0]),
  );
  assert.deepEqual(await starts({ metric: "max", field: "payload.v", hop: "30s" }), [
    [0, [], null],
    [30_000, [], null],
    [60_000, [], null],
    [90_000, [], null],
    [120_000, [], null],
  ]);
  const growing = { window_size: "2m", window_type: "cumulative", hop: "1m" };
  assert.deepEqual(await starts(growing), [
    [0, [], 0],
    [0, [], 0],
    [120_000, [], 0],
  ]);
  assert.deepEqual(await starts({ group_by: ["user_id"] }), []);
});

test("rules whose groupings are the same, by other names, have each their own rows, once", async () => {
  const at = nextSrc++;
  await insertRaw([0, 1, 2].map((off) => rawRow({ ...plainEvent, user_id: `u${off % 2}` }, at, off)));
  const bodies = [
    { window_size: "1m", group_by: ["event_type", "user_id"] },
    { window_size: "1m", group_by: ["user_id", "event_type"] },
    { window_size: "30m", group_by: ["user_id"], allowed_lateness: "1h" },
    { window_size: "60m", group_by: ["user_id"] },
    { window_size: "90m", group_by: ["user_id"] },
  ];
  const targets = bodies.map((body, index) => target({ rule_id: `r${index}`, metric: "count", ...body }));
  for (const spread of ["scattered", "close"] as const) {
    const own = targets.map(({ rule }) => ({ rule, series: nextSeries++ }));
    const range = { src: src(at), from: offset(0), to: offset(2) };
    await engine.connection.write(
      renderRollup(planRollup(own, spread), range, { marks: [], counts: null, whole: "weir" }),
    );
    const found = await Promise.all(
      own.map(async ({ series, rule }) => {
        const query = { series, rule, from: 0, to: endOfTime, filters: [], order: "oldest", limit: 9 } as const;
        return (await windows(query)).map(({ group, value }) => [...group, value]);
      }),
    );
    const byUser = [
      ["u0", 2],
      ["u1", 1],
    ];
    const typed = [byUser.map((row) => ["t", ...row]), byUser.map(([user, count]) => [user, "t", count])];
    assert.deepEqual(found, [...typed, byUser, byUser, byUser]);
  }
});

const plainEvent: OracleEvent = {
  event_id: "e",
  event_type: "t",
  user_id: "u",
  timestamp: 1_768_298_400_000,
  receivedAt: 1_768_298_400_000,
};

/** `half` of the ways of asking; undefined: all of them. */
async function checkScenario(scenario: Scenario, half?: number): Promise<void> {
  const { rules, pick } = scenario;
  const ranges = placed(scenario, nextSrc);
  nextSrc += scenario.partitions ?? 1;
  const inOrder = ranges.toSorted((a, b) => a.src - b.src || a.from - b.from);
  const events = inOrder.flatMap((range) => range.events);
  await insertRaw(
    inOrder.flatMap(({ src, from, events }) => events.map((event, index) => rawRow(event, src, from + index))),
  );
  const targets = rules.map(target);
  for (const range of ranges) await rollUp(targets, range.src, range.from, range.to);
  const cut = ranges.map((range) => range.events);
  const expected = oracle(rules, events, oracleFilters, cut, now);
  const counts = await store.seriesCounts(targets.map(({ series }) => series));
  for (const [index, one] of targets.entries()) {
    // What costs a statement for each way of asking is asked of one rule, and in half of the ways in each round.
    const closely = index === pick % targets.length;
    const how = { pick, selections: closely && half !== 1, readings: closely && half !== 0, counts };
    await checkRule(one.series, one.rule, expected[index]!, how);
    if (how.readings) await checkReadings(one, { rule: rules[index]!, ranges: cut, now }, events, how);
    if (closely && pick % 12 === 0 && events.length > 0) await checkVerification(one, inOrder);
  }
}

/** What is counted again, all at once, is what came range by range; but for a bound of groups, for which only that counts. */
async function checkVerification({ series, rule }: RollupTarget, counted: readonly PlacedRange[]): Promise<void> {
  if (rule.maxGroups !== undefined) return;
  const ranges = counted.map(({ src: at, from, to }) => ({ src: src(at), from: offset(from), to: offset(to) }));
  const comparison = { series, rule, ranges, from: 0, limit: 10 };
  for (const kind of ["events", "values"] as const) {
    const found = await store.compare(comparison, kind, new AbortController().signal);
    assert.deepEqual(found.rows, [], `${kind} of ${JSON.stringify(rule.spec)}`);
  }
}

interface Thoroughness {
  readonly pick: number;
  readonly selections: boolean;
  readonly readings: boolean;
  readonly counts: ReadonlyMap<number, SeriesCounts>;
}

async function checkRule(series: number, rule: CheckedRule, expected: OracleResult, how: Thoroughness): Promise<void> {
  const all = { series, rule, from: 0, to: endOfTime, filters: [], order: "newest", limit: 100_000 } as const;
  assertRows(await windows(all), expected.rows);
  const { skipped, late, groups, ungrouped } = expected;
  assert.deepEqual(how.counts.get(series), { skipped, late, groups, ungrouped }, JSON.stringify(rule.spec));
  if (!how.selections) return;
  const [newest] = await engine.connection.rows<{ pane: number }>(renderNewest(series));
  if (rule.window.kind === "tumbling" && rule.having.length === 0)
    assert.equal(newest?.pane, expected.rows[0]?.windowStart);
  // Where it is open which rows there are, it is open as well which of them lie behind one.
  if (expected.rows.some(({ maybe }) => maybe)) return;
  const picked = expected.rows[how.pick % Math.max(expected.rows.length, 1)];
  if (picked !== undefined) await checkSelections(all, expected.rows, picked, how);
}

async function checkSelections(
  all: WindowSelection,
  rows: readonly OracleRow[],
  picked: OracleRow,
  how: Thoroughness,
): Promise<void> {
  const limit = 1 + (how.pick % 4);
  const behind = rows.slice(rows.indexOf(picked) + 1, rows.indexOf(picked) + 1 + limit);
  assertRows(await windows({ ...all, limit, behind: picked }), behind);
  const oldest = rows.toSorted((a, b) => a.windowStart - b.windowStart || a.windowEnd - b.windowEnd);
  const place = oldest.indexOf(picked) + 1;
  assertRows(await windows({ ...all, order: "oldest", limit, behind: picked }), oldest.slice(place, place + limit));
  const { filters, matches } = groupOf(picked, how.pick);
  const matching = rows.filter(matches);
  const since = matching.filter(({ windowStart }) => windowStart >= picked.windowStart);
  assertRows(await windows({ ...all, from: picked.windowStart, filters }), since);
  const through = rows[Math.min(rows.length - 1, rows.indexOf(picked) + 3 * limit)]!;
  const between = rows.slice(rows.indexOf(picked) + 1, rows.indexOf(through) + 1).filter(matches);
  assertRows(await windows({ ...all, filters, behind: picked, through }), between);
  assertRows(
    await windows({ ...all, to: picked.windowStart }),
    rows.filter((row) => row.windowStart < picked.windowStart),
  );
}

/** Asks for the group of this row, or for some of its values. */
function groupOf(
  { group }: OracleRow,
  pick: number,
): Pick<WindowSelection, "filters"> & { matches: (row: OracleRow) => boolean } {
  const filters = group.map((value, key) => ({ key, value })).slice(0, 1 + (pick % 3));
  return { filters, matches: (row) => filters.every(({ key, value }) => row.group[key] === value) };
}

/** The windows of a step, and those that are filled, page by page. */
async function checkReadings(
  { series, rule }: RollupTarget,
  wire: Pick<OracleReading, "rule" | "ranges" | "now">,
  events: readonly OracleEvent[],
  { pick }: Thoroughness,
): Promise<void> {
  const text = stepFor(wire.rule, pick);
  const zone = rule.window.size.unit === "second" ? "UTC" : rule.window.size.timezone;
  const read = parseWindowSize(text, zone);
  assert.ok(read.ok);
  const all = { series, rule, from: 0, to: endOfTime, filters: [], order: "newest", limit: 100_000 } as const;
  const steps = oracleReading({ ...wire, step: text }, events, oracleFilters).rows;
  assertRows(await windows({ ...all, step: read.value }), steps);
  const step = pick % 2 === 0 ? { step: text } : {};
  const rows = pick % 2 === 0 ? steps : oracleReading(wire, events, oracleFilters).rows;
  const around = rows[pick % Math.max(rows.length, 1)];
  if (around === undefined || rule.having.length > 0 || rule.topN !== undefined) return;
  const length = around.windowEnd - around.windowStart;
  const fill = {
    from: Math.max(0, around.windowStart - 3 * length),
    // Up to the very start of a window, which is then not in it, or a little further.
    to: around.windowStart + 2 * length + (Math.floor(pick / 2) % 2),
    until: around.windowStart + 4 * length,
  };
  const filled = oracleReading({ ...wire, ...step, fill }, events, oracleFilters).rows;
  const query = {
    ...all,
    from: fill.from,
    to: fill.until,
    fillTo: fill.to,
    ...(pick % 2 === 0 ? { step: read.value } : {}),
  };
  assertRows(await windows(query), filled);
  const place = pick % filled.length;
  const page = filled.slice(place + 1, place + 1 + (pick % 9));
  assertRows(await windows({ ...query, limit: page.length, behind: filled[place]! }), page);
  const { filters, matches } = groupOf(around, pick);
  assertRows(await windows({ ...query, filters, behind: filled[place]! }), filled.slice(place + 1).filter(matches));
}

interface FoundRow {
  readonly window_start: number;
  readonly window_end: number;
  readonly grp: (string | null)[];
  readonly value: unknown;
}

async function windows(query: WindowSelection): Promise<OracleRow[]> {
  const rows = await engine.connection.rows<FoundRow>(renderWindows(query));
  return rows.map((row) => ({
    windowStart: row.window_start,
    windowEnd: row.window_end,
    group: row.grp,
    value: windowValue(query.rule, row.value),
  }));
}

function target(rule: OracleRule): RollupTarget {
  const parsed = parseRule(rule);
  assert.ok(parsed.ok, `a generated rule is refused: ${JSON.stringify(parsed)}`);
  return { series: nextSeries++, rule: parsed.rule };
}

async function rollUp(targets: readonly RollupTarget[], at: number, from: number, to: number): Promise<void> {
  const range = { src: src(at), from: offset(from), to: offset(to) };
  // However the events are said to lie, the windows are the same.
  const events = (from + to) % 2 === 0 ? "close" : "scattered";
  const rooms = await roomsOf(targets);
  await engine.connection.write(
    renderRollup(planRollup(targets, events, new Set(rooms.keys())), range, {
      whole: "weir",
      rooms,
      keptFrom: new Map(targets.map(({ series, rule }) => [series, oldestKept(rule, now)])),
      marks: [{ key: `0:${at}:${from}-${to}` }],
      counts: { src: at, events: to - from + 1, duplicates: 0 },
    }),
  );
}

/** What is left of the bounds. A rule with a bound is close to it from the start, so that all of its groups are listed. */
async function roomsOf(targets: readonly RollupTarget[]): Promise<Map<number, number>> {
  const bounded = targets.filter(({ rule }) => rule.maxGroups !== undefined);
  if (bounded.length === 0) return new Map();
  const found = await engine.connection.rows<{ series: number; groups: number }>({
    sql: "SELECT toUnixTimestamp(pane) AS series, toFloat64(uniqExact(grp)) AS groups FROM rollups WHERE rollups.series = 2 AND pane IN (SELECT toDateTime(arrayJoin({series:Array(UInt32)}), 'UTC')) GROUP BY pane",
    parameters: { series: bounded.map(({ series }) => series) },
  });
  const listed = new Map(found.map(({ series, groups }) => [series, groups]));
  return new Map(bounded.map(({ series, rule }) => [series, (rule.maxGroups ?? 0) - (listed.get(series) ?? 0)]));
}

async function insertRaw(rows: readonly object[]): Promise<void> {
  const bytes = Buffer.from(rows.map((row) => JSON.stringify(row)).join("\n"));
  if (bytes.length > 0) await engine.connection.insert("INSERT INTO raw_events FORMAT JSONEachRow", bytes);
}
