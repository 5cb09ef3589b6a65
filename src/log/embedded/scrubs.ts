import type { WeirError } from "../../lib/errors.ts";

/** Who waits until what lay below an offset is off the disk, by the number under which the writer was asked. */
export class Scrubs {
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();

  add(id: number): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#waiting.set(id, waiting);
    return waiting.promise;
  }

  done(id: number): void {
    this.#waiting.get(id)?.resolve();
    this.#waiting.delete(id);
  }

  stop(error: WeirError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
