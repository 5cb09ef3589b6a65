import { Ingest } from "../../src/ingest/ingest.ts";
import { Hub } from "../../src/live/hub.ts";
import { openEmbeddedLog } from "../../src/log/embedded/embedded.ts";
import type { Log } from "../../src/log/log.ts";
import { Processor, type ProcessorLimits } from "../../src/processor/processor.ts";
import { MemoryProgress } from "../../src/progress/memory-progress.ts";
import { Query } from "../../src/query/query.ts";
import type { Registry } from "../../src/rule/registry.ts";
import { Rulebook } from "../../src/rulebook/rulebook.ts";
import { rulesToRead } from "../../src/rulebook/rules-to-read.ts";
import type { Store } from "../../src/store/store.ts";
import type { LogThreads } from "../../src/log/embedded/embedded.ts";
import type { Clock } from "../../src/lib/clock.ts";

/** What one process is made of. */
export interface ServerParts {
  readonly threads: LogThreads;
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: ProcessorLimits;
  readonly logBytesMax: number;
  readonly tailBytesMax: number;
  readonly tickMs: number;
  /** It can't go on. */
  readonly failed: (error: unknown) => void;
  readonly report: (what: string) => void;
}

/** The parts of a running server below HTTP, as `src/app.ts` puts them together. */
export interface Server {
  readonly log: Log;
  readonly book: Rulebook;
  readonly progress: MemoryProgress;
  readonly processor: Processor;
  readonly ingest: Ingest;
  readonly query: Query;
  readonly hub: Hub;
  stop(): Promise<void>;
}

const keepReplacedMs = 20_000;
const drainMs = 5_000;

/** Rejects with what keeps a part from starting. */
export async function startServer(parts: ServerParts): Promise<Server> {
  const { clock, store } = parts;
  const log = await openEmbeddedLog({
    dir: "",
    bytesMax: parts.logBytesMax,
    freeBytesMin: 0,
    freeBytes: () => 1e12,
    clock,
    onFailure: parts.failed,
    threads: parts.threads,
    tailBytesMax: parts.tailBytesMax,
  });
  const book = new Rulebook({ registry: parts.registry, ends: () => log.ends(), clock, keepReplacedMs });
  await book.load();
  const progress = new MemoryProgress(clock);
  const processor = processorOf(parts, log, book, progress);
  await processor.recover();
  processor.run().catch(parts.failed);
  const ingest = new Ingest({ log, progress, clock });
  const rules = rulesToRead(book);
  // No draw: the worlds of all seeds would be others.
  const process = Math.floor(clock.monotonic() * 1000).toString(36);
  const hub = new Hub({ store, rules, progress, clock, process, limits: { tickMs: parts.tickMs } });
  hub.start();
  const query = queryOf(parts, { log, progress, processor, rules });
  const stop = async (): Promise<void> => {
    hub.stop();
    ingest.stop();
    await processor.drain(drainMs);
    await book.close();
    await log.close();
  };
  return { log, book, progress, processor, ingest, query, hub, stop };
}

function processorOf(
  { store, clock, random, limits, report, failed }: ServerParts,
  log: Log,
  rules: Rulebook,
  progress: MemoryProgress,
): Processor {
  const mustNot = (): void => failed(new Error("something was refused for what it is"));
  return new Processor({
    log,
    store,
    rules,
    progress,
    clock,
    random,
    metrics: {
      batch: () => {},
      stage: () => {},
      taken: () => {},
      retried: (stage, error) => report(`${stage}: ${String(error)}`),
      rejected: mustNot,
      broken: mustNot,
      ruleStopped: mustNot,
      narrowed: (events, eventsMax) => report(`${eventsMax} of ${events} events next`),
    },
    report: (what, error) => report(`${what}: ${String(error)}`),
    groupsFull: (ruleId, bound) => report(`${ruleId} has its ${bound} groups`),
    limits,
    demand: progress.demand,
  });
}

function queryOf(
  { store, clock, limits }: ServerParts,
  {
    log,
    progress,
    processor,
    rules,
  }: Pick<Server, "log" | "progress" | "processor"> & { rules: ReturnType<typeof rulesToRead> },
): Query {
  return new Query({
    readsAtOnce: 4,
    store,
    rules,
    progress,
    clock,
    fill: (series) => processor.fill(series),
    cost: (series) => processor.cost(series),
    groupsMax: limits.groupsMax,
    log: () => log.state(),
    rates: () => ({ accepted: 0, counted: 0 }),
    parts: () => ({}),
    written: () => progress.ranges(),
  });
}
