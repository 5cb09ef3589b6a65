import type { Offset, OffsetRange, Src } from "../event/position.ts";
import { after } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { inTurns } from "../lib/in-turns.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import type { Log, LogRecord } from "../log/log.ts";
import type { Demand } from "../progress/demand.ts";
import type { Store } from "../store/store.ts";
import type { BatchWriter } from "./batch-writer.ts";
import type { Batch } from "./batch.ts";
import { formBatch, rangeOf, settleDoubtful } from "./batch.ts";
import type { CostMeter } from "./cost-meter.ts";
import type { LiveLoad } from "./fill-pace.ts";
import type { GroupRooms } from "./group-rooms.ts";
import type { LivePlans } from "./live-plans.ts";
import { LiveRollup } from "./live-rollup.ts";
import { Pace, type PaceBounds } from "./pace.ts";
import { type ProcessorMetrics, type ProgressWriter, type RuleSource, type Target, incompleteBelow } from "./ports.ts";
import type { Portion } from "./portion.ts";
import type { RuleStopper } from "./rule-stopper.ts";
import type { RecentIds } from "./recent-ids.ts";
import type { Recovered } from "./recover.ts";

export interface PartitionDeps {
  readonly src: Src;
  readonly log: Log;
  readonly store: Store;
  readonly rules: RuleSource;
  readonly writer: BatchWriter;
  readonly progress: ProgressWriter;
  readonly clock: Clock;
  readonly metrics: ProcessorMetrics;
  readonly groups: GroupRooms;
  /** Shared by all partitions, as `portion` and `cost` are. */
  readonly plans: LivePlans;
  readonly portion: Portion;
  readonly cost: CostMeter;
  readonly stopper: RuleStopper;
  readonly limits: PartitionLimits;
  /** Who waits for what is counted; undefined: not known here. */
  readonly demand?: Demand | undefined;
}

export interface PartitionLimits extends PaceBounds {
  readonly batchEventsMax: number;
  readonly batchBytesMax: number;
  readonly commitDelayMs: number;
}

interface Work {
  readonly batch: Batch;
  readonly targets: readonly Target[];
  readonly receivedThrough: number;
  /** From 1 on its events cost more than its statements. */
  readonly largeness: number;
}

/** Large batches that are being written: one rolled up while the raw rows of the next are stored. */
const inFlightMax = 2;

/** Of what a batch may hold: a large one. */
const largeShare = 1 / 3;

/** For so long after events were read or written, more are expected. */
const busyForMs = 1000;

/** How long a read waits for a first record: bounds how old the news may be that nothing is waiting. */
const idleWaitMs = 200;

/**
 * Carries one partition from the log into the store: forms a batch while those before it are written.
 * Order within a batch: raw rows, rollups with the mark, progress, commit.
 */
export class Partition {
  readonly #deps: PartitionDeps;
  readonly #ids: RecentIds;
  readonly #pace: Pace;
  #next: Offset;
  #rawWritten: Promise<void> = Promise.resolve();
  #committedAt = -Infinity;
  #committed: Offset | undefined;
  #written: Offset;
  /** When events were last read, or written, ms of the monotonic clock. */
  #workedAt = -Infinity;
  /** How long the oldest of those that were read last had waited. */
  #lagMs = 0;
  /** What an interrupted write has left, until the work is past it. */
  #handled: Pick<Recovered, "stored" | "rejected">;
  readonly #handledTo: number;
  readonly #rollup: LiveRollup;
  readonly #writing = new Set<Promise<void>>();

  constructor(deps: PartitionDeps, recovered: Recovered) {
    this.#deps = deps;
    this.#rollup = new LiveRollup(deps);
    this.#pace = new Pace(deps.clock, deps.limits, deps.demand);
    this.#ids = recovered.ids;
    this.#next = recovered.next;
    this.#written = recovered.next;
    this.#handled = recovered;
    const { stored, rejected } = recovered;
    this.#handledTo = stored
      .union(rejected)
      .values()
      .reduce((most, off) => Math.max(most, off), -1);
  }

  /** Everything below is stored and rolled up. */
  get written(): Offset {
    return this.#written;
  }

  /** How many ids are remembered. */
  get idsHeld(): number {
    return this.#ids.size;
  }

  get load(): LiveLoad {
    const isExpecting = this.#deps.clock.monotonic() - this.#workedAt < busyForMs;
    const busy = this.#writing.size > 0 || isExpecting;
    // Of what was read last, however long ago that was: who has nothing to do does not lag.
    return { busy, lagMs: busy ? this.#lagMs : 0 };
  }

  /** Works until `stop` aborts, then finishes what it has begun. Rejects when the batch writer gives up. */
  async run(stop: AbortSignal): Promise<void> {
    const inFlight: Promise<void>[] = [];
    while (!stop.aborted) {
      const started = this.#deps.clock.monotonic();
      const through = this.#givenThrough();
      const work = await this.#form(stop).catch(async (error: unknown) => {
        // What was read before is written all the same: where a log is broken, nobody may be able to read it again.
        await Promise.allSettled(inFlight);
        throw error;
      });
      // A read that the end has cut short does not say that nothing waits.
      if (work === null && stop.aborted) break;
      if (work === null) {
        await Promise.all(inFlight.splice(0));
        // Other partitions may have come, which have a part of the memory.
        await inTurns(this.#ids.makeRoom(), this.#deps.clock);
        this.#deps.progress.caughtUp(this.#deps.src, this.#written, through);
        await this.#commit(this.#written);
        continue;
      }
      if (inFlight.length === inFlightMax) await inFlight.shift();
      const writing = this.#write(work, inFlight.at(-1));
      this.#keep(writing);
      inFlight.push(writing);
      // What is read ahead only waits, and every batch has its fixed price: it pays where there is much to do.
      if (work.largeness < 1) await Promise.all(inFlight.splice(0));
      await this.#pace.rest(started, work.largeness, stop);
    }
    await Promise.all(inFlight);
    await this.#deps.log.commit(this.#deps.src, this.#written);
  }

  /** Resolves when nothing of it is being written any more, however that ends. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#writing);
  }

  #keep(writing: Promise<void>): void {
    this.#writing.add(writing);
    const over = (): void => {
      this.#writing.delete(writing);
      this.#workedAt = this.#deps.clock.monotonic();
    };
    // A rejection surfaces where it is awaited; this keeps it from counting as unhandled until then.
    writing.then(over, over);
  }

  /** If a read that begins now gives nothing: what came before it is counted, but what the log may still hold back. */
  #givenThrough(): number {
    const { log, src, clock } = this.#deps;
    const now = clock.now();
    return Math.min(now, log.givenThrough?.(src) ?? now);
  }

  async #form(stop: AbortSignal): Promise<Work | null> {
    const { log, rules, writer, progress, limits, src, clock } = this.#deps;
    const records = await log.read(
      { src, off: this.#next },
      { bytesMax: limits.batchBytesMax, eventsMax: limits.batchEventsMax, waitMs: idleWaitMs, signal: stop },
    );
    if (records.length === 0) return null;
    this.#workedAt = clock.monotonic();
    this.#lagMs = clock.now() - records[0]!.appendedAt;
    progress.working(src, records[0]!.appendedAt);
    const targets = await writer.ask(async () => rules.targets(await rules.current()));
    // By what is known now: a rule may have come while these were read.
    progress.filling(incompleteBelow(rules.known()));
    const batch = await this.#formBatch(
      records,
      rangeOf(records, this.#next, nextActivation(targets, src, this.#next)),
    );
    this.#next = after(batch.range.to);
    return {
      batch,
      targets: targets.filter((target) => isActive(target, batch.range)),
      // There may be no event in it: of what is none, it says so.
      receivedThrough: records.findLast(({ from }) => from <= batch.range.to)!.appendedAt,
      largeness: largenessOf(records, limits),
    };
  }

  async #formBatch(records: readonly LogRecord[], range: OffsetRange): Promise<Batch> {
    const { store, src, clock, metrics, writer } = this.#deps;
    const started = clock.monotonic();
    if (range.from > this.#handledTo) this.#handled = nothing;
    const steps = formBatch({
      range,
      records: records.filter((record) => record.from <= range.to),
      ids: this.#ids,
      stored: this.#handled.stored,
      rejected: this.#handled.rejected,
    });
    const { batch, doubtful } = await inTurns(steps, clock);
    metrics.stage("form", (clock.monotonic() - started) / 1000);
    if (doubtful.length > 0) {
      await this.#rawWritten;
      const keys = doubtful.map(({ key }) => key);
      settleDoubtful(batch, doubtful, await writer.ask(() => store.findIds(src, keys, range.from)));
    }
    return batch;
  }

  /**
   * Raw rows are written one batch after the other, and so are rollups; but while a batch is rolled up, the raw rows of
   * the next are written. What a crash leaves of these is found as stored offsets behind the last mark.
   */
  async #write(work: Work, before: Promise<void> = Promise.resolve()): Promise<void> {
    const { writer, metrics, progress } = this.#deps;
    const { batch } = work;
    this.#rawWritten = this.#rawWritten.then(() => writer.raw(batch, this.#ids));
    await this.#rawWritten;
    passFailpoint("after-raw");
    await before;
    const { range, events, duplicates } = batch;
    await this.#rollup.write(batch, work.targets);
    passFailpoint("after-rollup");
    metrics.batch({
      events,
      duplicates,
      bytes: batch.pieces.reduce((sum, piece) => sum + piece.events.bytes.length, 0),
    });
    this.#written = after(range.to);
    progress.advance(after(range.to), work.receivedThrough, { range, seconds: batch.seconds });
    await this.#commit(after(range.to));
  }

  /** The commit is a hint, so it need not follow every batch; what lies behind it is found by its marks. */
  async #commit(next: Offset): Promise<void> {
    const { clock, limits, log, src } = this.#deps;
    if (next === this.#committed || clock.monotonic() - this.#committedAt < limits.commitDelayMs) return;
    this.#committedAt = clock.monotonic();
    this.#committed = next;
    passFailpoint("before-commit");
    await log.commit(src, next);
  }
}

const nothing = { stored: new Set<number>(), rejected: new Set<number>() };

function largenessOf(records: readonly LogRecord[], { batchEventsMax, batchBytesMax }: PartitionLimits): number {
  const sum = (of: (record: LogRecord) => number): number => records.reduce((total, one) => total + of(one), 0);
  const share = Math.max(
    sum(({ events }) => events.count) / batchEventsMax,
    sum(({ events }) => events.bytes.length) / batchBytesMax,
  );
  return share / largeShare;
}

const isActive = (target: Target, range: OffsetRange): boolean => (target.activation[range.src] ?? 0) <= range.from;

/** The first position behind `from` where a rule begins to be computed live: a batch must end before it. */
function nextActivation(targets: readonly Target[], src: Src, from: Offset): number {
  let next = Infinity;
  for (const { activation } of targets) {
    const at = activation[src] ?? 0;
    if (at > from && at < next) next = at;
  }
  return next;
}
