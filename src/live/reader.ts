import type { Clock } from "../lib/clock.ts";
import type { Store } from "../store/store.ts";
import type { Feed } from "./feed.ts";
import type { LiveLimits } from "./limits.ts";

/**
 * Reads what feeds want to know from the store: few reads at a time, feeds in the order in which they asked, and after a
 * failure with growing pauses.
 */
export class FeedReader {
  readonly #store: Pick<Store, "windows" | "newestWindow">;
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  readonly #done: (feed: Feed) => void;
  readonly #failed: (error: unknown) => void;
  #queue: Feed[] = [];
  #active = 0;

  /** `done` is called after each feed that was read; `failed` with what the store threw. */
  constructor(store: Pick<Store, "windows" | "newestWindow">, clock: Clock, limits: LiveLimits, done: (feed: Feed) => void, failed: (error: unknown) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#limits = limits;
    this.#done = done;
    this.#failed = failed;
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
      // Everybody may have gone while it waited for its turn.
      for (let left = this.#limits.readsInARow; left > 0 && feed.subscribers.size > 0; left--) if (!(await feed.readNext(this.#store))) break;
      feed.failures = 0;
      this.#pauseAndRelease(feed, this.#limits.readGapMs);
      this.#done(feed);
    } catch (error) {
      feed.failures += 1;
      this.#pauseAndRelease(feed, Math.min(5000, 100 * 2 ** Math.min(feed.failures, 10)));
      this.#failed(error);
    }
  }

  #pauseAndRelease(feed: Feed, pauseMs: number): void {
    feed.reading = false;
    feed.readAgainAt = this.#clock.monotonic() + pauseMs;
  }
}
