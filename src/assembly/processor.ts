import { remembered } from "../lib/remembered.ts";
import { Processor } from "../processor/processor.ts";
import type { ProcessorDeps, ProcessorLimits } from "../processor/processor.ts";
import type { FillNews } from "../progress/bulletin.ts";
import type { RuleRecord } from "../rule/registry.ts";
import type { Basis } from "./basis.ts";
import { announced } from "./news.ts";
import type { News } from "./news.ts";
import type { AnsweringParts } from "./servers.ts";

export interface ProcessorParts extends Pick<AnsweringParts, "log" | "store" | "rulebook" | "progress"> {
  /** Told to others as well; undefined: there are none. */
  readonly news: News | undefined;
  /** How many positions one event of the log may take. */
  readonly positionsPerRecord: number;
}

const drainMs = 5_000;

/** Resolves when it has found where to go on; it counts from then on. */
export async function startProcessor(basis: Basis, parts: ProcessorParts): Promise<Processor> {
  const { clock, logger, fail, closers } = basis;
  const { log, store, rulebook, progress, news } = parts;
  const fills = (): readonly FillNews[] =>
    fillsOf(rulebook.list()).map((series) => ({ series, ...processor.fill(series) }));
  const announcer =
    news &&
    announced(basis, news, {
      ...{ progress, fills, sources: () => processor.sources(), rules: () => rulebook.newestRevision },
    });
  const processor: Processor = new Processor({
    ...{ log, store, rules: rulebook, progress: announcer ?? progress, clock },
    random: Math.random,
    metrics: reported(basis, (events) => announcer?.counted(events)),
    report: (message, error) => logger.warn({ err: error, part: "processor" }, message),
    groupsFull: (rule_id, max_groups) =>
      logger.warn(
        { part: "processor", rule_id, max_groups },
        "a rule has as many groups as it may; events of further ones go to its overflow",
      ),
    limits: limits(basis, parts),
    // Who asks other processes is not known here.
    demand: news === undefined ? progress.demand : undefined,
  });
  await processor.recover();
  processor.run().catch((error: unknown) => fail(error instanceof Error ? error : new Error(String(error))));
  closers.add("processor", () => processor.drain(drainMs));
  return processor;
}

const fillsOf = remembered((records: readonly RuleRecord[]): readonly number[] =>
  records.flatMap(({ versions }) => versions.filter(({ phase }) => phase === "filling").map(({ series }) => series)),
);

/** The metrics, and what of them somebody should read in the log. */
function reported({ metrics, logger }: Basis, counted: (events: number) => void): ProcessorDeps["metrics"] {
  const part = "processor";
  return {
    ...metrics.processor,
    batch: (facts) => {
      metrics.processor.batch(facts);
      counted(facts.events);
    },
    retried: (stage, error) => {
      metrics.processor.retried(stage, error);
      logger.warn(
        { err: error, part, stage },
        stage === "ask"
          ? "a question to the store, or for the rules, was not answered; asking again"
          : "the store did not take a batch; trying again",
      );
    },
    narrowed: (events, eventsMax, lacks) =>
      logger.warn(
        { part, events, events_max: eventsMax },
        `the store has not the ${lacks} to roll up ${events} events at once; it is tried with ${eventsMax}. Rules of top_k, uniq or quantiles with many groups take most (\`cost\` of /aggregation-rule); more memory is given by --engine-memory-max`,
      ),
    taken: (partition, err) => {
      metrics.processor.taken();
      logger.warn({ part, partition, err }, "a partition is counted by another process now; this one has let it go");
    },
    broken: (partition, err) =>
      logger.error(
        { part, partition, err },
        "a partition is not counted any more, as its log can't be read on; everything else goes on",
      ),
    ruleStopped: (rule_id, reason) => {
      metrics.processor.ruleStopped();
      logger.error({ part, rule_id, reason }, "the store refused to compute a rule; it is paused");
    },
    rejected: (events, reason) => {
      metrics.processor.rejected(events);
      logger.error({ part, events, reason }, "the store refused events; they are set aside: see /rejects");
    },
  };
}

function limits({ config }: Basis, { positionsPerRecord }: ProcessorParts): ProcessorLimits {
  return {
    batchEventsMax: config.batchEventsMax,
    batchBytesMax: 48 * 2 ** 20,
    flushDelayMs: config.flushDelayMs,
    flushDelayMaxMs: config.flushDelayMaxMs,
    commitDelayMs: 500,
    dedupeIdsMax: config.dedupeIdsMax,
    dedupeIdsLoadedMax: 500_000,
    fillChunkEventsMax: 200_000,
    positionsPerEvent: positionsPerRecord,
    groupsMax: config.groupsMax,
    fillShare: config.fillSharePercent / 100,
    fillPollMs: 250,
    caretakeEveryMs: 60_000,
  };
}
