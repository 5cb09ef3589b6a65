import type { Offset, OffsetRange, Src } from "../event/position.ts";
import { before, offset, src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { Log } from "../log/log.ts";
import type { Store } from "../store/store.ts";
import { BatchWriter } from "./batch-writer.ts";
import { Caretaker } from "./caretaker.ts";
import { CostMeter } from "./cost-meter.ts";
import type { RuleCost } from "./cost-meter.ts";
import type { LiveLoad } from "./fill-pace.ts";
import { Filler } from "./filler.ts";
import type { FillState } from "./filler.ts";
import { isTaken } from "./faulty-rules.ts";
import { GroupRooms } from "./group-rooms.ts";
import type { PartitionLimits } from "./partition.ts";
import { Partition } from "./partition.ts";
import type { ProcessorMetrics, ProgressWriter, RuleSource } from "./ports.ts";
import { recover } from "./recover.ts";
import { RuleStopper } from "./rule-stopper.ts";

export interface ProcessorDeps {
  readonly log: Log;
  readonly store: Store;
  readonly rules: RuleSource;
  readonly progress: ProgressWriter;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly metrics: ProcessorMetrics;
  readonly report: (message: string, error: unknown) => void;
  /** Called once for each rule that has as many groups as it may. */
  readonly groupsFull: (ruleId: string, bound: number) => void;
  readonly limits: ProcessorLimits;
}

export interface ProcessorLimits extends PartitionLimits {
  readonly dedupeIdsMax: number;
  /** How many of the latest ids a start reads back; the others are looked up in the store when one is needed. */
  readonly dedupeIdsLoadedMax: number;
  readonly fillChunkEventsMax: number;
  /** How many positions so many events may take: as many where positions are dense, and by default. */
  readonly fillChunkPositionsMax?: number;
  /** How many different groups a rule has that says none. */
  readonly groupsMax: number;
  /** How much of the time fills may have while events come, 0 … 1. */
  readonly fillShare: number;
  readonly fillPollMs: number;
  readonly caretakeEveryMs: number;
}

/** Carries every partition of the log into raw rows and rollups, fills new rules, and cleans up behind itself. */
export class Processor {
  readonly #deps: ProcessorDeps;
  readonly #partitions = new Map<number, Partition>();
  readonly #drain = new AbortController();
  readonly #abandon = new AbortController();
  readonly #filler: Filler;
  readonly #writer: BatchWriter;
  readonly #groups: GroupRooms;
  readonly #cost: CostMeter;
  readonly #stopper: RuleStopper;
  readonly #caretaker: Caretaker;
  #running: Promise<unknown> = Promise.resolve();
  #poke: () => void = () => {};

  constructor(deps: ProcessorDeps) {
    this.#deps = deps;
    const { store, clock, metrics, rules, progress, limits } = deps;
    this.#writer = new BatchWriter({ store, clock, metrics, signal: this.#abandon.signal });
    this.#groups = new GroupRooms({ store, groupsMax: limits.groupsMax, full: deps.groupsFull });
    this.#cost = new CostMeter(clock);
    this.#stopper = new RuleStopper({ store, rules, writer: this.#writer, clock, metrics });
    this.#caretaker = new Caretaker({ ...deps, groups: this.#groups });
    this.#filler = new Filler({
      store,
      rules,
      writer: this.#writer,
      progress,
      groups: this.#groups,
      stopper: this.#stopper,
      clock,
      written: (partition) => this.written(partition),
      live: () => this.#load(),
      chunkEventsMax: limits.fillChunkEventsMax,
      positionsMax: limits.fillChunkPositionsMax ?? limits.fillChunkEventsMax,
      share: limits.fillShare,
      report: deps.report,
    });
  }

  /** Reads where to go on. Resolves once counting may begin; the store must be open. */
  async recover(): Promise<void> {
    for (const src of this.#deps.log.sources()) this.#partitions.set(src, await this.#recoverPartition(src));
  }

  /** Works until `drain` or `stop`. Rejects when it can't go on. */
  run(): Promise<void> {
    const loops = [...this.#partitions.values()].map((partition) => partition.run(this.#drain.signal));
    const side = Promise.all([this.#fillLoop(), this.#caretakeLoop()]);
    const all = Promise.all([...loops, side]);
    this.#running = Promise.allSettled([...loops, side]);
    return all.then(() => {});
  }

  /** Finishes the batches that have begun, then resolves. After `graceMs` they are given up; the next start finds them. */
  async drain(graceMs: number): Promise<void> {
    this.#drain.abort();
    this.#poke();
    const settled = new AbortController();
    const patience = this.#deps.clock.sleep(graceMs, settled.signal).then(() => this.#abandon.abort());
    // What hangs in a request to the store is not waited for: its outcome is settled by the next start.
    await Promise.race([this.#running, patience]);
    settled.abort();
  }

  /** Up to where a partition is stored and rolled up. */
  written(partition: number): Offset {
    return this.#partitions.get(partition)?.written ?? offset(0);
  }

  /** What is stored and rolled up, of each partition that has anything. */
  ranges(): readonly OffsetRange[] {
    const all = [...this.#partitions].map(([of, { written }]) => ({
      src: src(of),
      from: offset(0),
      to: before(written),
    }));
    return all.filter(({ to }) => to >= 0);
  }

  /** Drops the windows that no rule needs any more, which is otherwise done now and then. */
  dropOrphans(): Promise<void> {
    return this.#caretaker.dropOrphans();
  }

  /** How far the fill of a series is. */
  fill(series: number): FillState {
    return this.#filler.state(series);
  }

  /** What counting live events for a series costs; null when nothing was counted for it of late. */
  cost(series: number): RuleCost | null {
    return this.#cost.of(series);
  }

  /** How many rules have as many groups as they may. */
  get rulesFull(): number {
    return this.#groups.fullCount;
  }

  #load(): LiveLoad {
    const loads = [...this.#partitions.values()].map((partition) => partition.load);
    return { busy: loads.some(({ busy }) => busy), lagMs: Math.max(0, ...loads.map(({ lagMs }) => lagMs)) };
  }

  async #recoverPartition(src: Src): Promise<Partition> {
    const { log, store, limits, random } = this.#deps;
    const seed = Math.floor(random() * Number.MAX_SAFE_INTEGER);
    const recovered = await this.#writer.ask(() =>
      recover({ log, store, src, idsMax: limits.dedupeIdsMax, idsLoadedMax: limits.dedupeIdsLoadedMax, seed }),
    );
    this.#deps.progress.caughtUp(src, recovered.next, 0);
    return new Partition(
      { ...this.#deps, src, writer: this.#writer, groups: this.#groups, cost: this.#cost, stopper: this.#stopper },
      recovered,
    );
  }

  async #fillLoop(): Promise<void> {
    const stopListening = this.#deps.rules.onChange(() => this.#poke());
    while (!this.#drain.signal.aborted) {
      await this.#attempt("filling a rule from raw events", () => this.#filler.round(this.#drain.signal));
      await this.#untilPoked(this.#deps.limits.fillPollMs);
    }
    stopListening();
  }

  async #caretakeLoop(): Promise<void> {
    const { clock, limits, log } = this.#deps;
    while (!this.#drain.signal.aborted) {
      await this.#attempt("removing what is not needed any more", async () => {
        await this.#caretaker.dropOrphans();
        await this.#caretaker.dropExpired();
        for (const src of log.sources()) await this.#caretaker.forgetMarks(src);
      });
      await clock.sleep(limits.caretakeEveryMs, this.#drain.signal);
    }
  }

  /** Side work is repeated later when it fails; counting does not wait for it. */
  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof WeirError && error.code === "stopping") return;
      if (isTaken(error)) throw error;
      this.#deps.report(`${what} failed and will be tried again`, error);
    }
  }

  async #untilPoked(ms: number): Promise<void> {
    const wake = new AbortController();
    this.#poke = () => wake.abort();
    await this.#deps.clock.sleep(ms, wake.signal);
  }
}
