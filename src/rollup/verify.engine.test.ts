import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type EmbeddedEngine, openEmbeddedEngine } from "../../test/support/embedded-engine.ts";
import { rawRow } from "../../test/support/raw-rows.ts";
import { offset, src } from "../event/position.ts";
import { parseRule } from "../rule/parse.ts";
import { planRollup } from "./plan.ts";
import { renderRollup } from "./render.ts";
import { renderDifferences } from "./verify.ts";

const start = 1_768_298_400_000;
const range = { src: src(0), from: offset(0), to: offset(1) };
let engine: EmbeddedEngine;
let nextSeries = 16;
let nextSrc = 10;

before(async () => {
  engine = await openEmbeddedEngine();
  const events = [100_000_000, 0.25].map((v, off) =>
    rawRow(
      { event_id: `e${off}`, event_type: "t", user_id: "u", timestamp: start, receivedAt: start, payload: { v } },
      0,
      off,
    ),
  );
  const lines = events.map((row) => JSON.stringify(row)).join("\n");
  await engine.connection.insert("INSERT INTO raw_events FORMAT JSONEachRow", Buffer.from(lines));
});
after(() => engine.close());

/** What is told of the values of a rule over 100000000 and 0.25, when this is added to a column of what is stored. */
async function told(body: object, column?: string, added = "0"): Promise<unknown[]> {
  const parsed = parseRule({ rule_id: "r", window_size: "1m", field: "payload.v", ...body });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const [series, { rule }] = [nextSeries++, parsed];
  await engine.connection.write(
    renderRollup(planRollup([{ series, rule }]), range, { marks: [], counts: null, whole: "weir" }),
  );
  if (column !== undefined)
    await engine.connection.write({
      sql: `INSERT INTO rollups (series, pane, grp, ${column}) SELECT ${series}, toDateTime(${start / 1000}, 'UTC'), [], ${added}`,
      parameters: {},
    });
  const compared = column === "n" ? "events" : "values";
  const rows = await engine.connection.rows<{ stored: string; expected: string }>(
    renderDifferences({ series, rule, ranges: [range], from: 0, limit: 10 }, compared),
  );
  return rows.map(({ stored, expected }) => [stored, expected]);
}

test("what is exact is told when it differs by anything", async () => {
  assert.deepEqual(await told({ metric: "sum", decimals: 2 }), []);
  assert.deepEqual(await told({ metric: "sum", decimals: 2 }, "exact_total", "0.01"), [
    ["100000000.26", "100000000.25"],
  ]);
  assert.deepEqual(await told({ metric: "avg", decimals: 2 }, "exact_total", "0.01"), [
    ["50000000.13", "50000000.125"],
  ]);
  assert.deepEqual(await told({ metric: "max" }, "highest", "100000000.01"), [["100000000.01", "100000000"]]);
  assert.deepEqual(await told({ metric: "min" }, "lowest", "0.24999999999"), [["0.24999999999", "0.25"]]);
  assert.deepEqual(await told({ metric: "max", decimals: 2 }, "exact_highest", "100000000.01"), [
    ["100000000.01", "100000000"],
  ]);
  assert.deepEqual(await told({ metric: "count", field: undefined }, "n", "1"), [["3", "2"]]);
});

test("what has one value however it came together is equal to itself", async () => {
  for (const metric of ["min", "max", "uniq", "uniq_exact", "p50", "p99", "first", "last", "top_k"])
    assert.deepEqual(await told({ metric }), [], metric);
});

test("sums of doubles may differ by what their order changes, and by no more", async () => {
  assert.deepEqual(await told({ metric: "sum" }, "total", "0.01"), []);
  assert.deepEqual(await told({ metric: "avg" }, "total", "-0.01"), []);
  assert.deepEqual(await told({ metric: "sum" }, "total", "1"), [["100000001.25", "100000000.25"]]);
  assert.deepEqual(await told({ metric: "sum" }, "total", "inf"), [["inf", "100000000.25"]]);
});

/** What is told of the values of a rule over numbers that come in several batches, when this is added to its sums. */
async function toldOfBatches(body: object, batches: readonly (readonly number[])[], added = 0): Promise<unknown[]> {
  const at = nextSrc++;
  const rows = batches.flat().map((v, off) => {
    const event = { event_type: "t", user_id: "u", timestamp: start, receivedAt: start, payload: { v, other: -1 } };
    return JSON.stringify(rawRow({ ...event, event_id: `b${off}` }, at, off));
  });
  await engine.connection.insert("INSERT INTO raw_events FORMAT JSONEachRow", Buffer.from(rows.join("\n")));
  const parsed = parseRule({ rule_id: "r", window_size: "1m", field: "payload.v", group_by: ["user_id"], ...body });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const [series, { rule }] = [nextSeries++, parsed];
  const whole = { src: src(at), from: offset(0), to: offset(rows.length - 1) };
  for (const [index, batch] of batches.entries()) {
    const from = batches.slice(0, index).flat().length;
    const range = { ...whole, from: offset(from), to: offset(from + batch.length - 1) };
    await engine.connection.write(
      renderRollup(planRollup([{ series, rule }]), range, { marks: [], counts: null, whole: "weir" }),
    );
  }
  await engine.connection.write({
    sql: `INSERT INTO rollups (series, pane, grp, total) SELECT ${series}, toDateTime(${start / 1000}, 'UTC'), ['u'], ${added}`,
    parameters: {},
  });
  const comparison = { series, rule, ranges: [whole], from: 0, limit: 10 };
  return engine.connection.rows(renderDifferences(comparison, "values"));
}

test("long groups are told as far as there is room for their bytes, and all are counted", async () => {
  const at = nextSrc++;
  const rows = Array.from({ length: 4 }, (_, off) => {
    const event = { event_type: "t", user_id: "u", timestamp: start, receivedAt: start };
    const row = rawRow({ ...event, event_id: `l${off}`, payload: { long: `${off}`.repeat(5000) } }, at, off);
    return JSON.stringify(row);
  });
  await engine.connection.insert("INSERT INTO raw_events FORMAT JSONEachRow", Buffer.from(rows.join("\n")));
  const parsed = parseRule({ rule_id: "r", window_size: "1m", metric: "count", group_by: ["payload.long"] });
  assert.ok(parsed.ok);
  const ranges = [{ src: src(at), from: offset(0), to: offset(3) }];
  const comparison = { series: nextSeries++, rule: parsed.rule, ranges, from: 0, limit: 10 };
  const told = async (bytesMax?: number): Promise<unknown[]> => {
    const statement = renderDifferences({ ...comparison, ...(bytesMax && { bytesMax }) }, "events");
    const found = await engine.connection.rows<{ grp: string; different: number }>(statement);
    return found.map(({ grp, different }) => [grp.slice(0, 5), different]);
  };
  assert.deepEqual(await told(12_000), [
    ['["000', 4],
    ['["111', 4],
  ]);
  assert.deepEqual(await told(1), [['["000', 4]], "else it would be said that nothing differs");
  assert.equal((await told()).length, 4);
});

test("sums of doubles that cancel out may differ by what was added, and not by what is left of it", async () => {
  const canceling = [[0.1], [0.2, -0.3]];
  const filter = "payload.other < 0.0";
  for (const body of [{ metric: "avg" }, { metric: "sum", filter }]) {
    assert.deepEqual(await toldOfBatches(body, canceling), []);
    assert.equal((await toldOfBatches(body, canceling, 1e-8)).length, 1, "more than the order can do");
  }
  const negative = [[-1e6], [-0.1, -0.2]];
  assert.deepEqual(await toldOfBatches({ metric: "sum" }, negative, 1e-4), []);
  assert.equal((await toldOfBatches({ metric: "sum" }, negative, 1e-2)).length, 1);
});

test("where the order decides whether a sum is a double at all, nothing is told", async () => {
  const large = [[1.7e308, 1.7e308], [-1.7e308]];
  assert.deepEqual(await toldOfBatches({ metric: "sum" }, large), []);
  assert.deepEqual(await toldOfBatches({ metric: "sum" }, large.toReversed()), []);
});

test("of more different values than top_k keeps nothing is told: which they are depends on how states were merged", async () => {
  const told = async (at: number, different: number): Promise<number> => {
    // Some often, and each of the others as often as it has to be for the last ten to be contested.
    await engine.connection.write({
      sql: `INSERT INTO raw_events SELECT {src:UInt16}, number, toDateTime64(${start / 1000}, 3, 'UTC'), toDateTime64(${start / 1000}, 3, 'UTC'),
        toString(number), 't', 'u', concat('{"v":"', toString(cityHash64(number) % {different:UInt32}), '"}') FROM numbers(20000)`,
      parameters: { src: at, different },
    });
    const parsed = parseRule({ rule_id: "r", window_size: "1d", metric: "top_k", field: "payload.v" });
    assert.ok(parsed.ok);
    const [series, { rule }] = [nextSeries++, parsed];
    const whole = { src: src(at), from: offset(0), to: offset(19_999) };
    for (let from = 0; from < 20_000; from += 2000)
      await engine.connection.write(
        renderRollup(
          planRollup([{ series, rule }]),
          { ...whole, from: offset(from), to: offset(from + 1999) },
          { marks: [], counts: null, whole: "weir" },
        ),
      );
    const comparison = { series, rule, ranges: [whole], from: 0, limit: 10 };
    return (await engine.connection.rows(renderDifferences(comparison, "values"))).length;
  };
  assert.deepEqual([await told(1, 5000), await told(2, 900)], [0, 0]);
});
