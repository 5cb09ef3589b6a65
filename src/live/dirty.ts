/** A stretch of windows to read at once, `from ≤ window_start < to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** The windows that are asked for; null: all in the stretch. */
  readonly only: ReadonlySet<number> | null;
}

/** What to read next: `newest` is the stretch of the newest windows, wherever it lies. */
export type Reading = "newest" | Span;

export interface DirtyBounds {
  /** More touched windows than this are not remembered singly. */
  readonly windowsMax: number;
  /** The most windows in one stretch, touched or not. */
  readonly spanWindowsMax: number;
}

/** Windows that may have changed since they were last read. */
export class Dirty {
  readonly #bounds: DirtyBounds;
  readonly #windows = new Set<number>();
  #newest = false;
  #overflowed = false;

  constructor(bounds: DirtyBounds) {
    this.#bounds = bounds;
  }

  get isEmpty(): boolean {
    return !this.#newest && this.#windows.size === 0;
  }

  /** Whether windows were touched since this was last asked that had to be forgotten, or were not known. */
  takeOverflowed(): boolean {
    const overflowed = this.#overflowed;
    this.#overflowed = false;
    return overflowed;
  }

  /** @returns whether this was one too many: all that were touched are forgotten, but for the newest windows. */
  touch(start: number): boolean {
    this.#windows.add(start);
    if (this.#windows.size <= this.#bounds.windowsMax) return false;
    this.#windows.clear();
    this.#newest = true;
    this.#overflowed = true;
    return true;
  }

  /** Touched windows are not known, or not all. */
  touchUnknown(): void {
    this.#overflowed = true;
  }

  touchNewest(): void {
    this.#newest = true;
  }

  clear(): void {
    this.#windows.clear();
    this.#newest = false;
  }

  /**
   * Takes out what to read next: the newest windows first, then one run of neighbours, the newest first. Windows begin so
   * far apart, and one stretch has at most so many.
   */
  take(stepMs: number, windowsMax = this.#bounds.spanWindowsMax): Reading | undefined {
    if (this.#newest) {
      this.#newest = false;
      return "newest";
    }
    if (this.#windows.size === 0) return undefined;
    const only = this.#newestRun(stepMs, windowsMax);
    for (const start of only) this.#windows.delete(start);
    // Not what begins behind the newest: its rows would come first, and could leave no room for those that are asked for.
    return { from: only.at(-1)!, to: only[0]! + 1, only: new Set(only) };
  }

  /** Reading failed: it is to be done again. @returns whether these were too many: then all that were touched are forgotten. */
  putBack(reading: Reading): boolean {
    if (reading === "newest") this.#newest = true;
    else return [...(reading.only ?? [])].filter((start) => this.touch(start)).length > 0;
    return false;
  }

  /** Descending. A few windows between two touched ones are read in passing: one statement costs more than they do. */
  #newestRun(stepMs: number, windowsMax: number): number[] {
    const descending = [...this.#windows].toSorted((a, b) => b - a);
    const first = descending[0]!;
    const run = [first];
    for (const start of descending.slice(1)) {
      if (run.at(-1)! - start > 16 * stepMs || first - start >= windowsMax * stepMs) break;
      run.push(start);
    }
    return run;
  }
}
