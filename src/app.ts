import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { startArchive } from "./app/archive.ts";
import { openLog, positionsPerRecord } from "./app/log.ts";
import { openRegistry } from "./app/rules.ts";
import type { OpenedRules } from "./app/rules.ts";
import { openStoreOn, startHost } from "./app/store.ts";
import type { StoreDeps } from "./app/store.ts";
import type { Basis } from "./assembly/basis.ts";
import { startEraser } from "./assembly/eraser.ts";
import { startProcessor } from "./assembly/processor.ts";
import { ingestServer, queryServer, type ServedParts } from "./assembly/servers.ts";
import type { Config } from "./config/options.ts";
import type { Eraser } from "./eraser/eraser.ts";
import { openSqliteErasures } from "./erasure/sqlite/sqlite-register.ts";
import { listen } from "./http/listen.ts";
import type { Server } from "./http/server.ts";
import { Closers } from "./lib/closers.ts";
import { lockDataDir } from "./lib/datadir.ts";
import { freeBytesOf } from "./lib/disk.ts";
import { WeirError } from "./lib/errors.ts";
import type { Log } from "./log/log.ts";
import { observedLog } from "./log/observed.ts";
import { createMetrics } from "./observe/metrics.ts";
import { MemoryProgress } from "./progress/memory-progress.ts";
import { Rulebook } from "./rulebook/rulebook.ts";
import { engineFreeMin } from "./store/clickhouse/engine/room.ts";

export interface App {
  readonly ingestUrl: string;
  readonly queryUrl: string;
  /** Resolves when the process can't go on. */
  readonly failed: Promise<Error>;
  /** Refuses new work, finishes what is under way, releases everything. */
  stop(): Promise<void>;
}

export type AppDeps = StoreDeps;

/**
 * Starts every part in order and resolves when the server can be used. With `app/` the only place that names concrete adapters, and
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

class Starter {
  readonly #deps: AppDeps;
  readonly #basis: Basis;
  readonly #failure = Promise.withResolvers<Error>();

  constructor(config: Config, deps: AppDeps, closers: Closers) {
    this.#deps = deps;
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

  async #parts(): Promise<ServedParts> {
    const { clock, logger, config, closers } = this.#basis;
    const [engine, log] = await this.#all(startHost(config, this.#deps, closers), this.#log());
    const { rulebook, rules, adopted, claim } = await this.#rulebook(log);
    const store = await openStoreOn(engine, config, this.#deps, closers);
    if (await rulebook.catchUp(await store.newestSeries()))
      logger.warn("the rules are older than the store: the windows of all rules are made anew");
    else if (adopted) {
      logger.warn("the rules were made for another data folder: the windows of all rules are made anew");
      await rulebook.rebuild();
    }
    await claim();
    const progress = new MemoryProgress(clock);
    const processor = await startProcessor(this.#basis, {
      ...{ log, store, rulebook, progress },
      positionsPerRecord: positionsPerRecord(this.#basis.config),
    });
    const archiver = await startArchive(this.#basis, this.#deps.signal);
    const eraser = await this.#eraser({ log, store, rulebook, processor, archiver });
    return { engine, log, rules, rulebook, store, progress, processor, eraser, archiver };
  }

  /** Both, or the first failure once both have settled: nothing may start behind the back of the closers. */
  async #all<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
    await Promise.allSettled([first, second]);
    return Promise.all([first, second]);
  }

  async #log(): Promise<Log> {
    const { config, clock, logger, metrics, closers, fail } = this.#basis;
    const { signal } = this.#deps;
    const log = await openLog(config, {
      clock,
      report: (level, message, facts) => logger[level]({ part: "log", ...facts }, message),
      gap: (records) => metrics.log.gap(records),
      onFailure: fail,
      ...(signal === undefined ? {} : { signal }),
    });
    closers.add("log", () => log.close());
    return observedLog(log, clock, (seconds) => metrics.log.appended(seconds));
  }

  async #rulebook(log: Log): Promise<OpenedRules & { readonly rulebook: Rulebook }> {
    const { config, clock, closers } = this.#basis;
    const opened = await openRegistry(config, this.#deps);
    const registry = opened.rules;
    closers.add("rules", () => registry.close());
    const { keepReplacedMs } = config;
    // An embedded log is this process's alone, and MongoDB's rules are this log's: so nobody else changes them.
    const alone = config.mongoUrl !== null && config.kafkaBrokers.length === 0;
    const rulebook = new Rulebook({ registry, ends: () => log.ends(), clock, keepReplacedMs, alone });
    await rulebook.load();
    closers.add("rulebook", () => rulebook.close());
    return { ...opened, rulebook };
  }

  async #eraser(parts: Pick<ServedParts, "log" | "store" | "rulebook" | "processor" | "archiver">): Promise<Eraser> {
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

  #watch({ log, progress, processor, engine }: ServedParts): void {
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
