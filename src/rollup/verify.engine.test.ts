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
  await engine.connection.write(renderRollup(planRollup([{ series, rule }]), range, { marks: [], counts: null }));
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
          { marks: [], counts: null },
        ),
      );
    const comparison = { series, rule, ranges: [whole], from: 0, limit: 10 };
    return (await engine.connection.rows(renderDifferences(comparison, "values"))).length;
  };
  assert.deepEqual([await told(1, 5000), await told(2, 900)], [0, 0]);
});
