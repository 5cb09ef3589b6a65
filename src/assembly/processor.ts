import { Processor } from "../processor/processor.ts";
import type { ProcessorDeps, ProcessorLimits } from "../processor/processor.ts";
import type { Basis } from "./basis.ts";
import type { ServedParts } from "./servers.ts";

export interface ProcessorParts extends Pick<ServedParts, "log" | "store" | "rulebook" | "progress"> {
  /** How many positions one event of the log may take. */
  readonly positionsPerRecord: number;
}

const drainMs = 5_000;

/** Resolves when it has found where to go on; it counts from then on. */
export async function startProcessor(basis: Basis, parts: ProcessorParts): Promise<Processor> {
  const { clock, logger, fail, closers } = basis;
  const { log, store, rulebook, progress } = parts;
  const processor = new Processor({
    ...{ log, store, rules: rulebook, progress, clock },
    random: Math.random,
    metrics: reported(basis),
    report: (message, error) => logger.warn({ err: error, part: "processor" }, message),
    groupsFull: (rule_id, max_groups) =>
      logger.warn(
        { part: "processor", rule_id, max_groups },
        "a rule has as many groups as it may; events of further ones go to its overflow",
      ),
    limits: limits(basis, parts),
  });
  await processor.recover();
  processor.run().catch((error: unknown) => fail(error instanceof Error ? error : new Error(String(error))));
  closers.add("processor", () => processor.drain(drainMs));
  return processor;
}

/** The metrics, and what of them somebody should read in the log. */
function reported({ metrics, logger }: Basis): ProcessorDeps["metrics"] {
  const part = "processor";
  return {
    ...metrics.processor,
    retried: (stage, error) => {
      metrics.processor.retried(stage, error);
      logger.warn({ err: error, part, stage }, "the store did not take a batch; trying again");
    },
    taken: (partition, err) => {
      metrics.processor.taken();
      logger.warn({ part, partition, err }, "a partition is counted by another process now; this one has let it go");
    },
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
  const fillChunkEventsMax = 200_000;
  return {
    batchEventsMax: config.batchEventsMax,
    batchBytesMax: 48 * 2 ** 20,
    flushDelayMs: config.flushDelayMs,
    commitDelayMs: 500,
    dedupeIdsMax: config.dedupeIdsMax,
    dedupeIdsLoadedMax: 500_000,
    fillChunkEventsMax,
    fillChunkPositionsMax: fillChunkEventsMax * positionsPerRecord,
    groupsMax: config.groupsMax,
    fillShare: config.fillSharePercent / 100,
    fillPollMs: 250,
    caretakeEveryMs: 60_000,
  };
}
