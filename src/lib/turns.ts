/** How many may wait, and what one more is refused by. */
export interface Waiting {
  readonly waitingMax: number;
  readonly refusal: () => Error;
}

/** So many at a time; the others wait in the order in which they came. */
export class Turns {
  #free: number;
  readonly #bound: Waiting | undefined;
  readonly #waiting: (() => void)[] = [];

  /** Without a bound any number may wait. */
  constructor(atOnce: number, bound?: Waiting) {
    this.#free = atOnce;
    this.#bound = bound;
  }

  /** How many wait for theirs. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves, when it is the caller's turn, to the function that ends it; to be called once. Who waits no longer leaves the
   * queue: it rejects with the signal's reason when that aborts before, and with the refusal when as many wait as may.
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    return () => this.#end();
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#bound !== undefined && this.#waiting.length >= this.#bound.waitingMax) throw this.#bound.refusal();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(begin), 1);
      reject(signal?.reason);
    };
    const begin = (): void => {
      signal?.removeEventListener("abort", leave);
      resolve();
    };
    this.#waiting.push(begin);
    signal?.addEventListener("abort", leave, { once: true });
    return promise;
  }

  #end(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}
