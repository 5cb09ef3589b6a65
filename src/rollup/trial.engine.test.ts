import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { OracleEvent } from "../../test/oracle/model.ts";
import { scenario } from "../../test/oracle/scenarios.ts";
import { openEmbeddedEngine } from "../../test/support/embedded-engine.ts";
import { rawRow } from "../../test/support/raw-rows.ts";
import { hostileKeys, hostileValues } from "../../test/support/hostile.ts";
import { type OffsetRange, offset, src } from "../event/position.ts";
import { parseRule } from "../rule/parse.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { planRollup } from "./plan.ts";
import { renderSeriesCounts, renderWindows } from "./read.ts";
import { renderRollup } from "./render.ts";
import { overTrial, renderTrialCounts, renderTrialEvents, trialWindows } from "./trial.ts";

const rounds = Number(process.env["WEIR_ROUNDS"] ?? 8);
const seed = Number(process.env["WEIR_SEED"] ?? Date.now() % 0x7fff_ffff);
const endOfTime = 4_294_967_295_000;
const windowsMax = 1000;

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;
let nextSrc = 0;
let nextSeries = 16;

before(async () => {
  engine = await openEmbeddedEngine();
});
after(() => engine.close());

test("a trial of any rule over any events answers what the rule answers once it is stored", async (t) => {
  t.diagnostic(`WEIR_SEED=${seed}, ${rounds} rounds`);
  await fc.assert(
    fc.asyncProperty(scenario, async (one) => {
      const ranges = await insert(one.events);
      for (const rule of one.rules.map(checked)) await compare(rule, ranges);
    }),
    { numRuns: rounds, seed, endOnFailure: true },
  );
});

test("what a rule names reaches the engine as values alone", async () => {
  const events = hostileKeys.map((key, index) => ({
    ...{ event_id: key, event_type: key, user_id: key, timestamp: 1_768_298_400_000, receivedAt: 1_768_298_400_000 },
    payload: { [key]: hostileValues[index % hostileValues.length] },
  }));
  const ranges = await insert(events);
  for (const key of hostileKeys) {
    const path = `payload[${JSON.stringify(key)}]`;
    const filter = `${path} != ${JSON.stringify("'); DROP TABLE raw_events; --")}`;
    await compare(
      checked({ rule_id: "r", window_size: "1m", metric: "first", field: path, group_by: [path], filter }),
      ranges,
    );
  }
});

async function compare(rule: CheckedRule, ranges: readonly OffsetRange[]): Promise<void> {
  const windows = await engine.connection.rows(
    overTrial(renderWindows(trialWindows(rule, windowsMax)), { rule, ranges }),
  );
  const [counts] = await engine.connection.rows<Record<string, number>>(renderTrialCounts({ rule, ranges }, 0));
  const series = nextSeries++;
  for (const range of ranges) {
    const marks = [{ key: `${series}:${range.src}` }];
    await engine.connection.write(
      renderRollup(planRollup([{ series, rule }]), range, { marks, counts: null, whole: "weir" }),
    );
  }
  const query = { series, rule, from: 0, to: endOfTime, filters: [], order: "newest", limit: windowsMax } as const;
  assert.deepEqual(windows, await engine.connection.rows(renderWindows(query)));
  const [stored] = await engine.connection.rows<Record<string, number>>(renderSeriesCounts(series));
  const { skipped, late, groups, entered } = counts!;
  // What has no group, the table counts as events.
  const own = rule.groupBy.length > 0 ? { groups, ungrouped: 0 } : { groups: 0, ungrouped: entered };
  assert.deepEqual({ skipped, late, ...own }, stored);
}

/** Every second event in one partition, the others in another; the ranges that they are. */
async function insert(events: readonly OracleEvent[]): Promise<readonly OffsetRange[]> {
  const sources = [nextSrc++, nextSrc++];
  const rows = events.map((event, index) => JSON.stringify(rawRow(event, sources[index % 2]!, index)));
  if (rows.length > 0)
    await engine.connection.insert("INSERT INTO raw_events FORMAT JSONEachRow", Buffer.from(rows.join("\n")));
  const ranges = sources.map((one) => ({ src: src(one), from: offset(0), to: offset(events.length) }));
  const [found] = await engine.connection.rows<{ events: number }>(renderTrialEvents({ ranges }));
  assert.equal(found?.events, events.length);
  return ranges;
}

function checked(body: object): CheckedRule {
  const parsed = parseRule(body);
  assert.ok(parsed.ok, `a generated rule is refused: ${JSON.stringify(parsed)}`);
  return parsed.rule;
}
