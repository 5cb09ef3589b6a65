import { randomInt, randomUUID } from "node:crypto";
import type { Computing } from "../assembly/health.ts";
import type { Config } from "../config/options.ts";
import type { Clock } from "../lib/clock.ts";
import { Closers } from "../lib/closers.ts";
import { lockDataDir } from "../lib/datadir.ts";
import type { Logger } from "../observe/logger.ts";
import { Claims } from "../store/clickhouse/claims.ts";
import { ClickHouseStore } from "../store/clickhouse/clickhouse-store.ts";
import { Connection } from "../store/clickhouse/connection.ts";
import type { ConnectionOptions } from "../store/clickhouse/connection.ts";
import { DamageWatch } from "../store/clickhouse/damage-watch.ts";
import { startEngine } from "../store/clickhouse/engine/engine.ts";
import { type Shard, embeddedFacts, serverFacts } from "../store/clickhouse/facts.ts";
import { ServerWatch } from "../store/clickhouse/server-watch.ts";
import { ShardedStore } from "../store/clickhouse/sharded-store.ts";
import { wholeOf } from "../store/clickhouse/shards.ts";
import type { Store } from "../store/store.ts";
import { certificatesIn } from "./certificates.ts";

/** A server that the store is on, or the embedded engine. */
export interface StoreServer {
  readonly connection: ConnectionOptions;
  readonly damages: DamageWatch;
  /** How often it was there again. */
  readonly restarts: () => number;
}

/** What the store is on: a child of ours, a server that somebody else runs, or several of them that share the partitions. */
export interface StoreHost extends Computing {
  /** At least one. */
  readonly servers: readonly StoreServer[];
  damagedParts(): number;
  /** Calls `listener` whenever nothing of a server is damaged any more, as far as is known. */
  onMended(listener: () => void): void;
}

export interface StoreDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  /** Ends the waiting for a server that is not there. */
  readonly signal?: AbortSignal;
}

/** With an address of a server nothing is started. */
export async function startHost(config: Config, deps: StoreDeps, closers: Closers): Promise<StoreHost> {
  if (config.clickhouseUrl !== null) return watchServers(config, config.clickhouseUrl, deps, closers);
  return startEmbedded(config, deps, closers);
}

async function startEmbedded(config: Config, { clock, logger }: StoreDeps, closers: Closers): Promise<StoreHost> {
  const { dataDir, engineReadonlyPort, engineMemoryMaxBytes } = config;
  const engine = await startEngine({
    dataDir,
    clock,
    readonlyPort: engineReadonlyPort,
    memoryMax: engineMemoryMaxBytes,
    log: (level, message, facts) => logger[level]({ part: "engine", ...facts }, message),
  });
  closers.add("engine", () => engine.stop());
  const { username, password } = engine;
  const facts = embeddedFacts(engine.spoolFolder, engineMemoryMaxBytes);
  const damages = damageWatch(logger);
  const connection: ConnectionOptions = {
    ...{ url: () => engine.url(), username, password, database: "weir", requestTimeoutMs, newId: randomUUID },
    facts,
    failed: damages.failed,
    hasRoom: () => engine.hasRoom(),
    life: { answering: () => engine.state().answering, onSilence: (listener) => engine.onSilence(listener) },
  };
  return {
    ...hostOf([{ connection, damages, restarts: () => engine.state().restarts }]),
    state: () => engine.state(),
    describe: () => undefined,
    whyAway: "is away; it is being started again",
    questionsAtOnce: facts.questionsAtOnce,
  };
}

/** What is the same of all of them. */
const hostOf = (
  servers: readonly StoreServer[],
): Pick<StoreHost, "servers" | "damage" | "damagedParts" | "onMended"> => ({
  servers,
  damage: () => joined(servers.map(({ damages }) => damages.describe())),
  damagedParts: () => servers.reduce((all, { damages }) => all + damages.count, 0),
  onMended: (listener) => {
    for (const { damages } of servers) damages.onMended(listener);
  },
});

const joined = (texts: readonly (string | undefined)[]): string | undefined => {
  const told = texts.filter((text) => text !== undefined);
  return told.length === 0 ? undefined : told.join("; ");
};

const requestTimeoutMs = 300_000;

function watchServers(config: Config, urls: readonly string[], deps: StoreDeps, closers: Closers): StoreHost {
  const watched = urls.map((url, index) => watchServer(config, { url, shard: shardOf(config, index) }, deps, closers));
  return {
    ...hostOf(watched.map(({ server }) => server)),
    state: () => {
      const answering = watched.every(({ watch }) => watch.answering());
      const restarts = watched.reduce((all, { watch }) => all + watch.returns, 0);
      return { up: answering, answering, isLowOnDisk: false, restarts };
    },
    describe: () => joined(watched.flatMap(({ watch, server }) => [watch.describe(), server.damages.doubts()])),
    whyAway: `${watched.length === 1 ? "does not answer; it" : "does not answer, or one of its servers does not; each"} is asked again every second`,
    questionsAtOnce: watched[0]!.server.connection.facts.questionsAtOnce,
  };
}

function shardOf({ clickhouseUrl, clickhouseShards }: Config, index: number): Shard | null {
  if (clickhouseUrl === null || clickhouseShards === null) return null;
  return { index, count: clickhouseUrl.length, cluster: clickhouseShards };
}

function watchServer(
  config: Config,
  { url, shard }: { readonly url: string; readonly shard: Shard | null },
  { clock, logger }: StoreDeps,
  closers: Closers,
): { readonly watch: ServerWatch; readonly server: StoreServer } {
  const { clickhouseUser, clickhousePassword, clickhouseDatabase: database, clickhouseCa, clickhouseCluster } = config;
  const shared: ConnectionOptions = {
    ...{ url: () => url, username: clickhouseUser, password: clickhousePassword ?? "", database },
    ...{ requestTimeoutMs, newId: randomUUID, facts: serverFacts(clickhouseCluster, shard) },
    ...(shard === null ? {} : { whole: wholeOf(database) }),
    ...(clickhouseCa === null ? {} : { ca: certificatesIn("--clickhouse-ca", clickhouseCa) }),
  };
  const watch = new ServerWatch({
    probe: new Connection(shared),
    clock,
    log: (level, message, facts) => logger[level]({ part: "store", ...facts }, message),
  });
  watch.start();
  closers.add("watch of the ClickHouse server", () => watch.stop());
  const damages = damageWatch(logger);
  const connection = { ...shared, failed: damages.failed, life: watch };
  return { watch, server: { connection, damages, restarts: () => watch.returns } };
}

const damageWatch = (logger: Logger): DamageWatch =>
  new DamageWatch({ log: (level, message, facts) => logger[level]({ part: "store", damaged: facts }, message) });

/** How a store is opened. */
interface Opened {
  readonly migrate: boolean;
  readonly applied?: (what: string) => void;
}

/** Resolves when the store can be used. */
export async function openStoreOn(
  { servers }: StoreHost,
  how: Opened,
  deps: StoreDeps,
  closers: Closers,
): Promise<Store> {
  const { signal = new AbortController().signal } = deps;
  const all = servers.map((server) => storeOn(server, how, deps));
  // Each process reads the whole by a server of its own choice, so that of many none has all of it to do.
  const store =
    all.length === 1
      ? all[0]!.store
      : new ShardedStore(
          all.map((one) => one.store),
          randomInt(all.length),
        );
  closers.add("store", () => store.close());
  await store.open(signal);
  for (const [index, { connection }] of all.entries()) {
    const { damages, restarts } = servers[index]!;
    closers.add("watch of damaged parts", await damages.start({ connection, clock: deps.clock, restarts }));
  }
  return store;
}

function storeOn(
  { connection: options, damages }: StoreServer,
  { migrate, applied }: Opened,
  { clock, logger, version }: StoreDeps,
): { readonly store: ClickHouseStore; readonly connection: Connection } {
  const { facts, database, whole } = options;
  const connection = new Connection(options);
  const claims = new Claims({
    ...{ connection, clock, writer: randomUUID(), where: { database, cluster: facts.cluster } },
    waiting: (src, running) =>
      logger.warn({ part: "store", partition: src, running }, "waiting for what an earlier process writes to end"),
  });
  const opening = {
    ...{ version, change: migrate },
    ...(applied === undefined ? {} : { applied }),
    waiting: (trouble: string, againMs: number) => logger.warn({ part: "store", againMs }, `${trouble}; trying again`),
  };
  const store = new ClickHouseStore({
    ...{ connection, clock, opening, mustHaveAll: damages.mustHaveAll },
    ...(whole === undefined ? {} : { whole: new Connection({ ...options, database: whole }) }),
    ...(facts.endsWithUs ? {} : { claims }),
  });
  return { store, connection };
}

/** `weir migrate`: the tables as this version needs them, and nothing else. Prints what it did. */
export async function migrateStore(config: Config, deps: StoreDeps, print: (line: string) => void): Promise<void> {
  const closers = new Closers((part, error) =>
    deps.logger.error({ err: error, part }, "could not be stopped in order"),
  );
  let changes = 0;
  const applied = (what: string): void => {
    changes += 1;
    print(`done: ${what}`);
  };
  try {
    if (config.clickhouseUrl === null) closers.add("data folder", lockDataDir(config.dataDir));
    const host = await startHost(config, deps, closers);
    await openStoreOn(host, { migrate: true, applied }, deps, closers);
    const address = host.servers.map(({ connection }) => connection.url()).join(", ");
    const { database } = host.servers[0]!.connection;
    print(changes === 0 ? `nothing to do: ${database} at ${address}` : `ready: ${database} at ${address}`);
  } finally {
    await closers.closeAll();
  }
}
