import { randomInt, randomUUID } from "node:crypto";
import type { Config } from "../config/options.ts";
import { Closers } from "../lib/closers.ts";
import { lockDataDir } from "../lib/datadir.ts";
import { Claims } from "../store/clickhouse/claims.ts";
import { ClickHouseStore } from "../store/clickhouse/clickhouse-store.ts";
import { Connection, type ConnectionOptions } from "../store/clickhouse/connection.ts";
import { startEngine } from "../store/clickhouse/engine/engine.ts";
import { embeddedFacts } from "../store/clickhouse/facts.ts";
import { ShardedStore } from "../store/clickhouse/sharded-store.ts";
import type { Store } from "../store/store.ts";
import {
  type StoreDeps,
  type StoreHost,
  type StoreServer,
  damageWatch,
  hostOf,
  requestTimeoutMs,
} from "./store-host.ts";
import { watchServers } from "./store-servers.ts";

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
  { connection: options, whole, damages }: StoreServer,
  { migrate, applied }: Opened,
  { clock, logger, version }: StoreDeps,
): { readonly store: ClickHouseStore; readonly connection: Connection } {
  const { facts, database } = options;
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
    ...(whole === undefined ? {} : { whole: new Connection(whole) }),
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
