import type { Clock } from "../lib/clock.ts";
import { within } from "../lib/deadline.ts";
import type { SeriesCounts, Store } from "../store/store.ts";

export interface CountsOptions {
  /** For how many times as long as the question took its counts are answered again without asking the store, … */
  readonly keepFactor: number;
  /** … at most so long. */
  readonly keepMsMax: number;
  /** After a question that failed, and none before it, the store is asked again after so long at most. */
  readonly retryMsMax: number;
  /** How long a caller waits for the store. */
  readonly waitMs: number;
  /** Series in one question to the store. */
  readonly seriesMax: number;
  /** What nobody has asked for so long is forgotten. */
  readonly forgetMs: number;
}

/** A question takes 30 s at the most. */
const defaults: CountsOptions = {
  keepFactor: 10,
  keepMsMax: 300_000,
  retryMsMax: 2000,
  waitMs: 1000,
  seriesMax: 1000,
  forgetMs: 600_000,
};

/** What is known of a series. */
interface Kept {
  /** What the store said last; null: nothing yet. */
  counts: SeriesCounts | null;
  askedAt: number;
  /** Not before then is the store asked again. */
  restsUntil: number;
  /** The last question took longer than anybody waits: who asks meanwhile is answered with what is known. */
  isDear: boolean;
  /** Questions that failed in a row. */
  failures: number;
  /** While the store is being asked, or is to be. */
  coming: Promise<SeriesCounts | null> | undefined;
}

/**
 * The counts of series, kept for a moment. A list of a thousand rules asks for each of them, again and again: what is asked
 * for at the same time is one question to the store, and there is one question at a time. Counts of few rules, which cost
 * little, are hardly kept; those of many take no more than a tenth of the engine's time, and are as old as that makes them. A store
 * that fails or dawdles leaves what it said last, and null where it has said nothing: a rule can be looked at while the store is away.
 */
export class RecentCounts {
  readonly #store: Pick<Store, "seriesCounts">;
  readonly #clock: Clock;
  readonly #options: CountsOptions;
  /** In the order in which they were asked for last. */
  readonly #kept = new Map<number, Kept>();
  readonly #waiting: { readonly series: number; readonly answer: (counts: SeriesCounts | null) => void }[] = [];
  #asking = false;

  constructor(store: Pick<Store, "seriesCounts">, clock: Clock, options: Partial<CountsOptions> = {}) {
    this.#store = store;
    this.#clock = clock;
    this.#options = { ...defaults, ...options };
  }

  async of(series: number): Promise<SeriesCounts | null> {
    const now = this.#clock.monotonic();
    this.#forgetOld(now);
    const kept = this.#keptOf(series, now);
    if (kept.coming === undefined && now < kept.restsUntil) return kept.counts;
    kept.coming ??= this.#next(series);
    if (kept.isDear && kept.counts !== null) return kept.counts;
    return within(this.#clock, this.#options.waitMs, () => kept.coming!).catch(() => kept.counts);
  }

  #keptOf(series: number, now: number): Kept {
    const fresh = { counts: null, restsUntil: 0, isDear: false, failures: 0, coming: undefined };
    const known = this.#kept.get(series) ?? fresh;
    const kept = Object.assign(known, { askedAt: now });
    this.#kept.delete(series);
    this.#kept.set(series, kept);
    return kept;
  }

  /** What the next question answers; those who come before its turn share it. */
  #next(series: number): Promise<SeriesCounts | null> {
    const { promise, resolve } = Promise.withResolvers<SeriesCounts | null>();
    this.#waiting.push({ series, answer: resolve });
    if (!this.#asking) void this.#askAll();
    return promise;
  }

  async #askAll(): Promise<void> {
    this.#asking = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0, this.#options.seriesMax);
      const begun = this.#clock.monotonic();
      const counts = await this.#ask(asked.map(({ series }) => series));
      const took = this.#clock.monotonic() - begun;
      for (const { series, answer } of asked) answer(this.#takeIn(series, counts?.get(series), took));
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

  #takeIn(series: number, counts: SeriesCounts | undefined, took: number): SeriesCounts | null {
    const kept = this.#kept.get(series);
    if (kept === undefined) return counts ?? null;
    kept.coming = undefined;
    kept.restsUntil = this.#clock.monotonic() + this.#restOf(kept, counts !== undefined, took);
    if (counts === undefined) return kept.counts;
    kept.isDear = took > this.#options.waitMs;
    return (kept.counts = counts);
  }

  /** A failure says little of what an answer costs: one that hung may be the only one. */
  #restOf(kept: Kept, isAnswered: boolean, took: number): number {
    const { keepFactor, keepMsMax, retryMsMax } = this.#options;
    kept.failures = isAnswered ? 0 : kept.failures + 1;
    if (isAnswered) return Math.min(took * keepFactor, keepMsMax);
    return Math.min(took, kept.failures === 1 ? retryMsMax : keepMsMax);
  }

  /** Up to the first that was asked for lately. */
  #forgetOld(now: number): void {
    for (const [series, { askedAt, coming }] of this.#kept) {
      if (coming !== undefined || now - askedAt < this.#options.forgetMs) return;
      this.#kept.delete(series);
    }
  }
}
