import type { Clock } from "../lib/clock.ts";
import type { LiveLimits } from "./limits.ts";
import type { ReadableFeed } from "./readable.ts";

export interface ReaderHooks<Feed extends ReadableFeed> {
  /** Called right before a feed is read. */
  readonly before: (feed: Feed) => void;
  /** Reads the next of what the feed wants to know. Resolves with whether there is more. */
  readonly next: (feed: Feed) => Promise<boolean>;
  readonly done: (feed: Feed) => void;
  /** Called with what the store threw. */
  readonly failed: (error: unknown) => void;
}

/**
 * Reads what feeds want to know from the store: few reads at a time, feeds in the order in which they asked, and after a
 * failure with growing pauses.
 */
export class FeedReader<Feed extends ReadableFeed> {
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  readonly #hooks: ReaderHooks<Feed>;
  #queue: Feed[] = [];
  #active = 0;

  constructor(clock: Clock, limits: LiveLimits, hooks: ReaderHooks<Feed>) {
    this.#clock = clock;
    this.#limits = limits;
    this.#hooks = hooks;
  }

  /** Reads the feed when its turn comes, unless it is being read or was just now. */
  ask(feed: Feed): void {
    if (feed.reading || this.#clock.monotonic() < feed.readAgainAt) return;
    feed.reading = true;
    this.#queue.push(feed);
    this.#pump();
  }

  #pump(): void {
    while (this.#active < this.#limits.readsMax) {
      const feed = this.#queue.shift();
      if (feed === undefined) return;
      this.#active += 1;
      void this.#read(feed).finally(() => {
        this.#active -= 1;
        this.#pump();
      });
    }
  }

  async #read(feed: Feed): Promise<void> {
    try {
      this.#hooks.before(feed);
      // Everybody may have gone while it waited for its turn.
      for (let left = this.#limits.readsInARow; left > 0 && feed.isWanted; left--)
        if (!(await this.#hooks.next(feed))) break;
      feed.failures = 0;
      this.#pauseAndRelease(feed, this.#limits.readGapMs);
      this.#hooks.done(feed);
    } catch (error) {
      feed.failures += 1;
      this.#pauseAndRelease(feed, Math.min(5000, 100 * 2 ** Math.min(feed.failures, 10)));
      this.#hooks.failed(error);
    }
  }

  #pauseAndRelease(feed: Feed, pauseMs: number): void {
    feed.reading = false;
    feed.readAgainAt = this.#clock.monotonic() + pauseMs;
  }
}
