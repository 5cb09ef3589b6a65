import type { Clock } from "../../src/lib/clock.ts";

interface Timer {
  due: number;
  readonly everyMs: number | null;
  readonly run: () => void;
}

/** A clock that stands still until it is told to advance. */
export class SimulatedClock implements Clock {
  #now: number;
  #stepped = 0;
  readonly #timers = new Set<Timer>();

  constructor(start = Date.UTC(2026, 0, 17, 19, 30)) {
    this.#now = start;
  }

  now(): number {
    return this.#now + this.#stepped;
  }

  /** Sets the wall clock; no time passes. */
  step(ms: number): void {
    this.#stepped += ms;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer: Timer = { due: this.#now + ms, everyMs: null, run: resolve };
      this.#timers.add(timer);
      signal?.addEventListener("abort", () => (this.#timers.delete(timer), resolve()), { once: true });
    });
  }

  turn(): Promise<void> {
    return Promise.resolve();
  }

  every(ms: number, tick: () => void): () => void {
    const timer: Timer = { due: this.#now + ms, everyMs: ms, run: tick };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** The process stands still so long: what came due meanwhile runs when the clock moves on, once, as with real timers. */
  standStill(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) timer.due = Math.max(timer.due, this.#now);
  }

  /** Moves on by `ms`, running what comes due in order; what that sets off is let settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.due);
      if (next.everyMs === null) this.#timers.delete(next);
      else next.due += next.everyMs;
      next.run();
      await settled();
    }
    this.#now = end;
    await settled();
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.due <= end && timer.due < (first?.due ?? Infinity)) first = timer;
    return first;
  }
}

/** Lets promises that need no timer run to their end. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
