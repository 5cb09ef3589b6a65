const least = 1024;
const step = 4;
/** After so many ranges it is tried whether fewer will do: one of them at most is rolled up twice. */
const ranges = 1000;

/**
 * A number of groups that a range hardly exceeds, found by trying. The fewer groups a range may have, the longer the room of
 * the rules lasts until they have to be counted; one that has more is refused by the store and done again.
 */
export class LikelyGroups {
  #groups = least;
  #written = 0;

  /** What to tell the store of a range with so many events. Undefined: nothing, a rule has no more groups than that anyway. */
  boundFor(events: number): number | undefined {
    // The store counts the groups of several rules together, so that they can be more than the events.
    return this.#groups < events ? this.#groups : undefined;
  }

  /** A range was written, or was refused as it has more groups. */
  note(written: boolean): void {
    this.#written = written ? this.#written + 1 : 0;
    if (!written) this.#groups *= step;
    if (this.#written < ranges) return;
    this.#written = 0;
    this.#groups = Math.max(least, this.#groups / step);
  }
}
