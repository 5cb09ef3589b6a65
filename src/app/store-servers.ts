import { randomUUID } from "node:crypto";
import type { Config } from "../config/options.ts";
import type { Closers } from "../lib/closers.ts";
import { Connection, type ConnectionOptions, type EngineLife } from "../store/clickhouse/connection.ts";
import { type Shard, serverFacts } from "../store/clickhouse/facts.ts";
import { ServerWatch } from "../store/clickhouse/server-watch.ts";
import { wholeOf } from "../store/clickhouse/whole.ts";
import { certificatesIn } from "./certificates.ts";
import {
  type StoreDeps,
  type StoreHost,
  type StoreServer,
  damageWatch,
  hostOf,
  joined,
  requestTimeoutMs,
} from "./store-host.ts";

/** One or several that somebody else runs: nothing is started. */
export function watchServers(config: Config, urls: readonly string[], deps: StoreDeps, closers: Closers): StoreHost {
  const watched = urls.map((url, index) => watchServer(config, { url, shard: shardOf(config, index) }, deps, closers));
  const watches = watched.map(({ watch }) => watch);
  return {
    ...hostOf(watched.map((one) => readingAll(one, watches))),
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

interface Watched {
  readonly watch: ServerWatch;
  readonly server: StoreServer;
}

/**
 * What is read over all is waited for as long as all give signs of life. A damaged part that it fails of may be another server's, whose
 * own statements tell of it.
 */
function readingAll({ watch, server }: Watched, watches: readonly ServerWatch[]): StoreServer {
  const { whole: database, failed: _, ...connection } = server.connection;
  if (database === undefined) return server;
  const life: EngineLife = {
    answering: () => watches.every((one) => one.answering()),
    onSilence: (listener) => {
      for (const one of watches) one.onSilence(listener);
    },
    expect: (id, bytes) => watch.expect(id, bytes),
  };
  return { ...server, whole: { ...connection, database, life } };
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
): Watched {
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
