import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Config } from "./config/options.ts";
import { Eraser } from "./eraser/eraser.ts";
import { openSqliteErasures } from "./erasure/sqlite/sqlite-register.ts";
import { erasureRoutes } from "./http/erasure-routes.ts";
import { healthRoutes } from "./http/health-routes.ts";
import { ingestRoutes } from "./http/ingest-routes.ts";
import { listen } from "./http/listen.ts";
import { liveEvents } from "./http/live-events.ts";
import { liveSocket } from "./http/live-socket.ts";
import { queryRoutes } from "./http/query-routes.ts";
import { ruleRoutes } from "./http/rule-routes.ts";
import { createServer } from "./http/server.ts";
import type { Routes, Server } from "./http/server.ts";
import { Ingest } from "./ingest/ingest.ts";
import type { Clock } from "./lib/clock.ts";
import { Closers } from "./lib/closers.ts";
import { lockDataDir } from "./lib/datadir.ts";
import { freeBytesOf } from "./lib/disk.ts";
import { WeirError } from "./lib/errors.ts";
import { Hub } from "./live/hub.ts";
import { observedHub } from "./live/observed.ts";
import { openEmbeddedLog } from "./log/embedded/embedded.ts";
import type { Log } from "./log/log.ts";
import { observedLog } from "./log/observed.ts";
import type { Logger } from "./observe/logger.ts";
import { createMetrics } from "./observe/metrics.ts";
import type { Metrics } from "./observe/metrics.ts";
import { Processor } from "./processor/processor.ts";
import { MemoryProgress } from "./progress/memory-progress.ts";
import { Query } from "./query/query.ts";
import { openSqliteRegistry } from "./rule/sqlite/sqlite-registry.ts";
import { rulesToRead } from "./rulebook/rules-to-read.ts";
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
const drainMs = 5_000;
const eraserMs = 2_000;
/** A large body on a slow line takes long; ingest itself watches that it keeps coming. */
const ingestRequestMs = 600_000;

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
interface Parts {
  readonly log: Log;
  readonly engine: Engine;
  readonly store: Store;
  readonly rulebook: Rulebook;
  readonly progress: MemoryProgress;
  readonly processor: Processor;
  readonly eraser: Eraser;
}

class Starter {
  readonly #config: Config;
  readonly #deps: AppDeps;
  readonly #closers: Closers;
  readonly #metrics: Metrics;
  readonly #failure = Promise.withResolvers<Error>();

  constructor(config: Config, deps: AppDeps, closers: Closers) {
    this.#config = config;
    this.#deps = deps;
    this.#closers = closers;
    this.#metrics = createMetrics(deps.clock);
  }

  async start(): Promise<App> {
    const { dataDir } = this.#config;
    mustHaveRoom(dataDir);
    this.#closers.add("data folder", lockDataDir(dataDir));
    const parts = await this.#parts();
    this.#watch(parts);
    const queryUrl = await this.#listen("query", this.#config.queryPort, this.#queryServer(parts));
    const ingestUrl = await this.#listen("ingest", this.#config.ingestPort, this.#ingestServer(parts));
    return { ingestUrl, queryUrl, failed: this.#failure.promise, stop: () => this.#closers.closeAll() };
  }

  async #parts(): Promise<Parts> {
    const { clock } = this.#deps;
    const [engine, log] = await this.#all(this.#engine(), this.#log());
    const rulebook = await this.#rulebook(log);
    const store = await this.#store(engine);
    if (await rulebook.catchUp(await store.newestSeries()))
      this.#deps.logger.warn("the rules are older than the store: the windows of all rules are made anew");
    const progress = new MemoryProgress(clock);
    const processor = await this.#processor({ log, store, rulebook, progress });
    const eraser = await this.#eraser({ log, store, rulebook, processor });
    return { engine, log, rulebook, store, progress, processor, eraser };
  }

  /** Both, or the first failure once both have settled: nothing may start behind the back of the closers. */
  async #all<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
    await Promise.allSettled([first, second]);
    return Promise.all([first, second]);
  }

  async #engine(): Promise<Engine> {
    const { dataDir, engineReadonlyPort, engineMemoryMaxBytes } = this.#config;
    const { clock, logger } = this.#deps;
    const engine = await startEngine({
      dataDir,
      clock,
      readonlyPort: engineReadonlyPort,
      memoryMax: engineMemoryMaxBytes,
      log: (level, message, facts) => logger[level]({ part: "engine", ...facts }, message),
    });
    this.#closers.add("engine", () => engine.stop());
    return engine;
  }

  async #log(): Promise<Log> {
    const { dataDir, logBytesMax, diskFreeMinBytes } = this.#config;
    const { clock } = this.#deps;
    const onFailure = (error: WeirError): void => this.#failure.resolve(error);
    const log = await openEmbeddedLog({
      dir: join(dataDir, "log"),
      bytesMax: logBytesMax,
      freeBytesMin: Math.max(diskFreeMinBytes, logFreeMin),
      clock,
      onFailure,
    });
    this.#closers.add("log", () => log.close());
    return observedLog(log, clock, (seconds) => this.#metrics.log.appended(seconds));
  }

  async #rulebook(log: Log): Promise<Rulebook> {
    const { clock } = this.#deps;
    const registry = await openSqliteRegistry({ file: join(this.#config.dataDir, "rules.sqlite"), clock });
    this.#closers.add("rules", () => registry.close());
    const { keepReplacedMs } = this.#config;
    const rulebook = new Rulebook({ registry, ends: () => log.ends(), clock, keepReplacedMs });
    await rulebook.load();
    this.#closers.add("rulebook", () => rulebook.close());
    return rulebook;
  }

  async #store(engine: Engine): Promise<Store> {
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
    const store = new ClickHouseStore({ connection, clock: this.#deps.clock });
    this.#closers.add("store", () => store.close());
    await store.open(new AbortController().signal);
    return store;
  }

  async #processor(parts: Pick<Parts, "log" | "store" | "rulebook" | "progress">): Promise<Processor> {
    const { clock, logger } = this.#deps;
    const { log, store, rulebook, progress } = parts;
    const processor = new Processor({
      log,
      store,
      rules: rulebook,
      progress,
      clock,
      random: Math.random,
      metrics: {
        ...this.#metrics.processor,
        retried: (stage, error) => {
          this.#metrics.processor.retried(stage, error);
          logger.warn({ err: error, part: "processor", stage }, "the store did not take a batch; trying again");
        },
        ruleStopped: (rule_id, reason) => {
          this.#metrics.processor.ruleStopped();
          logger.error({ part: "processor", rule_id, reason }, "the store refused to compute a rule; it is paused");
        },
        rejected: (events, reason) => {
          this.#metrics.processor.rejected(events);
          logger.error(
            { part: "processor", events, reason },
            "the store refused events; they are set aside: see /rejects",
          );
        },
      },
      report: (message, error) => logger.warn({ err: error, part: "processor" }, message),
      groupsFull: (rule_id, max_groups) =>
        logger.warn(
          { part: "processor", rule_id, max_groups },
          "a rule has as many groups as it may; events of further ones go to its overflow",
        ),
      limits: {
        batchEventsMax: this.#config.batchEventsMax,
        batchBytesMax: 48 * 2 ** 20,
        flushDelayMs: this.#config.flushDelayMs,
        commitDelayMs: 500,
        dedupeIdsMax: this.#config.dedupeIdsMax,
        dedupeIdsLoadedMax: 500_000,
        fillChunkEventsMax: 200_000,
        groupsMax: this.#config.groupsMax,
        fillShare: this.#config.fillSharePercent / 100,
        fillPollMs: 250,
        caretakeEveryMs: 60_000,
      },
    });
    await processor.recover();
    processor
      .run()
      .catch((error: unknown) => this.#failure.resolve(error instanceof Error ? error : new Error(String(error))));
    this.#closers.add("processor", () => processor.drain(drainMs));
    return processor;
  }

  async #eraser({
    log,
    store,
    rulebook,
    processor,
  }: Pick<Parts, "log" | "store" | "rulebook" | "processor">): Promise<Eraser> {
    const { clock, logger } = this.#deps;
    const register = await openSqliteErasures({ file: join(this.#config.dataDir, "erasures.sqlite") });
    this.#closers.add("erasures", () => register.close());
    const eraser = new Eraser({
      ...{ register, store, log, clock, newId: randomUUID },
      windows: {
        rebuild: () => rulebook.rebuild(),
        goOnRebuilding: () => rulebook.goOnRebuilding(),
        dropOrphans: () => processor.dropOrphans(),
        written: (partition) => processor.written(partition),
      },
      report: (message, error) => logger.warn({ err: error, part: "eraser" }, message),
    });
    eraser.start();
    this.#closers.add("eraser", () => eraser.stop(eraserMs));
    return eraser;
  }

  #ingestServer({ log, progress, engine, store }: Parts): Server {
    const { eventsPerRequestMax, bodyBytesMax, inflightBytesMax, futureMaxMs } = this.#config;
    const limits = { eventsMax: eventsPerRequestMax, bodyBytesMax, inFlightBytesMax: inflightBytesMax, futureMaxMs };
    const ingest = new Ingest({ log, progress, clock: this.#deps.clock, metrics: this.#metrics.ingest, limits });
    const server = this.#server(
      "Weir ingestion API",
      [ingestRoutes(ingest, this.#deps.clock), this.#health(log, store, engine)],
      ingestRequestMs,
    );
    server.addHook("preClose", () => ingest.stop());
    return server;
  }

  #queryServer({ log, store, rulebook, progress, processor, eraser, engine }: Parts): Server {
    const { clock, logger } = this.#deps;
    const rules = rulesToRead(rulebook);
    const query = new Query({
      store,
      rules,
      progress,
      clock,
      fill: (series) => processor.fill(series),
      cost: (series) => processor.cost(series),
      written: () => processor.ranges(),
      groupsMax: this.#config.groupsMax,
      log: () => log.state(),
      rates: () => this.#metrics.rates(),
      parts: () => ({
        store: { ok: engine.state().answering && !engine.state().isLowOnDisk },
        log: { ok: log.state().accepting },
      }),
    });
    const hub = new Hub({
      store,
      rules,
      progress,
      clock,
      process: randomUUID().replaceAll("-", ""),
      limits: { connectionsMax: this.#config.liveClientsMax },
      onError: (error) => logger.warn({ err: error, part: "live" }, "the live feed could not read the store"),
    });
    hub.start();
    const observed = observedHub(hub, this.#metrics.live.pushed);
    this.#metrics.watch({ liveClients: () => hub.connectionCount, rejects: () => query.rejectCount() });
    return this.#server("Weir analytics API", [
      ruleRoutes(rulebook, query),
      queryRoutes(query),
      erasureRoutes(eraser),
      ...[liveSocket, liveEvents].map((carry) => carry(observed, { clock, origins: this.#config.origins })),
      this.#health(log, store, engine),
    ]);
  }

  #server(title: string, routes: readonly Routes[], requestTimeoutMs = 10_000): Server {
    return createServer({
      title,
      version: this.#deps.version,
      logger: this.#deps.logger,
      routes,
      requestTimeoutMs,
      clock: this.#deps.clock,
      answered: this.#metrics.http.answered,
    });
  }

  #health(log: Log, store: Store, engine: Engine): Routes {
    return healthRoutes({
      metrics: () => this.#metrics.text(),
      ready: async () => {
        const { accepting, reason } = log.state();
        const { up, isLowOnDisk } = engine.state();
        const storeOk =
          up &&
          !isLowOnDisk &&
          (await store.ping().then(
            () => true,
            () => false,
          ));
        const storeDetail = whyStoreIsNotReady(up, isLowOnDisk);
        const parts = {
          log: { ok: accepting, ...(reason === undefined ? {} : { detail: reason }) },
          store: { ok: storeOk, ...(storeOk ? {} : { detail: storeDetail }) },
        };
        return { ok: accepting && storeOk, parts };
      },
    });
  }

  #listen(name: "ingest" | "query", port: number, server: Server): Promise<string> {
    this.#closers.add(`${name} server`, () => server.close());
    return listen(server, { host: this.#config.host, port, hostOption: "--host", portOption: `--${name}-port` });
  }

  #watch({ log, progress, processor, engine }: Parts): void {
    this.#metrics.watch({
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

function whyStoreIsNotReady(up: boolean, isLowOnDisk: boolean): string {
  if (isLowOnDisk) return "writes nothing: the disk is full";
  return up ? "does not answer" : "is away; it is being started again";
}
