/** Lets every promise run that needs nothing but others. Taken before real time is banned. */
const macrotask = setImmediate;
const settled = (): Promise<void> => new Promise((resolve) => void macrotask(resolve));

interface Planned {
  readonly due: number;
  readonly order: number;
  run: (() => void) | null;
}

/**
 * Time in the simulated world: things happen in the order in which they are due, those due at once in the order in which
 * they were planned, and after each all promises run to their end. Nothing else makes anything happen.
 */
export class Scheduler {
  #now: number;
  #order = 0;
  readonly #heap: Planned[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  /** Milliseconds since the epoch, with fractions. */
  get now(): number {
    return this.#now;
  }

  /** Runs it once after `ms`. Returns how to prevent it. */
  after(ms: number, run: () => void): () => void {
    const planned: Planned = { due: this.#now + Math.max(0, ms), order: this.#order++, run };
    this.#push(planned);
    return () => void (planned.run = null);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Goes on until `done`, or until nothing is planned up to the moment `until`. */
  async run(until: number, done: () => boolean): Promise<void> {
    while (!done()) {
      const next = this.#pop();
      if (next === undefined || next.due > until) return;
      if (next.run === null) continue;
      this.#now = next.due;
      next.run();
      await settled();
    }
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.push(planned) - 1;
    for (let up = (at - 1) >> 1; at > 0 && isBefore(planned, heap[up]!); at = up, up = (at - 1) >> 1)
      heap[at] = heap[up]!;
    heap[at] = planned;
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first;
  }

  #sink(planned: Planned): void {
    const heap = this.#heap;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down += 1;
      if (isBefore(planned, heap[down]!)) break;
      heap[at] = heap[down]!;
      at = down;
    }
    heap[at] = planned;
  }
}

const isBefore = (a: Planned, b: Planned): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);
