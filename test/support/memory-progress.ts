import { offset, src } from "../../src/event/position.ts";
import { Demand } from "../../src/progress/demand.ts";
import type { Progress, Touched } from "../../src/progress/progress.ts";

/** The listening side of progress, told by a test what has happened. */
export class MemoryProgress implements Pick<
  Progress,
  "onTouched" | "onSeriesChanged" | "countedThrough" | "lagMs" | "want"
> {
  /** Every event acknowledged before this moment is counted. */
  through = 0;
  lag = 0;
  readonly demand = new Demand();
  readonly #touched = new Set<(touched: Touched) => void>();
  readonly #changed = new Set<(series: number) => void>();

  countedThrough(): number {
    return this.through;
  }

  want(everyMs: number): () => void {
    return this.demand.want(everyMs);
  }

  lagMs(): number {
    return this.lag;
  }

  onTouched(listener: (touched: Touched) => void): () => void {
    this.#touched.add(listener);
    return () => void this.#touched.delete(listener);
  }

  onSeriesChanged(listener: (series: number) => void): () => void {
    this.#changed.add(listener);
    return () => void this.#changed.delete(listener);
  }

  get listeners(): number {
    return this.#touched.size + this.#changed.size;
  }

  /** Events were counted in these seconds of event time; null: in too many. */
  touch(seconds: readonly number[] | null, more: Pick<Touched, "elsewhere"> = {}): void {
    const range = { src: src(0), from: offset(0), to: offset(0) };
    for (const listener of this.#touched) listener({ range, seconds, ...more });
  }

  changeSeries(series: number): void {
    for (const listener of this.#changed) listener(series);
  }
}
