import { WeirError } from "../lib/errors.ts";

/** So many at a time; who comes when all are taken is refused, not kept waiting. */
export class Slots {
  readonly #max: number;
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes one and answers how to give it back, which may be called again.
   * @throws WeirError `overloaded` when all are taken. */
  take(what: string): () => void {
    if (this.#taken >= this.#max)
      throw new WeirError("overloaded", `${this.#max} ${what} already; try again`, { canRetry: true });
    this.#taken += 1;
    let taken = true;
    return () => {
      if (taken) this.#taken -= 1;
      taken = false;
    };
  }
}
