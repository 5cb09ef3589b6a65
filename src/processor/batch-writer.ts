import type { Clock } from "../lib/clock.ts";
import type { OffsetRange, Src } from "../event/position.ts";
import { offset, overlap, src as srcOf } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import { isDamaged } from "../store/damaged.ts";
import type { RejectedEvent } from "../store/rejects.ts";
import type { Mark, RollupTask, Store } from "../store/store.ts";
import type { Batch } from "./batch.ts";
import { withoutStored } from "./batch.ts";
import { isRefused, isTaken } from "./faulty-rules.ts";
import type { ProcessorMetrics } from "./ports.ts";
import { asRejects, unreadableAsRejects } from "./refused.ts";
import type { RecentIds } from "./recent-ids.ts";
import { Sifter } from "./sift.ts";

const pauseMinMs = 100;
const pauseMaxMs = 5000;
/** What others write into the log can be wrong in any number of ways: so many of a batch are told one by one. */
const reasonsMax = 5;

type WrittenStore = Pick<
  Store,
  | "insertRaw"
  | "takesRows"
  | "storedOffsets"
  | "setAside"
  | "rejectedOffsets"
  | "rollUp"
  | "marks"
  | "fillMarks"
  | "settle"
>;

/**
 * Writes to the store until it has what it shall have. After a failure the outcome is settled by reading: a write is
 * never sent again blind. Rejects only when `signal` aborts, or when another process writes the partition now.
 */
export class BatchWriter {
  readonly #store: WrittenStore;
  readonly #clock: Clock;
  readonly #metrics: ProcessorMetrics;
  readonly #signal: AbortSignal;

  constructor(deps: { store: WrittenStore; clock: Clock; metrics: ProcessorMetrics; signal: AbortSignal }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#metrics = deps.metrics;
    this.#signal = deps.signal;
  }

  /**
   * Writes the raw rows. Events that the store refuses are set aside, and their ids are free again: then they are no events
   * of the batch any more.
   */
  async raw(batch: Batch, ids: Pick<RecentIds, "forget">): Promise<void> {
    const sifter = new Sifter(this.#store, batch);
    const { src, from } = batch.range;
    await this.#persist(
      { stage: "raw", src },
      () => sifter.write(),
      async () => {
        withoutStored(batch.pieces, new Set<number>(await this.#store.storedOffsets(src, from)));
        return false;
      },
    );
    const now = this.#clock.now();
    const rejects = [...asRejects(src, sifter.refused, now), ...unreadableAsRejects(src, batch.unreadable, now)];
    if (rejects.length > 0) await this.#setAside(rejects, ids);
  }

  /**
   * Ids first: as soon as somebody can see an event in quarantine, sending it again must count. What is in quarantine is never
   * tried again at its position, so that its id may be taken by another from then on.
   */
  async #setAside(rejects: readonly RejectedEvent[], ids: Pick<RecentIds, "forget">): Promise<void> {
    for (const { event_id } of rejects) ids.forget(event_id);
    passFailpoint("before-reject");
    let missing = rejects;
    await this.#persist(
      { stage: "reject", src: srcOf(rejects[0]!.src) },
      () => this.#store.setAside(missing),
      async () => {
        const { src } = rejects[0]!;
        const first = rejects.reduce((least, { off }) => Math.min(least, off), Infinity);
        const kept = new Set<number>(await this.#store.rejectedOffsets(srcOf(src), offset(first)));
        missing = missing.filter((reject) => !kept.has(reject.off));
        return missing.length === 0;
      },
    );
    passFailpoint("after-reject");
    const told = [...Map.groupBy(rejects, (reject) => reject.reason)].map(([reason, some]) => ({
      reason,
      events: some.length,
    }));
    for (const { reason, events } of told.slice(0, reasonsMax)) this.#metrics.rejected(events, reason);
    const others = told.slice(reasonsMax).reduce((sum, { events }) => sum + events, 0);
    if (others > 0) this.#metrics.rejected(others, "other reasons; /rejects has them");
  }

  /**
   * Gives up after `attemptsMax` failures, or one of damaged files, with the last one's error and an outcome that is still to be settled; or after
   * `refusalsMax` refusals or `failuresMax` other failures, with the error of one, once it is settled that nothing is written.
   * @returns whether it was written; not when there are more groups than the task allows.
   */
  async rollUp(task: RollupTask, patience: Patience = {}): Promise<boolean> {
    let written = true;
    await this.#persist(
      { stage: "rollup", src: task.range.src },
      async () => {
        written = await this.#store.rollUp(task);
      },
      async () => {
        written = await this.#isMarked(task.marks);
        return written;
      },
      patience,
    );
    return written;
  }

  /** Repeats a question until it is answered. */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await question();
      } catch (error) {
        if (!(error instanceof WeirError) || !error.canRetry) throw error;
        this.#metrics.retried("ask", error);
        await this.#pause(attempt);
      }
    }
  }

  /**
   * Any of the marks will do: they were written together, and those of a rule that has gone meanwhile are gone too.
   * A process marks no position twice: a mark of a part of the range is of somebody who has taken the partition, whatever the claim says.
   */
  async #isMarked(marks: readonly Mark[]): Promise<boolean> {
    const [first] = marks;
    const found =
      first?.series === 0
        ? new Map([[0, await this.#store.marks(0, first.range.src, first.range.from)]])
        : await this.#store.fillMarks(marks.map(({ series }) => series));
    const there = ({ series, range }: Mark): readonly OffsetRange[] =>
      (found.get(series) ?? []).filter((one) => overlap(one, range));
    for (const mark of marks) refuseOthers(mark, there(mark));
    return marks.some((mark) => there(mark).length > 0);
  }

  async #persist(
    { stage, src }: { readonly stage: "raw" | "reject" | "rollup"; readonly src: Src },
    write: () => Promise<void>,
    isDone: () => Promise<boolean>,
    { attemptsMax = Infinity, refusalsMax = Infinity, failuresMax = Infinity, failedBefore = 0 }: Patience = {},
  ): Promise<void> {
    const started = this.#clock.monotonic();
    let settled = true;
    const [refusals, failures]: [unknown[], unknown[]] = [[], []];
    let givenUp: unknown;
    for (let attempt = 0; ; attempt++) {
      try {
        if (!settled) {
          await this.#store.settle(src);
          if (await isDone()) break;
        }
        if (this.#signal.aborted) throw stopping();
        settled = false;
        givenUp = refusals[refusalsMax - 1] ?? failures[failuresMax - 1];
        if (givenUp === undefined) await write();
        break;
      } catch (error) {
        if (isTaken(error) || this.#signal.aborted) throw isTaken(error) ? error : stopping();
        this.#metrics.retried(stage, error);
        (isRefused(error) ? refusals : failures).push(error);
        // What can't be read now is not read a moment later; and looking for the flipped bit takes the engine up to minutes.
        if (attempt + 1 >= attemptsMax || (isDamaged(error) && attemptsMax < Infinity)) throw error;
        await this.#pause(failedBefore + attempt);
      }
    }
    if (givenUp !== undefined) throw givenUp;
    this.#metrics.stage(stage, (this.#clock.monotonic() - started) / 1000);
  }

  async #pause(attempt: number): Promise<void> {
    await this.#clock.sleep(Math.min(pauseMinMs * 2 ** attempt, pauseMaxMs), this.#signal);
    if (this.#signal.aborted) throw stopping();
  }
}

const stopping = (): WeirError =>
  new WeirError(
    "stopping",
    "stopped before the store had the batch; it will be written by who goes on with the partition",
  );

/** How much befalls a write before it is given up. */
export interface Patience {
  readonly attemptsMax?: number;
  readonly refusalsMax?: number;
  readonly failuresMax?: number;
  /** How often it has failed already: then the pauses are no short ones any more. */
  readonly failedBefore?: number;
}

function refuseOthers({ series, range }: Mark, there: readonly OffsetRange[]): void {
  const other = there.find((one) => one.from !== range.from || one.to !== range.to);
  if (other === undefined) return;
  const whose = series === 0 ? "" : ` for the fill of series ${series}`;
  throw new WeirError(
    "store_taken",
    `offsets ${other.from} to ${other.to} of partition ${range.src} are marked as counted${whose}, which this process, about to count ${range.from} to ${range.to}, has not done: another one counts the partition`,
  );
}
