import type { Clock } from "./clock.ts";

/** Corrections of this size are how clocks are kept right. */
const stepMs = 10_000;
const believedAfterMs = 3_600_000;

/**
 * The wall clock for who deletes by it: when it leaps ahead, that is not believed for an hour, in which somebody can set it
 * right. A leap back is believed at once, as nothing is deleted too early by it. So is the time of the start.
 */
export class BelievedTime {
  readonly #clock: Pick<Clock, "now" | "monotonic">;
  /** Wall time less monotonic time, as it is believed. */
  #offset: number;
  /** Since when the wall clock has been ahead, ms of the monotonic clock. */
  #aheadSince: number | null = null;

  constructor(clock: Pick<Clock, "now" | "monotonic">) {
    this.#clock = clock;
    this.#offset = clock.now() - clock.monotonic();
  }

  /** Ms since the epoch. */
  now(): number {
    const monotonic = this.#clock.monotonic();
    const offset = this.#clock.now() - monotonic;
    const isAhead = offset - this.#offset >= stepMs;
    this.#aheadSince = isAhead ? (this.#aheadSince ?? monotonic) : null;
    if (this.#aheadSince === null || monotonic - this.#aheadSince >= believedAfterMs) {
      this.#offset = offset;
      this.#aheadSince = null;
    }
    return this.#offset + monotonic;
  }
}
