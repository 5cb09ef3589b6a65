import type { Clock } from "../lib/clock.ts";
import type { Demand } from "../progress/demand.ts";

export interface PaceBounds {
  /** The least time between the beginnings of two batches. */
  readonly flushDelayMs: number;
  /** The same where nobody waits for what is counted. */
  readonly flushDelayMaxMs: number;
}

/**
 * Every batch has its fixed price, however little is in it: fewer, larger ones are made where nobody would notice. Without
 * a `demand` it is not known who waits, and somebody may.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #bounds: PaceBounds;
  readonly #demand: Demand | undefined;

  constructor(clock: Clock, bounds: PaceBounds, demand: Demand | undefined) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#demand = demand;
  }

  /**
   * Resolves when a batch may begin after one that began at `startedAt` (ms of the monotonic clock), or when `stop` aborts.
   * After a large one much may be left to do, and what is large enough already need not wait to become so.
   */
  async rest(startedAt: number, wasLarge: boolean, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const gapMs = wasLarge ? this.#bounds.flushDelayMs : this.#gapMs();
      const left = gapMs - (this.#clock.monotonic() - startedAt);
      if (left <= 0) return;
      await this.#sleep(left, stop);
    }
  }

  #gapMs(): number {
    const { flushDelayMs, flushDelayMaxMs } = this.#bounds;
    return Math.max(flushDelayMs, Math.min(flushDelayMaxMs, this.#demand?.everyMs ?? 0));
  }

  /** For `ms`, or until somebody comes who is more impatient. */
  async #sleep(ms: number, stop: AbortSignal): Promise<void> {
    const over = new AbortController();
    const wake = (): void => over.abort();
    stop.addEventListener("abort", wake, { once: true });
    const unheard = this.#demand?.onMore(wake);
    await this.#clock.sleep(ms, over.signal);
    unheard?.();
    stop.removeEventListener("abort", wake);
  }
}
