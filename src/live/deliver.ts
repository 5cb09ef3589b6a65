import type { Clock } from "../lib/clock.ts";
import { decideDelivery, nextDue } from "./decide.ts";
import type { Feed } from "./feed.ts";
import type { Subscriber } from "./subscriber.ts";

/**
 * Sends every subscriber of the feed what it is to get now; a frame is written once, however many get it.
 * @returns whether somebody waits for the store to be read.
 */
export function deliver(feed: Feed, fresh: boolean, clock: Clock): boolean {
  const frames = new Frames(feed, clock.now());
  const now = clock.monotonic();
  const state = { fresh, seq: feed.seq };
  let wanted = false;
  let behind = false;
  let waiting = false;
  for (const subscriber of feed.subscribers) {
    const delivery = decideDelivery(subscriber, state, now);
    wanted ||= delivery === "read";
    if (delivery === "snapshot" || delivery === "changes") send(subscriber, frames, feed.seq, now);
    behind ||= subscriber.sentSeq !== feed.seq;
    waiting ||= subscriber.sentSeq === null;
  }
  if (!waiting) feed.allWelcomed();
  feed.restless = behind || feed.isDirty;
  return wanted;
}

/** Nothing to say is said by silence; what a client can't take now it gets later, with all that came in between. */
function send(subscriber: Subscriber, frames: Frames, seq: number, now: number): void {
  if (!subscriber.receiver.takes()) return;
  const frame = frames.for(subscriber.sentSeq);
  if (frame !== undefined) {
    subscriber.receiver.push(frame);
    subscriber.dueAt = nextDue(now, subscriber.intervalMs);
  }
  subscriber.sentSeq = seq;
}

class Frames {
  readonly #feed: Feed;
  readonly #now: number;
  readonly #written = new Map<number | null, string | undefined>();

  constructor(feed: Feed, now: number) {
    this.#feed = feed;
    this.#now = now;
  }

  /** The frame for somebody who has everything up to `sentSeq`; null: the snapshot. */
  for(sentSeq: number | null): string | undefined {
    if (!this.#written.has(sentSeq)) this.#written.set(sentSeq, this.#write(sentSeq));
    return this.#written.get(sentSeq);
  }

  #write(sentSeq: number | null): string | undefined {
    return sentSeq === null ? this.#feed.snapshotText(this.#now) : this.#feed.changesText(sentSeq, this.#now);
  }
}
