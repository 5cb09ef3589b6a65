/** A reading that waits for a place. */
interface Reading {
  /** Its like took long, or failed, the last time. */
  readonly isSlow: () => boolean;
  readonly read: () => Promise<void>;
}

/**
 * The places in which everything live reads the store: so many readings at a time, in the order in which they were asked for. Slow
 * ones have half of the places, so that others don't wait behind them.
 */
export class ReadPlaces {
  readonly #max: number;
  readonly #queue: Reading[] = [];
  #active = 0;
  /** Of these, slow ones. */
  #slow = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Reads when there is a place. The reading does not reject. */
  ask(reading: Reading): void {
    this.#queue.push(reading);
    this.#pump();
  }

  #pump(): void {
    while (this.#active < this.#max) {
      const reading = this.#next();
      if (reading === undefined) return;
      const slow = Number(reading.isSlow());
      this.#active += 1;
      this.#slow += slow;
      void reading.read().finally(() => {
        this.#active -= 1;
        this.#slow -= slow;
        this.#pump();
      });
    }
  }

  #next(): Reading | undefined {
    const slowMax = Math.max(1, Math.floor(this.#max / 2));
    const at = this.#slow < slowMax ? 0 : this.#queue.findIndex(({ isSlow }) => !isSlow());
    return at < 0 ? undefined : this.#queue.splice(at, 1)[0];
  }
}
