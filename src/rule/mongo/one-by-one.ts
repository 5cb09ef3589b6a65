/**
 * Runs one call after the other. When the line fails under one, those that wait behind it fail with that, too, instead of
 * trying the same: otherwise each would wait for a silent server as long as the one before.
 */
export class OneByOne {
  readonly #lineFailure: (error: unknown) => unknown;
  #last: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #failure: unknown;

  /** @param lineFailure what failed of the line when a call has; undefined: the failure is that of the call alone. */
  constructor(lineFailure: (error: unknown) => unknown) {
    this.#lineFailure = lineFailure;
  }

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
      const failure = this.#lineFailure(error);
      if (failure !== undefined) {
        this.#failures += 1;
        this.#failure = failure;
      }
      throw error;
    }
  }
}
