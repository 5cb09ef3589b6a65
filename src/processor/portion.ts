/** Below the size that failed last it grows quickly, at it after so many parts. */
const partsBefore = { below: 4, at: 64 };

/**
 * How many events are rolled up at once where the store has not the memory, or the time, for a whole batch: half of what has
 * failed, and more again as long as that goes well. What fails is done twice, so that it is seldom tried how much more will do.
 * The memory is the store's: what is too much for one partition is so for all that are rolled up beside it.
 */
export class Portion {
  #eventsMax = Infinity;
  #failedAt = Infinity;
  #written = 0;

  get eventsMax(): number {
    return this.#eventsMax;
  }

  /** So many were too many. Answers whether there is a smaller part. */
  tooMany(events: number): boolean {
    // Another partition may have begun with more before it was known what is too much.
    this.#failedAt = Math.min(this.#failedAt, events);
    this.#eventsMax = Math.max(1, Math.min(this.#eventsMax, Math.floor(events / 2)));
    this.#written = 0;
    return this.#eventsMax < events;
  }

  /** So many were written at once. */
  written(events: number): void {
    if (events >= this.#failedAt) this.#failedAt = Infinity;
    // The last part of a batch says little.
    if (events < this.#eventsMax) return;
    this.#written += 1;
    const isBelow = 2 * this.#eventsMax < this.#failedAt;
    if (this.#written < (isBelow ? partsBefore.below : partsBefore.at)) return;
    this.#written = 0;
    this.#eventsMax *= 2;
  }
}
