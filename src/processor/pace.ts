import type { Clock } from "../lib/clock.ts";
import type { Demand } from "../progress/demand.ts";

export interface PaceBounds {
  /** The least time between the beginnings of two batches. */
  readonly flushDelayMs: number;
  /** The same where nobody waits for what is counted. */
  readonly flushDelayMaxMs: number;
}

/** Below this a clock may not see that it has slept. */
const leastMs = 1;

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
   * The larger that one was (1: so large that its events cost more than its statements), the less there is to be won.
   */
  async rest(startedAt: number, largeness: number, stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const left = this.#gapMs(largeness) - (this.#clock.monotonic() - startedAt);
      if (left < leastMs) return;
      await this.#sleep(left, stop);
    }
  }

  #gapMs(largeness: number): number {
    const { flushDelayMs, flushDelayMaxMs } = this.#bounds;
    const most = Math.max(flushDelayMs, Math.min(flushDelayMaxMs, this.#demand?.everyMs ?? 0));
    return flushDelayMs + (most - flushDelayMs) * Math.max(0, 1 - largeness);
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
