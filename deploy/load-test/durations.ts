/** Collects durations, ms. */
export class Durations {
  readonly #values: number[] = [];

  add(ms: number): void {
    this.#values.push(ms);
  }

  get count(): number {
    return this.#values.length;
  }

  /** The smallest duration that so large a share of all does not exceed; 0 when there is none. */
  at(share: number): number {
    const sorted = Float64Array.from(this.#values).sort();
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  }

  /** For people. */
  summary(): string {
    return `p50 ${milliseconds(this.at(0.5))}, p99 ${milliseconds(this.at(0.99))}, max ${milliseconds(this.at(1))}`;
  }
}

export const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
