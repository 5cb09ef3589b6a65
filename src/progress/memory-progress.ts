import type { Clock } from "../lib/clock.ts";
import type { OffsetRange, Src } from "../event/position.ts";
import { before, offset, src as srcOf } from "../event/position.ts";
import { Demand } from "./demand.ts";
import type { Progress, Touched } from "./progress.ts";

interface PartitionState {
  next: number;
  /** Everything received before this time (ms) is counted. */
  through: number;
  /** Since when the oldest event of each batch that has begun has waited, ms of the monotonic clock; oldest batch first. */
  waiting: number[];
  /** When it was last sure that nothing else waits, ms of the monotonic clock. */
  sureAt?: number;
  /** When another process spoke of it last, ms of the monotonic clock; missing: it is this process that counts it. */
  heardAt?: number;
  /** What another process says of its rules: below this position not every one has everything. */
  incompleteBelow?: number;
  /** So far at least the clock of that process is ahead of ours, ms. */
  aheadMs?: number;
}

/** How a partition stands. */
export interface Standing {
  /** Everything below is counted. */
  readonly next: number;
  /** Everything received before this time (ms) is counted; 0: not known. */
  readonly through: number;
  /** How long its oldest event that is not counted has waited, ms. */
  readonly waitedMs: number;
  /** Below this position not every rule has everything. */
  readonly incompleteBelow: number;
}

/** Of whatever nothing is known for so long events may wait: who counts it may have gone, or can't read it. */
const silentMs = 5_000;

interface Waiter {
  readonly ranges: readonly OffsetRange[];
  readonly resolve: () => void;
}

type Activation = Readonly<Record<number, number>>;

/**
 * Progress as this process knows it: of the partitions that it counts the processor writes it, of others what their
 * processes say; everyone else reads it.
 */
export class MemoryProgress implements Progress {
  /** Who waits for what is counted, in this process. */
  readonly demand = new Demand();
  readonly #clock: Clock;
  readonly #partitions = new Map<number, PartitionState>();
  readonly #waiters = new Set<Waiter>();
  readonly #touchedListeners = new Set<(touched: Touched) => void>();
  readonly #seriesListeners = new Set<(series: number) => void>();
  /** Undefined: this process counts, and does not know yet which rules are being filled. */
  #filling: readonly Activation[] | undefined = [];
  #knowsFills = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isCounted(ranges: readonly OffsetRange[]): boolean {
    return ranges.every((range) => this.#isRangeCounted(range));
  }

  waitCounted(ranges: readonly OffsetRange[], signal: AbortSignal): Promise<boolean> {
    if (this.isCounted(ranges)) return Promise.resolve(true);
    if (signal.aborted) return Promise.resolve(false);
    const wantsNoMore = this.want(0);
    return new Promise((resolve) => {
      const done = (counted: boolean): void => {
        wantsNoMore();
        this.#waiters.delete(waiter);
        signal.removeEventListener("abort", aborted);
        resolve(counted);
      };
      const aborted = (): void => done(false);
      const waiter = { ranges, resolve: () => done(true) };
      this.#waiters.add(waiter);
      signal.addEventListener("abort", aborted, { once: true });
    });
  }

  want(everyMs: number): () => void {
    return this.demand.want(everyMs);
  }

  countedThrough(): number {
    if (this.#partitions.size === 0) return 0;
    return Math.min(...[...this.#partitions.values()].map((partition) => partition.through));
  }

  lagMs(): number {
    const now = this.#clock.monotonic();
    // Whole, as clients may have it as an integer; and 0 says that nothing waits.
    return Math.ceil(Math.max(0, ...[...this.#partitions.values()].map((partition) => waitedMs(partition, now))));
  }

  /** What is counted, of each partition of which anything is. */
  ranges(): readonly OffsetRange[] {
    const counted = [...this.#partitions].filter(([, { next }]) => next > 0);
    return counted.map(([of, { next }]) => ({ src: srcOf(of), from: offset(0), to: before(offset(next)) }));
  }

  /** Undefined: nothing is known of the partition. */
  standing(src: number): Standing | undefined {
    const partition = this.#partitions.get(src);
    if (partition === undefined) return undefined;
    const { next, through, incompleteBelow } = partition;
    const below = this.#filledBelow(src, partition);
    const waited = waitedMs(partition, this.#clock.monotonic());
    return { next, through, waitedMs: waited, incompleteBelow: Math.max(below, incompleteBelow ?? 0) };
  }

  /** Partitions of which no process has said anything for some seconds. */
  silent(): readonly Src[] {
    const since = this.#clock.monotonic() - silentMs;
    return [...this.#partitions].filter(([, { heardAt = Infinity }]) => heardAt < since).map(([of]) => srcOf(of));
  }

  /** For how long nothing has been said of the one of them that has been silent the longest. */
  silenceMs(): number {
    const now = this.#clock.monotonic();
    return Math.max(0, ...[...this.#partitions.values()].map(({ heardAt = now }) => now - heardAt));
  }

  /** How far the clock of any process that counts is ahead of this one's at least, ms; 0: none is, as far as is known. */
  clockAheadMs(): number {
    return Math.max(0, ...[...this.#partitions.values()].map(({ aheadMs = 0 }) => aheadMs));
  }

  onTouched(listener: (touched: Touched) => void): () => void {
    this.#touchedListeners.add(listener);
    return () => this.#touchedListeners.delete(listener);
  }

  onSeriesChanged(listener: (series: number) => void): () => void {
    this.#seriesListeners.add(listener);
    return () => this.#seriesListeners.delete(listener);
  }

  advance(next: number, receivedThrough: number, touched: Touched): void {
    const { src } = touched.range;
    const { waiting = [] } = this.#partitions.get(src) ?? {};
    const sureAt = this.#clock.monotonic();
    this.#reached(src, { next, through: receivedThrough, waiting: waiting.slice(1), sureAt });
    this.touch(touched);
  }

  caughtUp(src: Src, next: number, at: number): void {
    // Not the later one of this and what was before: a clock that was ahead, and set right, would call windows final for hours.
    const through = at === 0 ? (this.#partitions.get(src)?.through ?? 0) : at;
    this.#reached(src, { next, through, waiting: [], sureAt: this.#sureAt(src, at) });
  }

  /** What is said again makes nothing surer; and a clock that is set makes nothing less sure than it was. */
  #sureAt(src: Src, at: number): number {
    const now = this.#clock.monotonic();
    const { through, sureAt } = this.#partitions.get(src) ?? {};
    if (at === 0 || at === through) return sureAt ?? now;
    const said = now - Math.max(0, this.#clock.now() - at);
    return Math.max(sureAt ?? said, said);
  }

  /** Also what was under way when the partition was let go is said here, at its end: it is another's all the same. */
  #reached(src: Src, state: Pick<PartitionState, "next" | "through" | "waiting" | "sureAt">): void {
    this.#partitions.set(src, { ...this.#partitions.get(src), ...state, next: this.#from(src, state.next) });
    this.#wake();
  }

  working(src: Src, receivedAt: number): void {
    const partition = this.#partitions.get(src);
    const since = this.#clock.monotonic() - Math.max(0, this.#clock.now() - receivedAt);
    if (partition === undefined) this.#partitions.set(src, { next: 0, through: receivedAt, waiting: [since] });
    else partition.waiting.push(since);
  }

  /** This process counts the partition from now on. Who did before it may not have told what it has counted at last. */
  takenUp(src: Src, next: number): void {
    const { next: known = next, through = 0 } = this.#partitions.get(src) ?? {};
    if (!this.#knowsFills) this.#filling = undefined;
    this.#partitions.set(src, { next: Math.max(known, next), through, waiting: [], sureAt: this.#clock.monotonic() });
    this.#wake();
    if (next > known) this.touch({ range: { src, from: offset(known), to: before(offset(next)) }, seconds: null });
  }

  /** Another process counts the partition from now on, and will speak of it. */
  letGo(src: Src): void {
    const { next = 0, through = 0 } = this.#partitions.get(src) ?? {};
    this.#partitions.set(src, { next, through, waiting: [], heardAt: this.#clock.monotonic() });
  }

  /** Partitions that others count, of which nothing has been heard yet: below `next` they are counted, in all rules but those being filled. */
  expect(src: Src, next: number): void {
    if (this.#partitions.has(src)) return;
    const heardAt = this.#clock.monotonic();
    this.#partitions.set(src, { next, through: 0, waiting: [], heardAt, incompleteBelow: next });
  }

  /**
   * How a partition stands by what the process says that counts it; with what it has counted since, if anything. Of one
   * that is counted here, who had it before may still speak: that is known already. By a clock that is ahead of ours windows
   * would be final while events of theirs come: none is before ours says so too.
   */
  heard(src: Src, { next, through, waitedMs: waited, incompleteBelow }: Standing, touched?: Touched): void {
    const known = this.#partitions.get(src);
    if (known !== undefined && known.heardAt === undefined) return;
    const [now, time] = [this.#clock.monotonic(), this.#clock.now()];
    const waiting = waited > 0 ? [now - waited] : [];
    this.#partitions.set(src, {
      ...{ next: this.#from(src, next), through: through === 0 ? (known?.through ?? 0) : Math.min(through, time) },
      ...{ waiting, heardAt: now, incompleteBelow, aheadMs: through - time },
    });
    this.#wake();
    if (touched !== undefined) this.touch(touched);
  }

  /** Windows may have changed. */
  touch(touched: Touched): void {
    for (const listener of this.#touchedListeners) listener(touched);
  }

  filling(activations: readonly Activation[]): void {
    this.#filling = activations;
    this.#knowsFills = true;
    this.#wake();
  }

  seriesChanged(series: number): void {
    for (const listener of this.#seriesListeners) listener(series);
  }

  /** What is counted stays so, whoever says less of it. */
  #from(src: number, next: number): number {
    return Math.max(next, this.#partitions.get(src)?.next ?? 0);
  }

  /** An event below the activation of a rule that is being filled is not in every active rule yet. */
  #isRangeCounted(range: OffsetRange): boolean {
    const partition = this.#partitions.get(range.src);
    if (partition === undefined || partition.next <= range.to) return false;
    const below = Math.max(partition.incompleteBelow ?? 0, this.#filledBelow(range.src, partition));
    return below <= range.from;
  }

  /** Below this position not every rule has everything, as far as this process knows: at first it may be any. */
  #filledBelow(src: number, { next, heardAt }: PartitionState): number {
    if (this.#filling === undefined) return heardAt === undefined ? next : 0;
    return Math.max(0, ...this.#filling.map((activation) => activation[src] ?? 0));
  }

  #wake(): void {
    for (const waiter of this.#waiters) if (this.isCounted(waiter.ranges)) waiter.resolve();
  }
}

/** The oldest of what is being counted is known; where nothing is, more may wait than was given. */
function waitedMs({ waiting, heardAt, sureAt = Infinity }: PartitionState, now: number): number {
  const silence = now - (heardAt ?? (waiting.length === 0 ? sureAt : Infinity));
  return Math.max(0, silence > silentMs ? silence : 0, ...waiting.map((since) => now - since));
}
