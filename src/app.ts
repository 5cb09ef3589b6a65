import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Basis } from "./assembly/basis.ts";
import { startEraser } from "./assembly/eraser.ts";
import { startProcessor } from "./assembly/processor.ts";
import { ingestServer, queryServer, type ServedParts } from "./assembly/servers.ts";
import type { Config } from "./config/options.ts";
import type { Eraser } from "./eraser/eraser.ts";
import { openSqliteErasures } from "./erasure/sqlite/sqlite-register.ts";
import { listen } from "./http/listen.ts";
import type { Server } from "./http/server.ts";
import type { Clock } from "./lib/clock.ts";
import { Closers } from "./lib/closers.ts";
import { folderId, lockDataDir } from "./lib/datadir.ts";
import { freeBytesOf } from "./lib/disk.ts";
import { WeirError } from "./lib/errors.ts";
import { untilThere } from "./lib/until-there.ts";
import { openEmbeddedLog } from "./log/embedded/embedded.ts";
import type { Log } from "./log/log.ts";
import { observedLog } from "./log/observed.ts";
import type { Logger } from "./observe/logger.ts";
import { createMetrics } from "./observe/metrics.ts";
import { MemoryProgress } from "./progress/memory-progress.ts";
import { openMongoRegistry } from "./rule/mongo/open.ts";
import type { Registry } from "./rule/registry.ts";
import { openSqliteRegistry } from "./rule/sqlite/sqlite-registry.ts";
import { Rulebook } from "./rulebook/rulebook.ts";
import { ClickHouseStore } from "./store/clickhouse/clickhouse-store.ts";
import { Connection } from "./store/clickhouse/connection.ts";
import { startEngine } from "./store/clickhouse/engine/engine.ts";
import type { Engine } from "./store/clickhouse/engine/engine.ts";
import { engineFreeMin } from "./store/clickhouse/engine/room.ts";
import type { Store } from "./store/store.ts";

export interface App {
  readonly ingestUrl: string;
  readonly queryUrl: string;
  /** Resolves when the process can't go on. */
  readonly failed: Promise<Error>;
  /** Refuses new work, finishes what is under way, releases everything. */
  stop(): Promise<void>;
}

export interface AppDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
}

/** Whatever is configured, the log leaves the engine room to count, and to delete, what it holds. */
const logFreeMin = 2 * engineFreeMin;

/**
 * Starts every part in order and resolves when the server can be used. The only place that names concrete adapters, and
 * that knows the order of starting and (by its opposite) of stopping.
 * @throws WeirError `port_taken`, `data_dir_in_use`, `invalid_config`, `log_damaged`, `folder_mixed`, and what else keeps a part from starting.
 */
export async function startApp(config: Config, deps: AppDeps): Promise<App> {
  const { logger } = deps;
  const closers = new Closers((name, error) =>
    logger.error({ err: error, part: name }, "a part could not be stopped in order"),
  );
  try {
    return await new Starter(config, deps, closers).start();
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

/** The parts of one running server. */
interface Parts extends ServedParts {
  readonly engine: Engine;
}

interface OpenedRules {
  readonly rules: Registry;
  /** They were made for another log. */
  readonly adopted: boolean;
  /** Says that they are this data folder's from now on. */
  readonly claim: () => Promise<void>;
}

class Starter {
  readonly #basis: Basis;
  readonly #failure = Promise.withResolvers<Error>();

  constructor(config: Config, deps: AppDeps, closers: Closers) {
    const metrics = createMetrics(deps.clock);
    this.#basis = { ...deps, config, metrics, closers, fail: (error) => this.#failure.resolve(error) };
  }

  async start(): Promise<App> {
    const { config, closers } = this.#basis;
    mustHaveRoom(config.dataDir);
    closers.add("data folder", lockDataDir(config.dataDir));
    const parts = await this.#parts();
    this.#watch(parts);
    const queryUrl = await this.#listen("query", config.queryPort, queryServer(this.#basis, parts));
    const ingestUrl = await this.#listen("ingest", config.ingestPort, ingestServer(this.#basis, parts));
    return { ingestUrl, queryUrl, failed: this.#failure.promise, stop: () => closers.closeAll() };
  }

  async #parts(): Promise<Parts> {
    const { clock, logger } = this.#basis;
    const [engine, log] = await this.#all(this.#engine(), this.#log());
    const { rulebook, rules, adopted, claim } = await this.#rulebook(log);
    const store = await this.#store(engine);
    if (await rulebook.catchUp(await store.newestSeries()))
      logger.warn("the rules are older than the store: the windows of all rules are made anew");
    else if (adopted) {
      logger.warn("the rules were made for another data folder: the windows of all rules are made anew");
      await rulebook.rebuild();
    }
    await claim();
    const progress = new MemoryProgress(clock);
    const processor = await startProcessor(this.#basis, { log, store, rulebook, progress });
    const eraser = await this.#eraser({ log, store, rulebook, processor });
    return { engine, log, rules, rulebook, store, progress, processor, eraser };
  }

  /** Both, or the first failure once both have settled: nothing may start behind the back of the closers. */
  async #all<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
    await Promise.allSettled([first, second]);
    return Promise.all([first, second]);
  }

  async #engine(): Promise<Engine> {
    const { config, clock, logger, closers } = this.#basis;
    const { dataDir, engineReadonlyPort, engineMemoryMaxBytes } = config;
    const engine = await startEngine({
      dataDir,
      clock,
      readonlyPort: engineReadonlyPort,
      memoryMax: engineMemoryMaxBytes,
      log: (level, message, facts) => logger[level]({ part: "engine", ...facts }, message),
    });
    closers.add("engine", () => engine.stop());
    return engine;
  }

  async #log(): Promise<Log> {
    const { config, clock, metrics, closers, fail } = this.#basis;
    const { dataDir, logBytesMax, diskFreeMinBytes } = config;
    const log = await openEmbeddedLog({
      dir: join(dataDir, "log"),
      bytesMax: logBytesMax,
      freeBytesMin: Math.max(diskFreeMinBytes, logFreeMin),
      clock,
      onFailure: fail,
    });
    closers.add("log", () => log.close());
    return observedLog(log, clock, (seconds) => metrics.log.appended(seconds));
  }

  async #rulebook(log: Log): Promise<OpenedRules & { readonly rulebook: Rulebook }> {
    const { config, clock, closers } = this.#basis;
    const opened = await this.#registry();
    const registry = opened.rules;
    closers.add("rules", () => registry.close());
    const { keepReplacedMs } = config;
    // The log is this process's alone, and MongoDB's rules are this log's: so nobody else changes them.
    const alone = config.mongoUrl !== null;
    const rulebook = new Rulebook({ registry, ends: () => log.ends(), clock, keepReplacedMs, alone });
    await rulebook.load();
    closers.add("rulebook", () => rulebook.close());
    return { ...opened, rulebook };
  }

  /** In the data folder, or in MongoDB, for which it is worth waiting. */
  async #registry(): Promise<OpenedRules> {
    const { config, clock, logger } = this.#basis;
    const { dataDir, mongoUrl } = config;
    const file = join(dataDir, "rules.sqlite");
    if (mongoUrl === null)
      return { rules: await openSqliteRegistry({ file, clock }), adopted: false, claim: async () => {} };
    if (existsSync(file))
      logger.warn({ part: "rules", file }, "the rules are in MongoDB; those in this file are not used");
    const report = (message: string, err?: unknown): void => logger.warn({ part: "rules", err }, message);
    const open = () => openMongoRegistry({ url: mongoUrl, owner: folderId(dataDir), clock, report });
    const { registry: rules, ...opened } = await untilThere(clock, open, (error, pauseMs) =>
      logger.warn({ err: error, part: "rules", pauseMs }, "the rules are not there yet; trying again"),
    );
    return { ...opened, rules };
  }

  async #store(engine: Engine): Promise<Store> {
    const { clock, closers } = this.#basis;
    const connection = new Connection({
      url: () => engine.url(),
      username: engine.username,
      password: engine.password,
      database: "weir",
      requestTimeoutMs: 300_000,
      newId: randomUUID,
      handOver: { folder: engine.spoolFolder },
      hasRoom: () => engine.hasRoom(),
      life: { answering: () => engine.state().answering, onSilence: (listener) => engine.onSilence(listener) },
    });
    const store = new ClickHouseStore({ connection, clock });
    closers.add("store", () => store.close());
    await store.open(new AbortController().signal);
    return store;
  }

  async #eraser(parts: Pick<Parts, "log" | "store" | "rulebook" | "processor">): Promise<Eraser> {
    const { config, closers } = this.#basis;
    const register = await openSqliteErasures({ file: join(config.dataDir, "erasures.sqlite") });
    closers.add("erasures", () => register.close());
    return startEraser(this.#basis, { register, ...parts });
  }

  #listen(name: "ingest" | "query", port: number, server: Server): Promise<string> {
    const { config, closers } = this.#basis;
    closers.add(`${name} server`, () => server.close());
    return listen(server, { host: config.host, port, hostOption: "--host", portOption: `--${name}-port` });
  }

  #watch({ log, progress, processor, engine }: Parts): void {
    this.#basis.metrics.watch({
      logBytes: () => log.state().bytes,
      logBytesMax: () => log.state().bytesMax,
      logAccepting: () => Number(log.state().accepting),
      rulesFull: () => processor.rulesFull,
      lagSeconds: () => progress.lagMs() / 1000,
      engineUp: () => Number(engine.state().answering),
      engineRestarts: () => engine.state().restarts,
    });
  }
}

/** @throws WeirError `disk_full`: a start writes here and there, and what fails halfway is harder to understand. */
function mustHaveRoom(dataDir: string): void {
  if (!existsSync(dataDir)) return;
  const free = freeBytesOf(dataDir);
  if (free >= engineFreeMin) return;
  const what = `the disk of ${resolve(dataDir)} has ${free} bytes left, and a start needs ${engineFreeMin}`;
  throw new WeirError("disk_full", `${what}; make room, nothing else is to be done`);
}
