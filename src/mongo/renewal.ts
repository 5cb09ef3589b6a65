import type { Clock } from "../lib/clock.ts";

/** So long without an answer, and each time so long again, the line is laid anew. */
const renewMs = 10_000;

/**
 * Lays the line to a server anew when it has not answered for long: a client whose own watch over the server hangs does not
 * find it again by itself. Whoever asks the server asks by this.
 */
export class Renewal {
  readonly #clock: Clock;
  readonly #renew: () => void;
  /** When the first question was asked that has had no answer, with none since; ms of the monotonic clock. */
  #silentSince: number | undefined;

  constructor(clock: Clock, renew: () => void) {
    this.#clock = clock;
    this.#renew = renew;
  }

  /** The outcome of the call. One that is refused counts as one without an answer: not all failures say which it is. */
  async ask<T>(call: () => Promise<T>): Promise<T> {
    const askedAt = this.#clock.monotonic();
    try {
      const answer = await call();
      this.#silentSince = undefined;
      return answer;
    } catch (error) {
      this.#failed(askedAt);
      throw error;
    }
  }

  #failed(askedAt: number): void {
    const now = this.#clock.monotonic();
    this.#silentSince ??= askedAt;
    if (now - this.#silentSince < renewMs) return;
    this.#silentSince = now;
    this.#renew();
  }
}
