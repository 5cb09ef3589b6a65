/*
 * What rules save by sharing a statement: a batch of 50,000 events through all of them at once, and through each of them
 * by itself (some of them, and so many times as there are). `node bench/sharing.bench.ts`, two minutes. For docs/benchmarks.md.
 */
import { offset, src } from "../src/event/position.ts";
import { systemClock } from "../src/lib/clock.ts";
import { planRollup, type RollupTarget } from "../src/rollup/plan.ts";
import { parseRule } from "../src/rule/parse.ts";
import { ClickHouseStore } from "../src/store/clickhouse/clickhouse-store.ts";
import { openEmbeddedEngine } from "../test/support/embedded-engine.ts";
import { rawRow } from "../test/support/raw-rows.ts";
import { manyRules } from "./lib/many-rules.ts";
import { usage } from "./lib/meter.ts";
import { table, whole } from "./lib/report.ts";
import { wireRule } from "./lib/rules.ts";
import { shapeEvents } from "./load/shape.ts";

const events = 50_000;
const aloneMax = 40;
const engine = await openEmbeddedEngine();
const store = new ClickHouseStore({ connection: engine.connection, clock: systemClock });
const range = { src: src(0), from: offset(0), to: offset(events - 1) };
let marked = 0;
await insertEvents();

const rows: string[][] = [];
for (const count of [10, 100, 1000, 10_000]) rows.push(await measured(manyRules(count).map(target)));
console.log(table(["rules", "together: engine's processor, ms", "each by itself, ms", "saved"], rows));
await engine.close();

async function measured(targets: readonly RollupTarget[]): Promise<string[]> {
  const together = await costOf([targets]);
  const some = targets.filter((_, index) => index % Math.ceil(targets.length / aloneMax) === 0);
  const apart = ((await costOf(some.map((one) => [one]))) * targets.length) / some.length;
  return [whole(targets.length), whole(together), whole(apart), `${(100 * (1 - together / apart)).toFixed(1)} %`];
}

/** Of one statement for each list of rules. The first run is not measured. */
async function costOf(lists: readonly (readonly RollupTarget[])[]): Promise<number> {
  const plans = lists.map((targets) => planRollup(targets, "close"));
  const run = async (): Promise<void> => {
    for (const plan of plans) {
      const mark = { series: 0, range: { ...range, from: offset(marked), to: offset(marked++) } };
      await store.rollUp({ range, plan, marks: [mark], counts: null });
    }
  };
  await run();
  const before = await usage(process.pid);
  await run();
  return ((await usage(process.pid)).engineCpu - before.engineCpu) * 1000;
}

async function insertEvents(): Promise<void> {
  const receivedAt = Date.parse("2026-01-17T12:00:00Z");
  const rows = shapeEvents({ seed: 1, bodies: 1, eventsPerRequest: events }, 0).map((one, off) => {
    const payload = { product_id: one.product, price: one.cents / 100, country: one.country };
    const event = { event_id: one.idTail, event_type: one.type, user_id: one.user, payload };
    return JSON.stringify(rawRow({ ...event, timestamp: receivedAt + one.millis, receivedAt }, 0, off));
  });
  await engine.connection.insert("INSERT INTO raw_events FORMAT JSONEachRow", Buffer.from(rows.join("\n")));
}

function target(rule: Parameters<typeof wireRule>[0], index: number): RollupTarget {
  const parsed = parseRule(wireRule(rule));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { series: 16 + index, rule: parsed.rule };
}
