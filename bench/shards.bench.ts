/*
 * What it costs to read through the tables that are over several servers, beside reading the same rows on one: two databases of one
 * engine are the two servers, so that nothing but the statements differs. `node bench/shards.bench.ts`, a minute. For
 * docs/decisions/0042.
 */
import { playedCluster, startPlayedShards } from "../test/support/played-shards.ts";
import { serverStore } from "../test/support/server-store.ts";
import { countByType } from "../src/store/store-samples.suite.ts";
import { ShardedStore } from "../src/store/clickhouse/sharded-store.ts";
import type { Store, WindowQuery } from "../src/store/store.ts";
import { Durations } from "./lib/latency.ts";
import { ms, table } from "./lib/report.ts";

const [times, minutes, groups] = [100, 600, 200];
const start = Date.UTC(2026, 0, 13);
const series = 20;
const servers = await startPlayedShards();
const each = servers.urls.map((url, index) =>
  serverStore({ ...servers, url }, "bench", { shard: { index, count: 2, cluster: playedCluster } }),
);
const alone = serverStore(servers, "bench_alone");
const shared = new ShardedStore(each.map(({ store }) => store));
const signal = new AbortController().signal;
for (const store of [alone.store, shared]) await store.open(signal);
for (const { connection } of [alone, alone, ...each])
  await connection.write({
    sql: `INSERT INTO rollups (series, pane, grp, n) SELECT ${series}, toDateTime(${start / 1000} + 60 * intDiv(number, ${groups}), 'UTC'),
      ['group ' || toString(number % ${groups})], 1 FROM numbers(${minutes * groups})`,
    parameters: {},
  });

const rows: string[][] = [];
for (const [what, of] of [
  ["the newest minute, 200 groups", 1],
  ["the newest ten minutes, 2,000 rows", 10],
  ["an hour, 12,000 rows", 60],
] as const) {
  const [one, two] = [await measured(alone.store, of), await measured(shared, of)];
  rows.push([what, ms(one), ms(two), (two / one).toFixed(2)]);
}
console.log(table(["windows", "one server, p50", "two, p50", "ratio"], rows));
await Promise.all([alone.store.close(), shared.close()]);
await servers.close();

async function measured(store: Store, minutesRead: number): Promise<number> {
  const to = start + minutes * 60_000;
  const span = { from: to - minutesRead * 60_000, to };
  const query: WindowQuery = { series, rule: countByType, filters: [], order: "newest", limit: 100_000, ...span };
  const durations = new Durations();
  for (let run = -10; run < times; run++) {
    const started = performance.now();
    const found = await store.windows(query);
    if (found.length !== minutesRead * groups) throw new Error(`${found.length} windows`);
    if (run >= 0) durations.add(performance.now() - started);
  }
  return durations.summary().p50;
}
