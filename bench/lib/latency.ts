import type { Latency } from "../load/protocol.ts";

/** Collects durations in milliseconds; the percentiles are exact (nearest rank). */
export class Durations {
  #values = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(ms: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = ms;
  }

  summary(): Latency {
    const sorted = this.#values.slice(0, this.#count).sort();
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
  }
}
