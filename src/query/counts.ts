import type { Clock } from "../lib/clock.ts";
import type { SeriesCounts, Store } from "../store/store.ts";

export interface CountsOptions {
  /** For how long counts are answered again without asking the store. */
  readonly keepMs: number;
  /** How long a caller waits for the store. */
  readonly waitMs: number;
  /** Questions to the store at a time. */
  readonly parallelMax: number;
}

const defaults: CountsOptions = { keepMs: 1000, waitMs: 1000, parallelMax: 4 };

/**
 * The counts of series, kept for a moment: a list of a thousand rules is asked for again and again, and each count reads
 * the store. A store that fails or dawdles gives null: a rule can be looked at while the store is away.
 */
export class RecentCounts {
  readonly #store: Pick<Store, "seriesCounts">;
  readonly #clock: Clock;
  readonly #options: CountsOptions;
  readonly #kept = new Map<number, { readonly at: number; readonly counts: Promise<SeriesCounts | null> }>();
  readonly #waiting: (() => void)[] = [];
  #asking = 0;

  constructor(store: Pick<Store, "seriesCounts">, clock: Clock, options: Partial<CountsOptions> = {}) {
    this.#store = store;
    this.#clock = clock;
    this.#options = { ...defaults, ...options };
  }

  async of(series: number): Promise<SeriesCounts | null> {
    this.#forgetOld();
    const kept = this.#kept.get(series);
    if (kept) return this.#inTime(kept.counts);
    const counts = this.#ask(series);
    this.#kept.set(series, { at: this.#clock.monotonic(), counts });
    return this.#inTime(counts);
  }

  async #ask(series: number): Promise<SeriesCounts | null> {
    if (this.#asking >= this.#options.parallelMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#asking += 1;
    try {
      return await this.#store.seriesCounts(series);
    } catch {
      return null;
    } finally {
      // The place is handed on, not given back, so that nobody else can slip in between.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#asking -= 1;
    }
  }

  async #inTime(counts: Promise<SeriesCounts | null>): Promise<SeriesCounts | null> {
    const answered = new AbortController();
    const late = this.#clock.sleep(this.#options.waitMs, answered.signal).then(() => null);
    return Promise.race([counts, late]).finally(() => answered.abort());
  }

  /** Entries are in the order of their age. */
  #forgetOld(): void {
    const oldest = this.#clock.monotonic() - this.#options.keepMs;
    for (const [series, { at }] of this.#kept) {
      if (at > oldest) return;
      this.#kept.delete(series);
    }
  }
}
