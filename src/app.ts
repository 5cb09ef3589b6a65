import { startArchive } from "./app/archive.ts";
import { openErasures } from "./app/erasures.ts";
import type { OpenedErasures } from "./app/erasures.ts";
import { mustBeOurs, mustHaveRoom } from "./app/folder.ts";
import { freeBytesToTake, isOnKafka, openChannel, openLog, positionsPerRecord } from "./app/log.ts";
import type { OpenLogDeps } from "./app/log.ts";
import { openRegistry } from "./app/rules.ts";
import type { OpenedRules } from "./app/rules.ts";
import { openStoreOn, startHost } from "./app/store.ts";
import type { StoreDeps } from "./app/store-host.ts";
import { bringTogether } from "./app/together.ts";
import type { Basis } from "./assembly/basis.ts";
import { countingElsewhere, countingHere } from "./assembly/counting.ts";
import type { Counting } from "./assembly/counting.ts";
import { dependenciesOf } from "./assembly/dependencies.ts";
import { Disk } from "./assembly/disk.ts";
import type { DiskOptions } from "./assembly/disk.ts";
import { startEraser } from "./assembly/eraser.ts";
import { startNews } from "./assembly/news.ts";
import type { News, NewsParts } from "./assembly/news.ts";
import { startProcessor } from "./assembly/processor.ts";
import type { ProcessorParts } from "./assembly/processor.ts";
import { healthServer, ingestServer, queryServer } from "./assembly/servers.ts";
import type { AnsweringParts, TakingParts } from "./assembly/servers.ts";
import { roleNames } from "./config/options.ts";
import type { Config } from "./config/options.ts";
import { hasRole } from "./config/roles.ts";
import { closeServers } from "./http/close-servers.ts";
import { listen } from "./http/listen.ts";
import type { Server } from "./http/server.ts";
import { Closers } from "./lib/closers.ts";
import { lockDataDir } from "./lib/datadir.ts";
import { freeBytesOf } from "./lib/disk.ts";
import type { Log } from "./log/log.ts";
import { observedLog } from "./log/observed.ts";
import { createMetrics } from "./observe/metrics.ts";
import type { Processor } from "./processor/processor.ts";
import { MemoryProgress } from "./progress/memory-progress.ts";
import { Rulebook } from "./rulebook/rulebook.ts";

export interface App {
  /** Null: it takes no events. */
  readonly ingestUrl: string | null;
  /** Where questions are answered, by a process that only counts those for its health; null: nowhere. */
  readonly queryUrl: string | null;
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

/** The same in one process with all roles, whatever is configured. */
export async function startWholeApp(
  config: Config,
  deps: AppDeps,
): Promise<App & { readonly ingestUrl: string; readonly queryUrl: string }> {
  const app = await startApp({ ...config, roles: roleNames }, deps);
  const { ingestUrl, queryUrl } = app;
  if (ingestUrl === null || queryUrl === null) throw new TypeError("a process with all roles has both servers");
  return { ...app, ingestUrl, queryUrl };
}

class Starter {
  readonly #deps: AppDeps;
  readonly #basis: Basis;
  readonly #failure = Promise.withResolvers<Error>();
  readonly #servers: Server[] = [];
  /** Once it is listened there. */
  #ingestUrl: string | undefined;

  constructor(config: Config, deps: AppDeps, closers: Closers) {
    this.#deps = deps;
    const metrics = createMetrics(deps.clock);
    this.#basis = { ...deps, config, metrics, closers, fail: (error) => this.#failure.resolve(error) };
  }

  async start(): Promise<App> {
    const { config, closers } = this.#basis;
    this.#takeFolder();
    const parts = await (hasRole(config, "processor", "query") ? this.#storing() : this.#taking());
    this.#watch(parts);
    const queryUrl = await this.#listenForQuestions(parts);
    const ingestUrl = await this.#listenForEvents(parts);
    this.#ingestUrl = ingestUrl ?? undefined;
    return { ingestUrl, queryUrl, failed: this.#failure.promise, stop: () => closers.closeAll() };
  }

  /** Who only takes events keeps nothing there and does not touch it: any number of them may run on a machine. */
  #takeFolder(): void {
    const { config, closers } = this.#basis;
    if (!hasRole(config, "processor", "query")) return;
    mustHaveRoom(config.dataDir);
    mustBeOurs(config.dataDir);
    closers.add("data folder", lockDataDir(config.dataDir));
  }

  async #taking(): Promise<Parts> {
    const log = await this.#log();
    const progress = new MemoryProgress(this.#basis.clock);
    const news = await this.#news({ log, progress });
    return { log, progress, dependencies: dependenciesOf(this.#basis.config, { log, progress, news }) };
  }

  async #storing(): Promise<Parts> {
    const { clock, config, closers } = this.#basis;
    const [engine, log] = await this.#all(startHost(config, this.#deps, closers), this.#log());
    const { rulebook, rules, ...opened } = await this.#rulebook(log);
    const store = await openStoreOn(engine, config, this.#deps, closers);
    await bringTogether(rulebook, store, opened, this.#deps);
    const progress = new MemoryProgress(clock);
    const news = await this.#news({ log, progress, store });
    const base = { log, store, rulebook, progress, news };
    const processor = hasRole(config, "processor") ? await this.#processor(base) : undefined;
    this.#basis.metrics.watch({ damagedParts: () => engine.damagedParts() });
    engine.onMended(() => processor?.mended());
    const counting = this.#counting(base, processor);
    // Where erasing is asked for: it goes through the archive first.
    const { signal } = this.#deps;
    const erasures = hasRole(config, "query") ? await openErasures(this.#basis, log, signal) : undefined;
    const archiver = erasures && (await startArchive(this.#basis, erasures, signal));
    const disk = this.#disk();
    const dependencies = dependenciesOf(config, {
      ...{ log, disk, progress, news, archiver },
      stored: { store, engine, rules },
    });
    const stored = { engine, store, rules, rulebook, counting, archiver };
    return { log, progress, dependencies, stored, processor, erasures };
  }

  #processor(parts: Base): Promise<Processor> {
    return startProcessor(this.#basis, { ...parts, positionsPerRecord: positionsPerRecord(this.#basis.config) });
  }

  #counting({ progress, news, store, rulebook }: Base, processor: Processor | undefined): Counting {
    if (processor !== undefined) return countingHere(processor, progress, news?.follower);
    // Without --kafka-brokers a process has all roles.
    const { follower } = news!;
    return countingElsewhere({ progress, follower, store, rulebook, clock: this.#basis.clock });
  }

  /** Both, or the first failure once both have settled: nothing may start behind the back of the closers. */
  async #all<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
    await Promise.allSettled([first, second]);
    return Promise.all([first, second]);
  }

  async #log(): Promise<Log> {
    const { config, clock, metrics, closers } = this.#basis;
    const log = await openLog(config, this.#logDeps());
    closers.add("log", () => log.close());
    return observedLog(log, clock, (seconds) => metrics.log.appended(seconds));
  }

  /** An embedded log, whose marks these are, is in a process of all roles. */
  #disk(): Disk | undefined {
    const { config, clock, closers, logger, metrics } = this.#basis;
    if (isOnKafka(config)) return undefined;
    const freeBytes = (): number => freeBytesOf(config.dataDir);
    const log: DiskOptions["log"] = (level, message, facts) => logger[level]({ part: "disk", ...facts }, message);
    const disk = new Disk({ freeBytes, stopBytes: freeBytesToTake(config), log });
    metrics.watch({ diskFreeBytes: () => disk.free() });
    closers.add("watch of the disk", disk.start(clock));
    return disk;
  }

  async #news(parts: Omit<NewsParts, "channel">): Promise<News | undefined> {
    const { config, closers } = this.#basis;
    const channel = await openChannel(config, this.#logDeps());
    if (channel === undefined) return undefined;
    closers.add("progress", () => channel.close());
    return startNews(this.#basis, { ...parts, channel }, this.#deps.signal);
  }

  #logDeps(): OpenLogDeps {
    const { clock, logger, metrics, fail } = this.#basis;
    const { signal } = this.#deps;
    return {
      clock,
      report: (level, message, facts) => logger[level]({ part: "log", ...facts }, message),
      gap: (records) => metrics.log.gap(records),
      onFailure: fail,
      ...(signal === undefined ? {} : { signal }),
    };
  }

  async #rulebook(log: Log): Promise<OpenedRules & { readonly rulebook: Rulebook }> {
    const { config, clock, closers, logger, metrics } = this.#basis;
    const opened = await openRegistry(config, this.#deps, log);
    const registry = opened.rules;
    closers.add("rules", () => registry.close());
    const { keepReplacedMs } = config;
    // An embedded log is this process's alone, and MongoDB's rules are this log's: so nobody else changes them.
    const alone = config.mongoUrl !== null && config.kafkaBrokers.length === 0;
    const stopped = (rule_id: string, reason: string): void => {
      metrics.processor.ruleStopped();
      logger.error({ part: "rules", rule_id, reason }, "a stored rule can't be read; it is paused");
    };
    const rulebook = new Rulebook({ registry, ends: () => log.ends(), clock, keepReplacedMs, alone, stopped });
    await rulebook.load();
    closers.add("rulebook", () => rulebook.close());
    return { ...opened, rulebook };
  }

  async #listenForQuestions({ stored, erasures, ...parts }: Parts): Promise<string | null> {
    const { config } = this.#basis;
    if (stored === undefined) return null;
    if (erasures === undefined)
      return this.#listen("query", config.queryPort, healthServer(this.#basis, parts.dependencies));
    const eraser = startEraser(this.#basis, { ...erasures, ...parts, ...stored });
    const accepts = hasRole(config, "ingest");
    const answering = { ...parts, ...stored, eraser, accepts };
    return this.#listen(
      "query",
      config.queryPort,
      queryServer(this.#basis, answering, () => this.#ingestUrl),
    );
  }

  async #listenForEvents(parts: Parts): Promise<string | null> {
    const { config } = this.#basis;
    if (!hasRole(config, "ingest")) return null;
    return this.#listen("ingest", config.ingestPort, ingestServer(this.#basis, parts));
  }

  #listen(name: "ingest" | "query", port: number, server: Server): Promise<string> {
    const { config, closers } = this.#basis;
    if (this.#servers.push(server) === 1) closers.add("servers", () => this.#closeServers());
    return listen(server, { host: config.host, port, hostOption: "--host", portOption: `--${name}-port` });
  }

  async #closeServers(): Promise<void> {
    const { clock, logger } = this.#basis;
    if (await closeServers(this.#servers, clock)) return;
    logger.warn("connections were cut whose requests did not come to an end, or whose answers were not read");
  }

  #watch({ log, progress, processor, stored }: Parts): void {
    const { metrics } = this.#basis;
    metrics.watch({
      logBytes: () => log.state().bytes,
      logBytesMax: () => log.state().bytesMax,
      logAccepting: () => Number(log.state().accepting),
      lagSeconds: () => progress.lagMs() / 1000,
    });
    if (processor !== undefined)
      metrics.watch({
        rulesFull: () => processor.rulesFull,
        partitions: () => processor.sources().length,
        partitionsBroken: () => processor.broken().length,
      });
    if (stored === undefined) return;
    const { engine } = stored;
    metrics.watch({ engineUp: () => Number(engine.state().answering), engineRestarts: () => engine.state().restarts });
  }
}

/** What was started; `stored` is missing where only events are taken. */
interface Parts extends TakingParts {
  readonly stored?: Omit<AnsweringParts, "eraser" | "accepts" | keyof TakingParts>;
  readonly processor?: Processor | undefined;
  /** Where erasing is asked for. */
  readonly erasures?: OpenedErasures | undefined;
}

type Base = Omit<ProcessorParts, "positionsPerRecord">;
