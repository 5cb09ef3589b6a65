/**
 * Runs one call after the other. Those that wait behind one that fails share its failure instead of trying the same again:
 * otherwise each would wait for a silent server as long as the one before.
 */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #failure: unknown;

  run<T>(call: () => Promise<T>): Promise<T> {
    const failuresBefore = this.#failures;
    const mine = this.#last.then(() => {
      if (this.#failures > failuresBefore) throw this.#failure;
      return this.#noted(call);
    });
    this.#last = mine.catch(() => {});
    return mine;
  }

  async #noted<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      this.#failures += 1;
      this.#failure = error;
      throw error;
    }
  }
}
