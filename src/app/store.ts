import { randomUUID } from "node:crypto";
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
import { embeddedFacts, serverFacts } from "../store/clickhouse/facts.ts";
import { ServerWatch } from "../store/clickhouse/server-watch.ts";
import { certificatesIn } from "./certificates.ts";

/** The engine that the store is on, be it a child of ours or a server that somebody else runs. */
export interface StoreHost extends Computing {
  readonly connection: ConnectionOptions;
  readonly damages: DamageWatch;
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
  if (config.clickhouseUrl !== null) return watchServer(config, config.clickhouseUrl, deps, closers);
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
  return {
    damages,
    damage: () => damages.describe(),
    state: () => engine.state(),
    describe: () => undefined,
    whyAway: "is away; it is being started again",
    questionsAtOnce: facts.questionsAtOnce,
    connection: {
      ...{ url: () => engine.url(), username, password, database: "weir", requestTimeoutMs, newId: randomUUID },
      facts,
      failed: damages.failed,
      hasRoom: () => engine.hasRoom(),
      life: { answering: () => engine.state().answering, onSilence: (listener) => engine.onSilence(listener) },
    },
  };
}

const requestTimeoutMs = 300_000;

function watchServer(config: Config, url: string, { clock, logger }: StoreDeps, closers: Closers): StoreHost {
  const { clickhouseUser, clickhousePassword, clickhouseDatabase, clickhouseCa, clickhouseCluster } = config;
  const shared: ConnectionOptions = {
    ...{ url: () => url, username: clickhouseUser, password: clickhousePassword ?? "", database: clickhouseDatabase },
    ...{ requestTimeoutMs, newId: randomUUID, facts: serverFacts(clickhouseCluster) },
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
  return {
    damages,
    damage: () => damages.describe(),
    state: () => {
      const answering = watch.answering();
      return { up: answering, answering, isLowOnDisk: false, restarts: watch.returns };
    },
    describe: () => [watch.describe(), damages.doubts()].filter((what) => what !== undefined).join("; "),
    whyAway: "does not answer; it is asked again every second",
    questionsAtOnce: shared.facts.questionsAtOnce,
    connection: { ...shared, failed: damages.failed, life: watch },
  };
}

const damageWatch = (logger: Logger): DamageWatch =>
  new DamageWatch({ log: (level, message, facts) => logger[level]({ part: "store", damaged: facts }, message) });

/** Resolves when the store can be used. */
export async function openStoreOn(
  host: StoreHost,
  { migrate, applied }: { readonly migrate: boolean; readonly applied?: (what: string) => void },
  { clock, logger, version, signal }: StoreDeps,
  closers: Closers,
): Promise<ClickHouseStore> {
  const { facts, database } = host.connection;
  const connection = new Connection(host.connection);
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
  const { mustHaveAll } = host.damages;
  const store = new ClickHouseStore({
    connection,
    clock,
    opening,
    mustHaveAll,
    ...(facts.endsWithUs ? {} : { claims }),
  });
  closers.add("store", () => store.close());
  await store.open(signal ?? new AbortController().signal);
  const restarts = (): number => host.state().restarts;
  closers.add("watch of damaged parts", await host.damages.start({ connection, clock, restarts }));
  return store;
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
    const { address, database } = { address: host.connection.url(), database: host.connection.database };
    print(changes === 0 ? `nothing to do: ${database} at ${address}` : `ready: ${database} at ${address}`);
  } finally {
    await closers.closeAll();
  }
}
