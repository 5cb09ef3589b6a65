import { Dirty } from "../dirty.ts";
import type { DirtyBounds, Span } from "../dirty.ts";

/** What of a rule's windows may have changed since it was read: some of them, or any. */
export class Changes {
  #dirty: Dirty;
  #all = false;
  /** Windows changed while nobody watched: who comes waits until all has been read again. */
  #stale = false;

  constructor(bounds: DirtyBounds) {
    this.#dirty = new Dirty(bounds);
  }

  get isEmpty(): boolean {
    return !this.#all && this.#dirty.isEmpty;
  }

  /** Everything is to be read again, as these are too many or not known. */
  get isAll(): boolean {
    return this.#all;
  }

  get isStale(): boolean {
    return this.#stale;
  }

  touch(starts: Iterable<number>, from: number): void {
    for (const start of starts) if (start >= from) this.#all ||= this.#dirty.touch(start);
    if (this.#all) this.#dirty.clear();
  }

  /** What is read again as a whole need not be remembered window by window. */
  touchAll(): void {
    this.#all = true;
    this.#dirty.clear();
  }

  /** Somebody comes after a time in which nobody watched, and nothing was read. */
  refresh(): void {
    if (this.isEmpty) return;
    this.#stale = true;
    this.touchAll();
  }

  /** Everything is being read: what changes from now on is to be read once more. */
  takeAll(): void {
    this.#all = false;
  }

  allRead(): void {
    this.#stale = false;
  }

  /** What to read next of windows that are known by name, if any. */
  take(stepMs: number, windowsMax: number): Span | undefined {
    const run = this.#dirty.take(stepMs, windowsMax);
    return run === "newest" ? undefined : run;
  }

  /** It could not be read. */
  putBack(run: Span): void {
    if (this.#dirty.putBack(run)) this.touchAll();
  }
}
