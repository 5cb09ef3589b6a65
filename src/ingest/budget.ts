import { WeirError } from "../lib/errors.ts";
import { boundFor } from "../lib/last-room.ts";

/** The bytes of request bodies that are in memory, over all requests, with a bound. */
export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A share that grows while a body arrives, and is given back as a whole. */
  share(): BodyShare {
    let taken = 0;
    return {
      grow: (bytes) => {
        if (this.#bytes + bytes > boundFor(taken + bytes, this.#bytesMax, this.#bytes - taken)) {
          throw new WeirError(
            "overloaded",
            `${this.#bytes} bytes of requests are in flight; the bound is ${this.#bytesMax}`,
            { canRetry: true, retryAfterMs: 1000 },
          );
        }
        this.#bytes += bytes;
        taken += bytes;
      },
      release: () => {
        this.#bytes -= taken;
        taken = 0;
      },
    };
  }
}

export interface BodyShare {
  /** @throws WeirError `overloaded`; then nothing was added. */
  grow(bytes: number): void;
  /** May be called again without effect. */
  release(): void;
}
