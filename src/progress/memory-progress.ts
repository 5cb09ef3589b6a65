import type { Clock } from "../lib/clock.ts";
import type { OffsetRange, Src } from "../event/position.ts";
import type { Progress, Touched } from "./progress.ts";

interface PartitionState {
  next: number;
  /** Everything received before this time (ms) is counted. */
  through: number;
  /** Since when the oldest event of each batch that has begun has waited, ms of the monotonic clock; oldest batch first. */
  waiting: number[];
}

interface Waiter {
  readonly ranges: readonly OffsetRange[];
  readonly resolve: () => void;
}

type Activation = Readonly<Record<number, number>>;

/** Progress of processors in this process: the processor writes it, everyone else reads it. */
export class MemoryProgress implements Progress {
  readonly #clock: Clock;
  readonly #partitions = new Map<number, PartitionState>();
  readonly #waiters = new Set<Waiter>();
  readonly #touchedListeners = new Set<(touched: Touched) => void>();
  readonly #seriesListeners = new Set<(series: number) => void>();
  #filling: readonly Activation[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  isCounted(ranges: readonly OffsetRange[]): boolean {
    return ranges.every((range) => this.#isRangeCounted(range));
  }

  waitCounted(ranges: readonly OffsetRange[], signal: AbortSignal): Promise<boolean> {
    if (this.isCounted(ranges)) return Promise.resolve(true);
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (counted: boolean): void => {
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

  countedThrough(): number {
    if (this.#partitions.size === 0) return 0;
    return Math.min(...[...this.#partitions.values()].map((partition) => partition.through));
  }

  lagMs(): number {
    const waiting = [...this.#partitions.values()].flatMap((partition) => partition.waiting);
    return waiting.length === 0 ? 0 : Math.max(0, this.#clock.monotonic() - Math.min(...waiting));
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
    const waiting = this.#partitions.get(touched.range.src)?.waiting.slice(1) ?? [];
    this.#partitions.set(touched.range.src, { next, through: receivedThrough, waiting });
    this.#wake();
    for (const listener of this.#touchedListeners) listener(touched);
  }

  caughtUp(src: Src, next: number, at: number): void {
    // Not the later one of this and what was before: a clock that was ahead, and set right, would call windows final for hours.
    this.#partitions.set(src, { next, through: at, waiting: [] });
    this.#wake();
  }

  working(src: Src, receivedAt: number): void {
    const partition = this.#partitions.get(src);
    const since = this.#clock.monotonic() - Math.max(0, this.#clock.now() - receivedAt);
    if (partition === undefined) this.#partitions.set(src, { next: 0, through: receivedAt, waiting: [since] });
    else partition.waiting.push(since);
  }

  letGo(src: Src): number {
    const partition = this.#partitions.get(src);
    if (partition !== undefined) partition.waiting = [];
    return partition?.through ?? 0;
  }

  isAwaited(): boolean {
    return this.#waiters.size > 0;
  }

  filling(activations: readonly Activation[]): void {
    this.#filling = activations;
    this.#wake();
  }

  seriesChanged(series: number): void {
    for (const listener of this.#seriesListeners) listener(series);
  }

  /** An event below the activation of a rule that is being filled is not in every active rule yet. */
  #isRangeCounted(range: OffsetRange): boolean {
    const partition = this.#partitions.get(range.src);
    if (partition === undefined || partition.next <= range.to) return false;
    return this.#filling.every((activation) => (activation[range.src] ?? 0) <= range.from);
  }

  #wake(): void {
    for (const waiter of this.#waiters) if (this.isCounted(waiter.ranges)) waiter.resolve();
  }
}
