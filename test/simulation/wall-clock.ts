/** The machine's wall clock: how far it is off the world's time, and how fast it goes wrong. */
export class WallClock {
  readonly #now: () => number;
  #off = 0;
  #rate = 0;
  #setAt = 0;
  #latest = 0;

  /** `now`: the world's time, ms since the epoch. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How far it is off at this moment, ms. */
  get offset(): number {
    return this.#off + this.#rate * (this.#now() - this.#setAt);
  }

  /** What a process reads on it, whole ms since the epoch. */
  read(): number {
    return Math.floor(this.#now() + this.offset);
  }

  /** The latest time that it has ever shown. */
  get latest(): number {
    return (this.#latest = Math.max(this.#latest, this.read()));
  }

  /** `rate`: ms that it gains, or loses, in each ms. */
  set(offset: number, rate = 0): void {
    this.#latest = this.latest;
    this.#off = offset;
    this.#rate = rate;
    this.#setAt = this.#now();
  }
}
