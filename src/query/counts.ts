import type { Clock } from "../lib/clock.ts";
import type { SeriesCounts, Store } from "../store/store.ts";

export interface CountsOptions {
  /** For how many times as long as the question took its counts are answered again without asking the store, … */
  readonly keepFactor: number;
  /** … at most so long. */
  readonly keepMsMax: number;
  /** How long a caller waits for the store. */
  readonly waitMs: number;
  /** Series in one question to the store. */
  readonly seriesMax: number;
}

const defaults: CountsOptions = { keepFactor: 10, keepMsMax: 1000, waitMs: 1000, seriesMax: 1000 };

interface Kept {
  readonly counts: Promise<SeriesCounts | null>;
  /** Infinite while the store is being asked. */
  until: number;
}

/**
 * The counts of series, kept for a moment. A list of a thousand rules asks for each of them, again and again: what is asked
 * for at the same time is one question to the store, and there is one question at a time. Counts of few rules, which cost
 * little, are hardly kept; those of many take no more than a tenth of the engine's time. A store that fails or dawdles
 * gives null: a rule can be looked at while the store is away.
 */
export class RecentCounts {
  readonly #store: Pick<Store, "seriesCounts">;
  readonly #clock: Clock;
  readonly #options: CountsOptions;
  /** In the order in which they were asked for. */
  readonly #kept = new Map<number, Kept>();
  readonly #waiting: { readonly series: number; readonly answer: (counts: SeriesCounts | null) => void }[] = [];
  #asking = false;

  constructor(store: Pick<Store, "seriesCounts">, clock: Clock, options: Partial<CountsOptions> = {}) {
    this.#store = store;
    this.#clock = clock;
    this.#options = { ...defaults, ...options };
  }

  async of(series: number): Promise<SeriesCounts | null> {
    this.#forgetOld();
    const kept = this.#kept.get(series);
    if (kept !== undefined && kept.until > this.#clock.monotonic()) return this.#inTime(kept.counts);
    this.#kept.delete(series);
    const { promise, resolve } = Promise.withResolvers<SeriesCounts | null>();
    this.#kept.set(series, { counts: promise, until: Infinity });
    this.#waiting.push({ series, answer: resolve });
    // The first to wait; those who come before its turn share the question.
    if (!this.#asking) void this.#askAll();
    return this.#inTime(promise);
  }

  async #askAll(): Promise<void> {
    this.#asking = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0, this.#options.seriesMax);
      const begun = this.#clock.monotonic();
      const counts = await this.#ask(asked.map(({ series }) => series));
      const until = this.#keptUntil(begun);
      for (const { series, answer } of asked) {
        const kept = this.#kept.get(series);
        if (kept) kept.until = until;
        answer(counts?.get(series) ?? null);
      }
    }
    this.#asking = false;
  }

  async #ask(series: readonly number[]): Promise<ReadonlyMap<number, SeriesCounts> | null> {
    try {
      return await this.#store.seriesCounts(series);
    } catch {
      return null;
    }
  }

  #keptUntil(begun: number): number {
    const now = this.#clock.monotonic();
    return now + Math.min((now - begun) * this.#options.keepFactor, this.#options.keepMsMax);
  }

  async #inTime(counts: Promise<SeriesCounts | null>): Promise<SeriesCounts | null> {
    const answered = new AbortController();
    const late = this.#clock.sleep(this.#options.waitMs, answered.signal).then(() => null);
    return Promise.race([counts, late]).finally(() => answered.abort());
  }

  /** Up to the first that is still kept: what lies behind it goes when its turn comes. */
  #forgetOld(): void {
    const now = this.#clock.monotonic();
    for (const [series, { until }] of this.#kept) {
      if (until > now) return;
      this.#kept.delete(series);
    }
  }
}
