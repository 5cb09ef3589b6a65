import type { Src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError, messageOf } from "../lib/errors.ts";
import type { Log } from "../log/log.ts";
import type { Demand } from "../progress/demand.ts";
import { isDamaged, restOfDamagedMs } from "../store/damaged.ts";
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
import { LivePlans } from "./live-plans.ts";
import type { PartitionLimits } from "./partition.ts";
import { Partition } from "./partition.ts";
import { Partitions } from "./partitions.ts";
import type { Befallen } from "./partitions.ts";
import { type ProcessorMetrics, type ProgressWriter, type RuleSource, incompleteBelow } from "./ports.ts";
import { Portion } from "./portion.ts";
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
  /** Who waits for what is counted; undefined: not known here. */
  readonly demand?: Demand | undefined;
}

export interface ProcessorLimits extends PartitionLimits {
  /** Over all partitions. */
  readonly dedupeIdsMax: number;
  /** How many of the latest ids of a partition a start reads back; the others are looked up in the store when one is needed. */
  readonly dedupeIdsLoadedMax: number;
  readonly fillChunkEventsMax: number;
  /** How many positions an event may take: one where they are dense, and by default. */
  readonly positionsPerEvent?: number;
  /** How many different groups a rule has that says none. */
  readonly groupsMax: number;
  /** How much of the time fills may have while events come, 0 … 1. */
  readonly fillShare: number;
  readonly fillPollMs: number;
  readonly caretakeEveryMs: number;
}

/**
 * Carries the partitions of the log that are its own, of a log of its own all of them, into raw rows and rollups, fills new
 * rules, and cleans up behind itself.
 */
export class Processor {
  readonly #deps: ProcessorDeps;
  readonly #partitions: Partitions;
  readonly #started = Promise.withResolvers<void>();
  readonly #drain = new AbortController();
  readonly #abandon = new AbortController();
  readonly #filler: Filler;
  readonly #writer: BatchWriter;
  readonly #groups: GroupRooms;
  readonly #plans = new LivePlans();
  readonly #portion = new Portion();
  readonly #cost: CostMeter;
  readonly #stopper: RuleStopper;
  readonly #caretaker: Caretaker;
  /** What of the side work fails at the moment, and with what it failed last: what lasts is news once. */
  readonly #failing = new Map<string, string>();
  /** What of it is left alone until then, by the monotonic clock. */
  readonly #resting = new Map<string, number>();
  #running: Promise<unknown> = Promise.resolve();
  #poke: () => void = () => {};

  constructor(deps: ProcessorDeps) {
    this.#deps = deps;
    const { store, clock, metrics, rules, progress, limits } = deps;
    this.#writer = new BatchWriter({ store, clock, metrics, signal: this.#abandon.signal });
    const share = (): number => this.#share();
    this.#groups = new GroupRooms({ store, clock, groupsMax: limits.groupsMax, full: deps.groupsFull, share });
    this.#cost = new CostMeter(clock);
    this.#stopper = new RuleStopper({ store, rules, writer: this.#writer, clock, metrics });
    this.#caretaker = new Caretaker({ ...deps, groups: this.#groups });
    this.#partitions = this.#newPartitions();
    this.#filler = new Filler({
      store,
      rules,
      writer: this.#writer,
      progress,
      groups: this.#groups,
      stopper: this.#stopper,
      clock,
      ours: (partition) => this.#partitions.get(partition)?.written,
      taken: (src, error) => this.#partitions.lose(src, error),
      live: () => this.#load(),
      chunkEventsMax: limits.fillChunkEventsMax,
      positionsPerEvent: limits.positionsPerEvent ?? 1,
      share: limits.fillShare,
      report: deps.report,
    });
  }

  /** Reads where to go on. Resolves once counting may begin; the store must be open. */
  async recover(): Promise<void> {
    const { shared, sources } = { shared: this.#deps.log.shared, sources: this.#deps.log.sources() };
    if (shared === undefined) await this.#partitions.assigned(sources, 0);
    else await shared.membership.join(this.#partitions);
    await this.#partitions.allTakenUp();
  }

  /** Works until `drain`. Rejects when it can't go on. */
  run(): Promise<void> {
    this.#started.resolve();
    const side = Promise.all([this.#fillLoop(), this.#caretakeLoop()]);
    this.#running = side.catch(() => {});
    return Promise.race([this.#partitions.failed, side.then(() => {})]);
  }

  /** Finishes the batches that have begun, then resolves. After `graceMs` they are given up; who goes on finds them. */
  async drain(graceMs: number): Promise<void> {
    this.#drain.abort();
    this.#started.resolve();
    this.#poke();
    const settled = new AbortController();
    const patience = this.#deps.clock.sleep(graceMs, settled.signal).then(() => this.#abandon.abort());
    // What hangs in a request to the store is not waited for: its outcome is settled by who goes on.
    await Promise.all([Promise.race([this.#running, patience]), this.#partitions.drain(graceMs)]);
    settled.abort();
    await this.#deps.log.shared?.membership.leave();
  }

  /** The partitions that this process counts now. */
  sources(): readonly Src[] {
    return this.#partitions.list().map(([src]) => src);
  }

  /** Those of its partitions that it does not count, since their log can't be read on. */
  broken(): readonly Src[] {
    return this.#partitions.broken();
  }

  /** Resolves when the piece of a fill that is under way is written or has failed: the next goes by what is stored by then. */
  filled(): Promise<void> {
    return this.#filler.idle();
  }

  /** Nothing of the store is damaged any more, as far as is known: what rests for that goes on. */
  mended(): void {
    this.#resting.clear();
    this.#filler.mended();
    this.#poke();
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

  /** How many ids of events are remembered, of all partitions. */
  get idsHeld(): number {
    return this.#partitions.list().reduce((sum, [, { idsHeld }]) => sum + idsHeld, 0);
  }

  #load(): LiveLoad {
    const loads = this.#partitions.list().map(([, partition]) => partition.load);
    return { busy: loads.some(({ busy }) => busy), lagMs: Math.max(0, ...loads.map(({ lagMs }) => lagMs)) };
  }

  /** How much of the log is counted here. */
  #share(): number {
    const { shared } = this.#deps.log;
    if (shared === undefined) return 1;
    return Math.min(1, Math.max(1, this.sources().length) / this.#deps.log.sources().length);
  }

  #newPartitions(): Partitions {
    const { clock, progress } = this.#deps;
    return new Partitions({
      clock,
      started: this.#started.promise,
      open: (src, abandon) => this.#open(src, abandon),
      takenUp: (src) => {
        progress.takenUp(src, this.#partitions.get(src)!.written);
        this.#filler.readAgain();
        this.#groups.takenUp();
      },
      befell: (src, error) => this.#befell(src, error),
      letGo: (src) => progress.letGo(src),
    });
  }

  /** Takes a partition over, and reads how far it is. */
  async #open(src: Src, abandon: AbortSignal): Promise<Partition> {
    const { store, clock, metrics, limits, random, report } = this.#deps;
    const seed = Math.floor(random() * Number.MAX_SAFE_INTEGER);
    const writer = new BatchWriter({ store, clock, metrics, signal: AbortSignal.any([abandon, this.#abandon.signal]) });
    await this.#filler.leaves(src);
    // Partitions come and go: each has as much of the memory as any other that is here.
    const idsShare = (): number => 1 / Math.max(1, this.#partitions.count);
    const ids = { idsMax: limits.dedupeIdsMax, idsLoadedMax: limits.dedupeIdsLoadedMax, idsShare, seed };
    const recovered = await writer.ask(() =>
      recover({ ...this.#deps, ...ids, src, abandon, odd: (what) => report(what, undefined) }),
    );
    return new Partition(
      {
        ...{ ...this.#deps, src, writer, groups: this.#groups },
        ...{ plans: this.#plans, portion: this.#portion, cost: this.#cost, stopper: this.#stopper },
      },
      recovered,
    );
  }

  /**
   * Where others count too, one of them may have been given the partition. One that can't be read on stays with this process,
   * uncounted: else it would end all of them, one after the other, and with them what does not need it.
   */
  #befell(src: Src, error: unknown): Befallen {
    const { shared } = this.#deps.log;
    if (shared === undefined) return "fatal";
    if (isBreak(error)) {
      this.#deps.metrics.broken(src, error);
      return "broken";
    }
    if (!isTaken(error)) return "fatal";
    this.#deps.metrics.taken(src, error);
    shared.membership.taken(src);
    return "taken";
  }

  #isOurs(src: Src): boolean {
    return this.#partitions.get(src) !== undefined || this.#partitions.broken().includes(src);
  }

  async #fillLoop(): Promise<void> {
    const stopListening = this.#deps.rules.onChange(() => this.#rulesChanged());
    while (!this.#drain.signal.aborted) {
      await this.#attempt("filling a rule from raw events", () => this.#filler.round(this.#drain.signal));
      await this.#untilPoked(this.#deps.limits.fillPollMs);
    }
    stopListening();
  }

  /** Said before a change is answered: who asks then must not hear that events are counted which a new rule does not have yet. */
  #rulesChanged(): void {
    const { progress, rules } = this.#deps;
    progress.filling(incompleteBelow(rules.known()));
    this.#poke();
  }

  async #caretakeLoop(): Promise<void> {
    const { clock, limits, log } = this.#deps;
    while (!this.#drain.signal.aborted) {
      const ours = log.sources().filter((src) => this.#isOurs(src));
      // What concerns all partitions is done by one of those who share them.
      if (ours[0] === log.sources()[0]) {
        await this.#care("removing windows that no rule needs", () => this.#caretaker.dropOrphans());
        await this.#care("removing windows that have expired", () => this.#caretaker.dropExpired());
      }
      await this.#care("forgetting the groups of rules that are gone", () => this.#caretaker.forgetRooms());
      for (const src of ours) {
        await this.#care(`forgetting marks of partition ${src}`, () => this.#caretaker.forgetMarks(src));
        if (this.#partitions.get(src) !== undefined)
          await this.#care(`joining marks of fills of partition ${src}`, () => this.#joinFillMarks(src));
      }
      await clock.sleep(limits.caretakeEveryMs, this.#drain.signal);
    }
  }

  /** A deletion that fails of damaged files costs the engine much: it is not tried each time. */
  async #care(what: string, work: () => Promise<void>): Promise<void> {
    const { clock } = this.#deps;
    if (clock.monotonic() < (this.#resting.get(what) ?? 0)) return;
    const rest = (error: unknown): never => {
      if (isDamaged(error)) this.#resting.set(what, clock.monotonic() + restOfDamagedMs);
      throw error;
    };
    await this.#attempt(what, () => work().catch(rest));
  }

  async #joinFillMarks(src: Src): Promise<void> {
    try {
      await this.#caretaker.joinFillMarks(src);
    } catch (error) {
      if (!isTaken(error)) throw error;
      this.#partitions.lose(src, error);
    }
  }

  /** Side work is repeated later when it fails; counting does not wait for it. */
  async #attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failing.delete(what);
    } catch (error) {
      if (error instanceof WeirError && error.code === "stopping") return;
      if (isTaken(error)) throw error;
      const isNews = this.#failing.get(what) !== messageOf(error);
      this.#failing.set(what, messageOf(error));
      if (isNews) this.#deps.report(`${what} failed and will be tried again`, error);
    }
  }

  async #untilPoked(ms: number): Promise<void> {
    const wake = new AbortController();
    this.#poke = () => wake.abort();
    await this.#deps.clock.sleep(ms, wake.signal);
  }
}

/** Records of the log are gone, or are not what was written. */
const isBreak = (error: unknown): boolean =>
  error instanceof WeirError && (error.code === "log_gap" || error.code === "log_damaged");
