import type { Clock } from "../../lib/clock.ts";
import { boundFor, smallBytes } from "../../lib/last-room.ts";

/** Asking the disk costs some 25 µs; so often it is asked at most. */
const askEveryMs = 100;

export interface SpaceOptions {
  /** The most that kept records may take. */
  readonly bytesMax: number;
  /** The disk must have so much left, or nothing more is taken. */
  readonly freeBytesMin: number;
  /** What the disk has left. */
  readonly freeBytes: () => number;
  readonly clock: Clock;
}

/** Decides whether there is room for more: refusing early leaves everything else on the disk room to go on. */
export class Space {
  readonly #options: SpaceOptions;
  #free = 0;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: SpaceOptions) {
    this.#options = options;
  }

  /** Why `more` bytes, of a request that has so many in all, can't be taken on top of `kept`; undefined when they can. */
  refusal(kept: number, more: number, ofRequest = more): string | undefined {
    const { bytesMax, freeBytesMin } = this.#options;
    if (kept + more > boundFor(ofRequest, bytesMax, kept)) return full(kept, bytesMax, ofRequest);
    if (this.#freeNow() - more < freeBytesMin)
      return `the disk has ${this.#free} bytes left, and ${freeBytesMin} must stay free`;
    return undefined;
  }

  #freeNow(): number {
    const { clock, freeBytes } = this.#options;
    const now = clock.monotonic();
    if (now - this.#askedAt >= askEveryMs) {
      this.#free = freeBytes();
      this.#askedAt = now;
    }
    return this.#free;
  }
}

function full(kept: number, bytesMax: number, ofRequest: number): string {
  const rest = ofRequest > smallBytes ? `, and the last of them are for requests of at most ${smallBytes} bytes` : "";
  return `the log holds ${kept} of at most ${bytesMax} bytes that are not processed yet${rest}`;
}
