/*
 * What it costs to know a repeated id: in memory while it is among the latest, by a look-up in the store later.
 * `node bench/repeats.bench.ts`, a minute. For docs/decisions/0006.
 */
import { offset, src } from "../src/event/position.ts";
import { RecentIds } from "../src/processor/recent-ids.ts";
import { findIds } from "../src/store/clickhouse/find-ids.ts";
import { openEmbeddedEngine } from "../test/support/embedded-engine.ts";
import { usage } from "./lib/meter.ts";
import { table } from "./lib/report.ts";

const storedEvents = 10_000_000;
const batch = 20_000;
const begin = Date.UTC(2026, 0, 1);
const idOf = (index: number): string => `event-${index}`;
const timeOf = (index: number): number => begin + index * 100;

console.log(table(["in memory: ids", "µs an id", "bytes an id"], [remembered(1_000_000), remembered(4_000_000)]));
const engine = await openEmbeddedEngine();
await engine.connection.write({
  sql: `INSERT INTO raw_events (src, off, received_at, timestamp, event_id, event_type, user_id, payload)
    SELECT 0, number, now64(3), fromUnixTimestamp64Milli(toInt64(${begin} + number * 100)), concat('event-', toString(number)), 'click',
      concat('user-', toString(number % 100000)), '{"price":1}' FROM numbers(${storedEvents})`,
  parameters: {},
});
const rows = [
  await lookedUp("an import of what is older than all that is stored", 400_000, (n) => -1 - n),
  await lookedUp("a day that was imported comes again, in its order", 400_000, (n) => 5_000_000 + n),
  await lookedUp("ids from all over eleven days, in no order", 20_000, scattered),
];
console.log(
  table(["in the store, 10,000,000 events in eleven days", "look-ups a second", "engine's processor, µs an id"], rows),
);
await engine.close();

function remembered(count: number): string[] {
  const before = process.memoryUsage().arrayBuffers;
  const ids = new RecentIds({ idsMax: count, seed: 7 });
  const bytes = Array.from({ length: 1000 }, (_, index) => Buffer.from(`event-${index}-0000000`));
  const started = performance.now();
  for (let index = 0; index < count; index++) {
    const id = bytes[index % bytes.length]!;
    id.writeUInt32LE(index, id.length - 7);
    ids.take(id, 0, id.length, timeOf(index));
    if (index % 10_000 === 0) ids.makeRoom().toArray();
  }
  const spent = (performance.now() - started) * 1000;
  const held = process.memoryUsage().arrayBuffers - before;
  return [count.toLocaleString("en"), (spent / count).toFixed(2), (held / count).toFixed(0)];
}

/** Ids are looked up as batches of 20,000 events ask for them. */
async function lookedUp(what: string, count: number, indexOf: (n: number) => number): Promise<string[]> {
  const before = await usage(process.pid);
  const started = performance.now();
  for (let at = 0; at < count; at += batch) {
    const indices = Array.from({ length: batch }, (_, index) => indexOf(at + index));
    const keys = indices.map((index) => ({ event_id: idOf(index), timestamp: timeOf(index) }));
    const found = await findIds((one) => engine.connection.columns(one), src(0), keys, offset(storedEvents));
    const wanted = indices.filter((index) => index >= 0).length;
    if (found.length !== wanted) throw new Error(`${found.length} of ${wanted} were found`);
  }
  const seconds = (performance.now() - started) / 1000;
  const cpu = (await usage(process.pid)).engineCpu - before.engineCpu;
  return [what, Math.round(count / seconds).toLocaleString("en"), ((cpu / count) * 1e6).toFixed(0)];
}

function scattered(n: number): number {
  return (n * 7_919_993) % storedEvents;
}
