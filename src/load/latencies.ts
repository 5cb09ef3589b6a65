/** Durations in buckets that are 2 % wide, from a microsecond to a quarter of an hour, whatever their number. */
export class Latencies {
  readonly #buckets = new Float64Array(1050);
  #count = 0;

  add(ms: number): void {
    const bucket = Math.round(Math.log(Math.max(1, ms * 1000)) / step);
    this.#buckets[Math.min(bucket, this.#buckets.length - 1)]! += 1;
    this.#count += 1;
  }

  /** In ms, within 1 %; `share` of all are at most that. Null when there are none. */
  quantile(share: number): number | null {
    let left = share * this.#count;
    if (this.#count === 0) return null;
    const bucket = this.#buckets.findIndex((count) => (left -= count) <= 0);
    return Number((Math.exp(bucket * step) / 1000).toPrecision(3));
  }
}

const step = Math.log(1.02);
