/** How often those who wait or watch want to see what was counted last: who counts need not hurry more than that. */
export class Demand {
  /** How many want it so often, by ms. */
  readonly #wants = new Map<number, number>();
  readonly #listeners = new Set<() => void>();

  /** What the most impatient wants, ms; Infinity: nobody waits. */
  get everyMs(): number {
    let least = Infinity;
    for (const everyMs of this.#wants.keys()) least = Math.min(least, everyMs);
    return least;
  }

  /** Somebody wants to see it every `everyMs` (0: as soon as it can be) until the returned function is called. */
  want(everyMs: number): () => void {
    const isMore = everyMs < this.everyMs;
    this.#add(everyMs, 1);
    if (isMore) for (const listener of this.#listeners) listener();
    let wants = true;
    return () => {
      if (wants) this.#add(everyMs, -1);
      wants = false;
    };
  }

  /** Calls `listener` when somebody more impatient has come. Returns how to stop. */
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #add(everyMs: number, some: number): void {
    const left = (this.#wants.get(everyMs) ?? 0) + some;
    if (left > 0) this.#wants.set(everyMs, left);
    else this.#wants.delete(everyMs);
  }
}
