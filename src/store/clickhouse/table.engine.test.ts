import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pack, walkPacked } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import { formatTime } from "../../lib/rfc3339.ts";
import { planRollup } from "../../rollup/plan.ts";
import { type TableFormat, tableFormats } from "../../rollup/table.ts";
import { endOfSpan } from "../../rule/calendar.ts";
import { formatField } from "../../rule/field.ts";
import { parseRule } from "../../rule/parse.ts";
import type { CheckedRule } from "../../rule/rule.ts";
import { tumbling } from "../../rule/window.ts";
import { hostileKeys, hostileValues } from "../../../test/support/hostile.ts";
import { bytes, csv, ndjson, type Table, text } from "../../../test/support/read-table.ts";
import type { TableQuery, WindowRow } from "../store.ts";
import { ClickHouseStore } from "./clickhouse-store.ts";
import { Connection } from "./connection.ts";
import { embeddedFacts } from "./facts.ts";
import { startEngine } from "./engine/engine.ts";
import type { Engine } from "./engine/engine.ts";

const start = Date.UTC(2026, 0, 13, 10);
const minute = 60_000;

const numbers = [0.1, -0.5, 1e21, 1e-7, 463_440, 9_007_199_254_740_993, 1.7976931348623157e308, 0, 1 / 3, 123_456.789];

let engine: Engine;
let connection: Connection;
let store: ClickHouseStore;
let dataDir: string;
let nextSrc = 0;
let nextSeries = 16;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "weir-table-"));
  engine = await startEngine({ dataDir, clock: systemClock });
  const { username, password } = engine;
  const url = (): string => engine.url();
  connection = new Connection({
    url,
    username,
    password,
    database: "weir",
    requestTimeoutMs: 60_000,
    newId: randomUUID,
    facts: embeddedFacts(engine.spoolFolder),
  });
  store = new ClickHouseStore({ connection, clock: systemClock });
  await store.open(new AbortController().signal);
});

after(async () => {
  await store.close();
  await engine.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const signal = new AbortController().signal;

describe("a table", () => {
  test("has the rows of the list, in its order, in every format, whatever keys and values are", async () => {
    for (let from = 0; from < hostileKeys.length; from += 8) {
      const keys = hostileKeys.slice(from, from + 8);
      const rule = sumBy(keys.map((key) => formatField({ kind: "payload", path: [key] })));
      const query = await counted(
        rule,
        hostileValues.map((value, index) => payloadOf(keys, value, index)),
      );
      assert.equal((await store.windows(query)).length, hostileValues.length + 1);
      for (const order of ["newest", "oldest"] as const) await checkFormats({ ...query, order });
    }
  });

  test("has numbers and odd sums as the list has them", async () => {
    const rule = sumBy(["event_type"]);
    const payloads = [...numbers.map((n) => ({ n })), { n: -0 }];
    const query = await counted(rule, payloads);
    await checkFormats(query);
    const all = await counted(
      sumBy([]),
      Array.from({ length: 12 }, () => ({ n: 1.7e308 })),
      minute / 100,
    );
    assert.deepEqual(
      (await store.windows(all)).map(({ value }) => value),
      [null],
    );
    await checkFormats(all);
  });

  test("marks the overflow, which has no group, and pages end at it and go on behind it", async () => {
    const payloads = Array.from({ length: 30 }, (_, index) => ({ n: 1, a: `a${index % 7}` }));
    const query = await counted(sumBy(["payload.a", "payload.b"]), payloads, minute / 10, 3);
    await checkFormats(query);
    const rows = await store.windows(query);
    assert.ok(rows.some(({ group }) => group.length === 0));
    for (const order of ["newest", "oldest"] as const) {
      const whole = ndjson(await text(await (await store.windowTable({ ...query, order }, signal)).read(signal))).rows;
      assert.deepEqual(await pages({ ...query, order, limit: 1 }), whole);
    }
    const ofNull = await store.windows({ ...query, filters: [{ key: 1, value: null }] });
    assert.deepEqual(
      ofNull,
      rows.filter(({ group }) => group.length > 0),
    );
  });

  test("of a calendar ends its windows where the list does, also over a change of the clocks", async () => {
    const window = tumbling({ unit: "week", timezone: "Europe/Berlin" });
    const day = 1440 * minute;
    const payloads = Array.from({ length: 120 }, () => ({ n: 1 }));
    const query = await counted({ ...sumBy([]), window }, payloads, day);
    const year = { ...query, to: start + 366 * day, finalThrough: start + 80 * day };
    assert.equal((await store.windows(year)).length, 18);
    await checkFormats(year);
  });

  test("without rows is a table with all its columns", async () => {
    const rule = sumBy(["event_type"]);
    const query = { ...queryOf(rule, nextSeries++), filters: [] };
    for (const format of tableFormats) {
      const { names, rows } = await readBack({ ...query, format });
      assert.deepEqual(rows, []);
      const columns = ["window_start", "event_type", "value", "window_end", "final"];
      assert.deepEqual(names, format === "ndjson" ? [] : columns);
    }
  });

  test("in pages is the whole, with filters and in both orders", async () => {
    const rule = sumBy(["payload.a", "payload.b"]);
    const payloads = Array.from({ length: 60 }, (_, index) => ({
      n: 1,
      ...(index % 5 === 0 ? {} : { a: `a${index % 4}` }),
      ...(index % 7 === 0 ? {} : { b: ["", "x", "ä"][index % 3] }),
    }));
    const query = await counted(rule, payloads, minute / 10);
    for (const order of ["newest", "oldest"] as const) {
      for (const filters of [[], [{ key: 0, value: "a1" }], [{ key: 0, value: null }]]) {
        const whole = (await store.windows({ ...query, order, filters })).length;
        assert.ok(whole > 3);
        for (const limit of [3, whole - 1, whole]) {
          const paged = await pages({ ...query, order, filters, limit });
          const { rows } = await readBack({ ...query, order, filters });
          assert.deepEqual(paged, rows);
        }
      }
    }
  });

  test("has values that are no numbers as its format can", async () => {
    const values = [7, -0.5, 1e-7, true, "7", "", 'a"b\\\n,', "é \u{1f642}\u0000"];
    for (const metric of ["last", "top_k"] as const) {
      const summing = sumBy(["event_type"]);
      const rule = { ...summing, metric, field: { kind: "payload", path: ["v"] } } as const;
      const query = await counted(
        rule,
        values.map((v) => ({ v })),
      );
      const listedValues = (await store.windows(query)).map(({ value }) => value);
      assert.equal(listedValues.length, values.length);
      for (const format of tableFormats) {
        const { rows } = await readBack({ ...query, format });
        const read = rows.map((row) => row[2]);
        if (metric === "top_k") assert.deepEqual(format === "csv" ? read.map(parsed) : read, listedValues, format);
        else assert.deepEqual(read, format === "ndjson" ? listedValues : listedValues.map(plainText), format);
      }
    }
  });

  test("has texts as they are, and numbers with all their digits, whatever else is on the page", async () => {
    const values = ['"2026-01-13T10:00:00Z"', '"7"', "1.5", "9007199254740993", "true", '"20260113"', '"2026-02-30"'];
    const rule = { ...sumBy(["event_type"]), metric: "last", field: { kind: "payload", path: ["v"] } } as const;
    const query = await stored(
      rule,
      [...values, "18446744073709551615", "-0.0", "false"].map((value) => `{"v":${value}}`),
    );
    for (const order of ["newest", "oldest"] as const) {
      const lines = await text(await (await store.windowTable({ ...query, order }, signal)).read(signal));
      const read = [...lines.matchAll(/"value":(.*?),"window_end"/g)].map(([, value]) => value);
      const expected = [...values, "18446744073709551615", "0", "false"];
      assert.deepEqual(read, order === "oldest" ? expected : expected.toReversed(), order);
    }
  });

  test("of timestamps has them as milliseconds in UTC, and every value as a double", async () => {
    const query = await counted(sumBy(["event_type"]), [{ n: 1 }]);
    for (const [format, name] of [
      ["parquet", "Parquet"],
      ["arrow", "Arrow"],
    ] as const) {
      const file = await spooled({ ...query, format });
      const described = await connection.rows<{ name: string; type: string }>({
        sql: `DESCRIBE file('${file}', '${name}')`,
        parameters: {},
      });
      assert.deepEqual(
        described.map((column) => [column.name, column.type]),
        [
          ["window_start", "DateTime64(3, 'UTC')"],
          ["event_type", "Nullable(String)"],
          ["value", "Nullable(Float64)"],
          ["window_end", "DateTime64(3, 'UTC')"],
          ["final", "Bool"],
        ],
      );
    }
  });

  test("that is too large is refused before its first byte", async () => {
    const query = await counted(sumBy(["payload.a"]), [{ n: 1, a: "x".repeat(3000) }]);
    const small = new ClickHouseStore({ connection, clock: systemClock, tableBytesMax: 2 ** 11 });
    const table = await small.windowTable(query, signal);
    await assert.rejects(table.read(signal), { code: "invalid_query", message: /take more than 2048 bytes/ });
  });

  test("and neither are rows that are too large read, of windows or of events", async () => {
    const query = await counted(sumBy(["payload.a"]), [{ n: 1, a: "x".repeat(3000) }]);
    const small = new ClickHouseStore({ connection, clock: systemClock, rowsBytesMax: 2 ** 11 });
    const refusal = { code: "invalid_query", message: /take more than 2048 bytes/ };
    await assert.rejects(small.windows(query), refusal);
    await assert.rejects(small.events({ from: query.from, to: query.to, limit: 10 }), refusal);
  });

  test("that nobody wants any more is not made", async () => {
    const ended = new AbortController();
    const slow = { sql: "SELECT sleepEachRow(1) FROM numbers(60) SETTINGS max_block_size = 1", parameters: {} };
    const asked = connection.bytes(slow, { name: "CSV", settings: {} }, ended.signal);
    const isRunning = async (): Promise<boolean> => {
      const sql =
        "SELECT query FROM system.processes WHERE query LIKE '%sleepEachRow(1)%' AND query NOT LIKE '%processes%'";
      return (await connection.rows({ sql, parameters: {} })).length > 0;
    };
    while (!(await isRunning())) await systemClock.sleep(20);
    ended.abort();
    await assert.rejects(asked, { code: "store_unavailable" });
    while (await isRunning()) await systemClock.sleep(20);
  });

  test("is only read: its statement changes nothing", async () => {
    const change = { sql: "CREATE TABLE canary (a UInt8) ENGINE = Memory --", parameters: {} };
    await assert.rejects(connection.bytes(change, { name: "CSV", settings: {} }, signal), { code: "store_refused" });
  });

  test("that loses the engine on its way fails, and does not end", async () => {
    const large = { sql: "SELECT repeat('x', 1000) FROM numbers(50000)", parameters: {} };
    const stream = await connection.bytes(large, { name: "CSV", settings: {} }, signal);
    await once(stream, "readable");
    process.kill(engine.state().pid!, "SIGKILL");
    await assert.rejects(bytes(stream));
  });
});

function sumBy(group_by: readonly string[]): CheckedRule {
  const parsed = parseRule({ rule_id: "r", window_size: "1m", metric: "sum", field: "payload.n", group_by });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.rule;
}

/** The key is in all of them, but for the last one; so there is a group of nulls as well. */
function payloadOf(keys: readonly string[], value: string, index: number): object {
  const texts = keys.map((key, at) => [key, at === 0 ? value : hostileValues[(index + at) % hostileValues.length]]);
  return { n: numbers[index % numbers.length], ...Object.fromEntries(texts) };
}

const queryOf = (rule: CheckedRule, series: number): TableQuery => ({
  series,
  rule,
  from: 0,
  to: start + 1000 * minute,
  filters: [],
  order: "newest",
  limit: 10_000,
  format: "ndjson",
  finalThrough: start + 3 * minute,
});

/** Stores an event for each payload, and one with nothing but a number, and rolls them up: the query for their windows. */
const counted = (
  rule: CheckedRule,
  payloads: readonly object[],
  everyMs = minute,
  room?: number,
): Promise<TableQuery> =>
  stored(
    rule,
    [...payloads, { n: 2.5 }].map((payload) => JSON.stringify(payload)),
    everyMs,
    room,
  );

async function stored(
  rule: CheckedRule,
  payloads: readonly string[],
  everyMs = minute,
  room?: number,
): Promise<TableQuery> {
  const series = nextSeries++;
  const partition = src(nextSrc++);
  const events = payloads.map((payload, index) => ({
    event_id: `e${index}`,
    event_type: "click",
    user_id: "u",
    timestamp: start + Math.floor(index * everyMs),
    payload,
  }));
  const packed = pack(events);
  const ends = new Uint32Array(packed.count);
  walkPacked(packed, (extent, index) => {
    ends[index] = extent.end;
  });
  await store.insertRaw(partition, [{ from: offset(0), receivedAt: start, events: packed, ends, skip: null }]);
  const range = { src: partition, from: offset(0), to: offset(events.length - 1) };
  const rooms = new Map(room === undefined ? [] : [[series, room]]);
  const plan = planRollup([{ series, rule }], "close", new Set(rooms.keys()));
  await store.rollUp({ range, plan, marks: [{ series: 0, range }], counts: null, rooms });
  return queryOf(rule, series);
}

/** Every format against the list, value by value. */
async function checkFormats(query: TableQuery): Promise<void> {
  const windows = await store.windows(query);
  const marked = query.rule.groupBy.length > 0 && windows.some(({ group }) => group.length === 0);
  const expected = windows.map((row) => listed(row, query, marked));
  for (const format of tableFormats) {
    const { names, rows } = await readBack({ ...query, format });
    const overflow = marked ? ["overflow"] : [];
    const columns = ["window_start", ...query.rule.spec.group_by, "value", "window_end", "final", ...overflow];
    assert.deepEqual(names, columns, format);
    assert.deepEqual(rows, expected, format);
  }
}

/** A row of the JSON answer, as its values in order; as JSON, so that -0 is 0. */
function listed(row: WindowRow, query: TableQuery, marked: boolean): unknown[] {
  const end = endOfSpan(query.rule.window.size, row.windowStart);
  const keys = query.rule.groupBy.map((_, index) => row.group[index] ?? null);
  const values = [formatTime(row.windowStart), ...keys, row.value, formatTime(end), end <= query.finalThrough];
  if (marked) values.push(row.group.length === 0);
  return JSON.parse(JSON.stringify(values)) as unknown[];
}

const parsed = (value: unknown): unknown => JSON.parse(String(value));
/** The text of a scalar as JSON has it, but for the quotes and escapes of a string. */
const plainText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

async function pages(query: TableQuery): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  let asked = query;
  for (;;) {
    const table = await store.windowTable(asked, signal);
    const page = ndjson(await text(await table.read(signal))).rows;
    assert.ok(page.length <= query.limit);
    rows.push(...page);
    if (table.last === undefined) return rows;
    assert.equal(page.length, query.limit);
    asked = { ...query, behind: table.last };
  }
}

async function readBack(query: TableQuery): Promise<Table> {
  const table = await store.windowTable(query, signal);
  const { format } = query;
  if (format === "ndjson") return ndjson(await text(await table.read(signal)));
  if (format === "csv") return csv(await text(await table.read(signal)));
  return typed(await spooled(query), format);
}

async function spooled(query: TableQuery): Promise<string> {
  const table = await store.windowTable(query, signal);
  const name = `table-${randomUUID()}`;
  await writeFile(join(engine.spoolFolder, name), await bytes(await table.read(signal)));
  return name;
}

/** As the engine reads the file; times come without their zone, which another test looks at. */
async function typed(file: string, format: Exclude<TableFormat, "ndjson" | "csv">): Promise<Table> {
  const sql = `SELECT * FROM file('${file}', '${format === "parquet" ? "Parquet" : "Arrow"}')`;
  const settings = { date_time_output_format: "iso", max_threads: 1 };
  const read = await connection.bytes(
    { sql, parameters: {} },
    { name: "JSONCompactEachRowWithNames", settings },
    signal,
  );
  const [names = [], ...rows] = (await text(read))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown[]);
  const inSeconds = (value: unknown, at: number): unknown =>
    at === 0 || at === names.indexOf("window_end") ? String(value).replace(".000Z", "Z") : value;
  return { names: names as string[], rows: rows.map((row) => row.map(inSeconds)) };
}
