/** One answer's worth of records as they came is in memory, and what of it is opened; a single batch may be larger. */
const mostBytes = 8 << 20;
/** Below that asking costs more than what comes; a broker gives a first batch whole, however large it is. */
const leastBytes = 64 << 10;
/** A line that has carried an answer in this time can carry twice as much. */
const quickMs = 1_000;

/** How much a fetch asks for: what a line can't carry in time is asked for in smaller pieces, else it would never come. */
export class FetchSize {
  readonly #most: number;
  #bytesMax: number;

  constructor(most = mostBytes) {
    this.#most = most;
    this.#bytesMax = most;
  }

  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** So much has come. Where nothing was there, nothing is known of the line. */
  came(bytes: number, tookMs: number): void {
    if (bytes > 0 && tookMs < quickMs) this.#bytesMax = Math.min(this.#most, this.#bytesMax * 2);
  }

  late(): void {
    this.#bytesMax = Math.max(leastBytes, this.#bytesMax / 2);
  }
}
