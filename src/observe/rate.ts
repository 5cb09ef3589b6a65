import type { Clock } from "../lib/clock.ts";

/** Events per second over the last ten whole seconds, without a timer. */
export class Rate {
  readonly #clock: Clock;
  readonly #counts = new Float64Array(seconds + 1);
  #newest: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#newest = this.#second();
  }

  add(count: number): void {
    this.#advance();
    const slot = this.#newest % this.#counts.length;
    this.#counts[slot] = this.#counts[slot]! + count;
  }

  /** The second that is running is left out: it is not full yet. */
  perSecond(): number {
    this.#advance();
    const running = this.#newest % this.#counts.length;
    return this.#counts.reduce((sum, count, slot) => (slot === running ? sum : sum + count), 0) / seconds;
  }

  #advance(): void {
    const now = this.#second();
    const passed = Math.min(now - this.#newest, this.#counts.length);
    for (let step = 1; step <= passed; step++) this.#counts[(now - passed + step) % this.#counts.length] = 0;
    this.#newest = now;
  }

  #second(): number {
    return Math.floor(this.#clock.monotonic() / 1000);
  }
}

const seconds = 10;
