import type { Clock } from "../lib/clock.ts";
import type { LiveLimits } from "./limits.ts";
import type { ReadPlaces } from "./places.ts";
import type { ReadableFeed } from "./readable.ts";

export interface ReaderHooks<Feed extends ReadableFeed> {
  /** Called right before a feed is read. */
  readonly before: (feed: Feed) => void;
  /** Reads the next of what the feed wants to know. Resolves with whether there is more. */
  readonly next: (feed: Feed) => Promise<boolean>;
  readonly done: (feed: Feed) => void;
  /** Called with what the store threw. */
  readonly failed: (feed: Feed, error: unknown) => void;
}

/** No pause is longer, and none has to be: a statement of a reading takes no longer either. */
const pauseMsMax = 5000;

/**
 * Reads what feeds want to know from the store when there is a place, and after a failure with growing pauses. Feeds whose
 * readings take long, or fail, rest as long as they were read, and are slow until one has been quick (see `ReadPlaces`).
 */
export class FeedReader<Feed extends ReadableFeed> {
  readonly #clock: Clock;
  readonly #places: ReadPlaces;
  readonly #limits: LiveLimits;
  readonly #hooks: ReaderHooks<Feed>;

  constructor(clock: Clock, places: ReadPlaces, limits: LiveLimits, hooks: ReaderHooks<Feed>) {
    this.#clock = clock;
    this.#places = places;
    this.#limits = limits;
    this.#hooks = hooks;
  }

  /** Reads the feed when its turn comes, unless it is being read or was just now. */
  ask(feed: Feed): void {
    feed.askedAt ??= this.#clock.monotonic();
    if (feed.reading || this.#clock.monotonic() < feed.readAgainAt) return;
    feed.reading = true;
    this.#places.ask({ isSlow: () => feed.isSlow, read: () => this.#read(feed) });
  }

  async #read(feed: Feed): Promise<void> {
    const began = this.#clock.monotonic();
    try {
      this.#hooks.before(feed);
      await this.#readInARow(feed, began);
      feed.failures = 0;
      feed.askedAt = null;
      feed.isSlow = this.#tookLong(began);
      this.#pauseAndRelease(feed, began, this.#limits.readGapMs);
      this.#hooks.done(feed);
    } catch (error) {
      feed.failures += 1;
      feed.isSlow = true;
      this.#pauseAndRelease(feed, began, 100 * 2 ** Math.min(feed.failures, 10));
      this.#hooks.failed(feed, error);
    }
  }

  async #readInARow(feed: Feed, began: number): Promise<void> {
    // Everybody may have gone while it waited for its turn.
    for (let left = this.#limits.readsInARow; left > 0 && feed.isWanted; left--)
      if (!(await this.#hooks.next(feed)) || this.#tookLong(began)) return;
  }

  #tookLong(began: number): boolean {
    return this.#clock.monotonic() - began >= this.#limits.slowReadMs;
  }

  #pauseAndRelease(feed: Feed, began: number, pauseMs: number): void {
    const now = this.#clock.monotonic();
    feed.reading = false;
    feed.readAgainAt = now + Math.min(pauseMsMax, Math.max(pauseMs, now - began));
  }
}
