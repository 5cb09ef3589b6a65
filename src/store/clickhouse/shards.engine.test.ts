import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import {
  type PlayedShards,
  brokenCluster,
  playedCluster,
  startPlayedShards,
} from "../../../test/support/played-shards.ts";
import { type ServerStore, serverStore } from "../../../test/support/server-store.ts";
import { offset, src } from "../../event/position.ts";
import { planRollup } from "../../rollup/plan.ts";
import { countByType, event, piece, range, start } from "../store-samples.suite.ts";
import { storeSuite } from "../store.suite.ts";
import { ShardedStore } from "./sharded-store.ts";

let servers: PlayedShards;
/** What several servers are asked for beyond what one is, and the rights that it takes. */
const needed = new Set<string>();
const needs: Readonly<Record<string, (statement: string, database: string) => boolean>> = {
  "SELECT ON weir_whole.*": (statement, database) =>
    database.endsWith("_whole") || /\{whole:Identifier\}/.test(statement),
  "CREATE TABLE ON weir_whole.*": (statement) => /^CREATE TABLE IF NOT EXISTS `\w+_whole`/.test(statement),
  "ALTER ADD COLUMN ON weir_whole.*": (statement) => /^ALTER TABLE `\w+_whole`\.\w+ ADD COLUMN/.test(statement),
  "SELECT ON system.clusters": (statement) => statement.includes("system.clusters"),
  "REMOTE ON *.*": (statement) => statement.includes("ENGINE = Distributed("),
};
const signal = new AbortController().signal;

before(async () => {
  servers = await startPlayedShards(2, (statement, database) => {
    for (const [need, isIn] of Object.entries(needs)) if (isIn(statement, database)) needed.add(need);
  });
});
after(() => servers.close());

/** Each of the servers, as one process has it; the first address is that of the first. */
const connected = (database: string, urls: readonly string[] = servers.urls): ServerStore[] =>
  urls.map((url, index) => {
    const shard = urls.length === 1 ? null : { index, count: urls.length, cluster: playedCluster };
    return serverStore({ ...servers, url }, database, { shard });
  });

async function on<T>(
  database: string,
  work: (store: ShardedStore, each: readonly ServerStore[]) => Promise<T>,
  urls?: readonly string[],
): Promise<T> {
  const each = connected(database, urls);
  const store = new ShardedStore(each.map((one) => one.store));
  try {
    return await work(store, each);
  } finally {
    await store.close();
  }
}

storeSuite("ClickHouse as two servers that share the partitions", async () => {
  const store = new ShardedStore(connected("weir").map((one) => one.store));
  return { store, cleanup: () => store.close() };
});

const minute = 60_000;
const all = { filters: [], order: "newest", limit: 100 } as const;

/** An event of each of these types at partition `of`, in the nth minute, counted for a series that is bounded. */
async function counted(
  store: ShardedStore,
  of: number,
  nth: number,
  types: readonly string[],
  room: number,
): Promise<void> {
  const at = range(of, nth * 10, nth * 10 + types.length - 1);
  const timestamp = start + nth * minute;
  const events = types.map((event_type, index) => event(`${of}-${nth}-${index}`, { event_type, timestamp }));
  await store.insertRaw(src(of), [piece(nth * 10, events)]);
  await store.rollUp({
    ...{ range: at, plan: planRollup([{ series: 20, rule: countByType }], "close", new Set([20])) },
    ...{ marks: [{ series: 0, range: at }], rooms: new Map([[20, room]]) },
    counts: { events: types.length, duplicates: 0 },
  });
}

const windowsOf = async (store: ShardedStore): Promise<unknown[][]> =>
  (await store.windows({ ...all, series: 20, rule: countByType, from: 0, to: start + 60 * minute }))
    .map(({ windowStart, group, value }) => [(windowStart - start) / minute, ...group, value])
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test("each server has its own partitions alone, and all of them are read at any", () =>
  on("apart", async (store, each) => {
    await store.open(signal);
    for (const at of [0, 1, 2, 3]) await counted(store, at, at, ["click", "view"], 9);
    const own = await Promise.all(
      each.map(({ connection }) =>
        connection.rows({ sql: "SELECT DISTINCT src FROM raw_events ORDER BY src", parameters: {} }),
      ),
    );
    assert.deepEqual(own, [
      [{ src: 0 }, { src: 2 }],
      [{ src: 1 }, { src: 3 }],
    ]);
    for (const { store: one } of each) assert.equal((await one.totals()).events, 8);
    assert.equal((await store.events({ from: 0, to: start + 60 * minute, limit: 100 })).length, 8);
    const query = { rule: countByType, eventsMax: 100, limit: 100, keptFrom: 0 };
    const trial = await store.tryOut(query, signal);
    assert.deepEqual([trial.events, trial.groups, trial.windows.length], [8, 2, 8]);
  }));

test("a group that is listed on one server is so for the other, and stays as long as either has rows of it", () =>
  on("lists", async (store) => {
    await store.open(signal);
    await counted(store, 0, 1, ["a"], 1);
    await counted(store, 1, 2, ["a", "b"], 0);
    assert.deepEqual(await windowsOf(store), [
      [1, "a", 1],
      [2, "a", 1],
      [2, 1],
    ]);
    const listed = async (to = 0): Promise<number | undefined> =>
      (await store.listGroups([{ series: 20, from: start, to }])).get(20);
    assert.deepEqual([await listed(), await listed(start + 10 * minute)], [1, 1]);
    const drop = (nth: number) => store.dropWindows([{ series: 20, before: start + nth * minute }]);
    assert.deepEqual(await drop(2), [20]);
    assert.equal(await listed(), 1);
    assert.deepEqual(await drop(3), [20]);
    assert.equal(await listed(), 0);
    assert.deepEqual(await drop(3), []);
  }));

test("windows that differ from the raw rows of their server are told, and those of a group on both are put together", () =>
  on("compared", async (store, each) => {
    await store.open(signal);
    for (const at of [0, 1]) await counted(store, at, 5, ["a", "b"], 9);
    assert.deepEqual(await windowsOf(store), [
      [5, "a", 2],
      [5, "b", 2],
    ]);
    const ranges = [0, 1].map((at) => range(at, 50, 51));
    const compared = () =>
      store.compare({ series: 20, rule: countByType, ranges, from: 0, limit: 10 }, "events", signal);
    assert.equal((await compared()).different, 0);
    const sql = `INSERT INTO rollups (series, pane, grp, n) SELECT 20, toDateTime(${start / 1000} + 300, 'UTC'), ['b'], 1`;
    await each[1]!.connection.write({ sql, parameters: {} });
    const { different, rows } = await compared();
    assert.deepEqual([different, rows[0]?.group, rows[0]?.stored, rows[0]?.expected], [1, ["b"], "3", "2"]);
  }));

describe("which servers they are", () => {
  const refused = (urls: readonly string[], what: RegExp, database = "noted") =>
    on(database, (store) => assert.rejects(store.open(signal), what), urls);
  const write = ({ connection }: ServerStore, sql: string) => connection.write({ sql, parameters: {} });

  test("is noted at the first start, and others are refused afterwards", async () => {
    const [one, two] = [servers.urls[0]!, servers.urls[1]!];
    await on("noted", (store) => store.open(signal));
    await on("noted", (store) => store.open(signal));
    await refused([two, one], /is that of server 2 of 2, and --clickhouse-url makes it server 1 of 2/);
    await refused([one, one], /is that of server 1 of 2, and --clickhouse-url makes it server 2 of 2/);
    await refused([one], /is that of server 1 of 2, and --clickhouse-url makes it the only server/);
    await refused([one, two, two], /the cluster played: .* has 2 shards in it, and --clickhouse-url has 3 addresses/);
  });

  test("of several that start for the first time in different orders all but one are refused", async () => {
    const [one, two] = [servers.urls[0]!, servers.urls[1]!];
    const started = await Promise.allSettled(
      [
        [one, two],
        [two, one],
        [one, two],
      ].map((urls) => on("orders", (store) => store.open(signal), urls)),
    );
    assert.ok(started.some(({ status }) => status === "rejected"));
    const again = await Promise.allSettled(
      [
        [one, two],
        [two, one],
      ].map((urls) => on("orders", (store) => store.open(signal), urls)),
    );
    assert.ok(again.filter(({ status }) => status === "fulfilled").length <= 1);
  });

  test("a database that a single server has counted in is not made one of two, and its companion is left as it was", async () => {
    const [one, two] = [servers.urls[0]!, servers.urls[1]!];
    const alone = (store: ShardedStore) => store.open(signal).then(() => store.takeOver(src(0)));
    await on("single", alone, [one]);
    await on("single", (store) => store.open(signal), [one]);
    await refused([two, one], /is that of the only server, and --clickhouse-url makes it server 2 of 2/, "single");
    await on("single", (store) => store.open(signal), [two]);
  });

  test("one that is new beside one that has counted is refused", () =>
    on("renewed", async (store, each) => {
      await store.open(signal);
      await counted(store, 0, 1, ["a"], 1);
      for (const table of ["shard", "claims", "raw_events", "rollups", "schema_steps"])
        await write(each[1]!, `DROP TABLE ${table} SYNC`);
      await assert.rejects(store.open(signal), /renewed at .* is new, and that at .* has counted/);
    }));

  test("a cluster that reads other servers than those that are written is refused", () =>
    on("elsewhere", async (store, each) => {
      await store.open(signal);
      const [own, other] = [
        "SELECT * FROM elsewhere_1.shard WHERE shardNum() = 1",
        "SELECT 1, 2, generateUUIDv4(), now64(6)",
      ];
      await write(each[0]!, `CREATE OR REPLACE VIEW elsewhere.shard AS ${own} UNION ALL ${other} WHERE shardNum() = 2`);
      await assert.rejects(store.open(signal), /by its cluster played ClickHouse at .* reads not server 2 of the 2/);
    }));

  test("another cluster than that by which they were read is refused, with what to do", () =>
    on("renamed", async (store, each) => {
      await store.open(signal);
      await write(each[0]!, "DROP TABLE renamed_whole.rejects SYNC");
      await write(
        each[0]!,
        "CREATE TABLE renamed_whole.rejects AS renamed.rejects ENGINE = Distributed('broken', 'renamed', 'rejects')",
      );
      await assert.rejects(
        store.open(signal),
        /Distributed\('broken', .*, and has to be Distributed\('played', .*drop the database renamed_whole/,
      );
    }));
});

test("what reads all of them gets the tables and columns that come later", () =>
  on("later", async (store, each) => {
    await store.open(signal);
    const [{ connection }] = each as [ServerStore];
    for (const sql of [`ALTER TABLE later_whole.rollups DROP COLUMN late`, "DROP TABLE later_whole.rejects"])
      await connection.write({ sql, parameters: {} });
    await store.open(signal);
    assert.equal((await store.seriesCounts([20])).get(20)?.late, 0);
    assert.deepEqual(await store.rejects({ limit: 1 }), []);
    assert.deepEqual(await store.storedOffsets(src(1), offset(0)), []);
  }));

test("with one of them away nobody is answered by the others alone", () =>
  on("away", async (store, each) => {
    await store.open(signal);
    for (const at of [0, 1]) await counted(store, at, 1, ["a"], 1);
    const [{ connection }] = each as [ServerStore];
    for (const table of ["rollups", "raw_events"])
      for (const sql of [
        `DROP TABLE away_whole.${table} SYNC`,
        `CREATE TABLE away_whole.${table} AS away.${table} ENGINE = Distributed('${brokenCluster}', 'away', '${table}')`,
      ])
        await connection.write({ sql, parameters: {} });
    const unavailable = { code: "store_unavailable", canRetry: true };
    await assert.rejects(windowsOf(store), unavailable);
    await assert.rejects(store.totals(), unavailable);
    await assert.rejects(store.events({ from: 0, to: start + 60 * minute, limit: 1 }), unavailable);
    assert.deepEqual(await store.storedOffsets(src(0), offset(0)), [10]);
  }));

test("the documented grants cover what is asked of several servers, and nothing else", () => {
  const page = readFileSync(new URL("../../../docs/operating.md", import.meta.url), "utf8");
  const [, section = ""] = page.split("### Several ClickHouse servers");
  const granted = [...section.matchAll(/^GRANT (.+) ON (\S+) TO weir;$/gm)].flatMap(([, rights = "", on]) =>
    rights.split(", ").map((right) => `${right} ON ${on}`),
  );
  assert.deepEqual(granted.toSorted(), [...needed].toSorted());
});
