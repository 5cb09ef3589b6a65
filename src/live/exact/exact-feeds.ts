import type { Clock } from "../../lib/clock.ts";
import type { Progress, Touched } from "../../progress/progress.ts";
import { liveErrorCodes } from "../../protocol/live.ts";
import type { LiveErrorCode } from "../../protocol/live.ts";
import type { LiveRequest } from "../../protocol/live.ts";
import { resumePlace } from "../../protocol/live-request.ts";
import type { Store } from "../../store/store.ts";
import { keepTogether } from "../keep-together.ts";
import type { LiveLimits } from "../limits.ts";
import type { ReadPlaces } from "../places.ts";
import { FeedReader } from "../reader.ts";
import { Refusals } from "../refusals.ts";
import type { TooLarge } from "../refusals.ts";
import type { LiveRules } from "../rules.ts";
import { startsFor } from "../starts.ts";
import { readEpoch } from "./epoch.ts";
import { deliverExactly } from "./exact-deliver.ts";
import { ExactFeed } from "./exact-feed.ts";
import { type Standing, resumed, waiting } from "./machine.ts";
import type { ExactClient, ExactSubscriber, Place } from "./subscriber.ts";

export interface ExactParts {
  readonly store: Pick<Store, "windows" | "newestPane">;
  readonly rules: LiveRules;
  readonly progress: Pick<Progress, "countedThrough" | "lagMs">;
  readonly clock: Clock;
  /** See `HubParts`. */
  readonly knowsRules?: () => boolean;
  readonly limits: LiveLimits;
  /** Shared with all else that is live. */
  readonly places: ReadPlaces;
  /** Names this process in epochs: digits and lower-case letters, never used before. */
  readonly process: string;
  readonly onError: (error: unknown) => void;
}

/** What a client asks for; `from` in ms since the epoch. */
export type ExactRequest = Pick<LiveRequest, "interval_ms" | "resume"> & { readonly from?: number };

/**
 * The rules that are watched exactly, and by whom.
 *
 * It owes: what a subscriber has put together from its snapshot and what came since is what `/stats` answers from the
 * snapshot's `from` on, once the stream rests and the client has read what it was sent. A rule is read once however many
 * watch it, and only if something was touched. Nothing is queued for a client that does not read.
 *
 * The caller owes: `tick` and `sweep` again and again; it says what was touched.
 */
export class ExactFeeds {
  readonly #parts: ExactParts;
  readonly #feeds = new Map<string, ExactFeed>();
  readonly #reader: FeedReader<ExactFeed>;
  readonly #refusals: Refusals;
  #numbers = 0;

  constructor(parts: ExactParts) {
    this.#parts = parts;
    const { store, clock, limits, places } = parts;
    this.#refusals = new Refusals(limits);
    this.#reader = new FeedReader(clock, places, limits, {
      before: (feed) => this.#lookAtRule(feed),
      next: (feed) =>
        feed.readNext(
          store,
          () => clock.now(),
          () => this.#lookAtRule(feed),
        ),
      done: (feed) => this.#afterRead(feed),
      failed: (feed, error) => this.#readFailed(feed, error),
    });
  }

  /** Why the rule is refused to whoever asks for it now, as it was found too large just before. */
  refusal(ruleId: string): string | undefined {
    return this.#refusals.of(this.#parts.rules.find(ruleId), this.#parts.clock.monotonic());
  }

  /** The client watches the rule from now on; undefined when there is no such rule. */
  subscribe(client: ExactClient, ruleId: string, request: ExactRequest): ExactSubscriber | undefined {
    const known = this.#feeds.get(ruleId);
    // Who comes after a change of the rule is shown nothing of what was before it.
    if (known !== undefined) this.#lookAtRule(known);
    const feed = this.#feeds.get(ruleId) ?? this.#open(ruleId);
    if (feed === undefined) return undefined;
    const { clock, limits } = this.#parts;
    const intervalMs = request.interval_ms ?? limits.exactIntervalMs;
    const fresh = { client, asked: request.from ?? null, from: null, intervalMs, standing: waiting };
    const one: ExactSubscriber = { ...fresh, isCut: false, isDoubtful: false, dueAt: 0, toldAt: clock.monotonic() };
    if (feed.audience.leftAt !== null) feed.returnTo();
    feed.audience.subscribers.add(one);
    const place = resumePlace(request.resume, ruleId);
    if (place !== undefined) one.standing = this.#resume(feed, one, place);
    if (one.standing.state === "following") feed.audience.goesOn(one);
    else feed.want(one, clock.now());
    return one;
  }

  unsubscribe(ruleId: string, one: ExactSubscriber): void {
    const feed = this.#feeds.get(ruleId);
    if (feed === undefined || !feed.audience.leave(one)) return;
    if (!feed.isWanted) feed.audience.leftAt = this.#parts.clock.monotonic();
  }

  touched({ seconds }: Touched): void {
    const starts = new Map<string, readonly number[]>();
    for (const feed of this.#feeds.values()) {
      if (seconds === null) feed.touchAll();
      else feed.touch(startsFor(feed.window, seconds, this.#parts.limits.windowsMax, starts));
    }
  }

  seriesChanged(series: number): void {
    for (const feed of this.#feeds.values()) if (feed.series === series) feed.touchAll();
  }

  tick(): void {
    if (this.#feeds.size === 0) return;
    const { clock, progress } = this.#parts;
    const [now, wall, through] = [clock.monotonic(), clock.now(), progress.countedThrough()];
    for (const feed of this.#feeds.values()) {
      if (!feed.isWanted) continue;
      feed.advance(through, wall, now);
      if (feed.audience.lookAgainAt <= now) this.#deliver(feed);
      else if (feed.audience.unsettled.size > 0) this.#deliver(feed, "unsettled");
      if (feed.isDirty) this.#reader.ask(feed);
    }
  }

  /** Looks at rules for changes, and keeps to what may be held of all together. */
  sweep(): void {
    for (const feed of this.#feeds.values()) this.#lookAtRule(feed);
    const { clock, limits } = this.#parts;
    for (const { ruleId, audience } of this.#feeds.values())
      if (audience.leftAt !== null && clock.monotonic() - audience.leftAt >= limits.lingerMs)
        this.#feeds.delete(ruleId);
    this.#refusals.sweep(clock.monotonic());
    this.#keepToBound();
  }

  clear(): void {
    this.#feeds.clear();
  }

  /** Where a client goes on that says what it has. */
  #resume(feed: ExactFeed, one: ExactSubscriber, { epoch, seq }: Place): Standing {
    const { process, feed: number, from } = readEpoch(epoch) ?? { process: "", feed: -1, from: 0 };
    const told = feed.finals.toldBy(seq);
    const isOurs = process === this.#parts.process && number === feed.number;
    const holds = isOurs && told !== undefined && feed.mirror.holds(seq, from);
    if (holds) one.from = from;
    return resumed(seq, told ?? 0, holds);
  }

  #open(ruleId: string): ExactFeed | undefined {
    const { rules, limits, knowsRules = () => true } = this.#parts;
    const record = rules.find(ruleId);
    if (record === undefined) return undefined;
    const feed = new ExactFeed(record, rules.answering(record), limits, {
      nextNumber: () => ++this.#numbers,
      knowsRules,
    });
    feed.isSlow = this.#refusals.suspects(record);
    this.#feeds.set(ruleId, feed);
    return feed;
  }

  #afterRead(feed: ExactFeed): void {
    if (this.#feeds.get(feed.ruleId) !== feed) return;
    if (feed.tooLarge !== undefined) this.#refuse(feed, feed.tooLarge);
    else this.#deliver(feed);
  }

  #readFailed(feed: ExactFeed, error: unknown): void {
    this.#parts.onError(error);
    if (feed.tooLarge !== undefined && this.#feeds.get(feed.ruleId) === feed) this.#refuse(feed, feed.tooLarge);
  }

  #deliver(feed: ExactFeed, whom: "all" | "unsettled" = "all"): void {
    const { clock, process, limits } = this.#parts;
    deliverExactly({ feed, clock, process, heartbeatMs: limits.heartbeatMs, lagMs: () => this.#lagMs(feed) }, whom);
  }

  /** What is not counted has waited for so long, or what is counted and has not been read. */
  #lagMs({ askedAt }: ExactFeed): number {
    const { clock, progress } = this.#parts;
    const now = clock.monotonic();
    return Math.max(progress.lagMs(), Math.round(now - (askedAt ?? now)));
  }

  #lookAtRule(feed: ExactFeed): void {
    if (this.#feeds.get(feed.ruleId) !== feed) return;
    const { rules } = this.#parts;
    const record = rules.find(feed.ruleId);
    if (record === undefined) this.#close(feed, "rule_deleted", `${liveErrorCodes.rule_deleted}: ${feed.ruleId}`);
    else if (record.revision !== feed.revision) feed.follow(record, rules.answering(record));
  }

  #refuse(feed: ExactFeed, why: TooLarge): void {
    const { ruleId, revision } = feed;
    this.#close(feed, "too_large", this.#refusals.note(ruleId, revision, why, this.#parts.clock.monotonic()));
  }

  #close(feed: ExactFeed, code: LiveErrorCode, message: string): void {
    this.#feeds.delete(feed.ruleId);
    for (const { client } of feed.audience.subscribers) client.ended(feed.ruleId, code, message);
    feed.audience.subscribers.clear();
  }

  /** First those go that nobody watches. */
  #keepToBound(): void {
    const { limits, clock } = this.#parts;
    this.#forgetUnwatched(limits.mirrorBytesAllMax);
    keepTogether(this.#feeds.values(), {
      bytesMax: limits.mirrorBytesAllMax,
      bytesOf: ({ mirror }) => mirror.bytes,
      shrink: (feed) => feed.mirror.size > 1 && feed.shrink(feed.mirror.bytes - 1, clock.now()),
      refuse: (feed) => this.#refuse(feed, "together"),
    });
  }

  /** The largest first, as many as it takes. */
  #forgetUnwatched(bytesMax: number): void {
    const largestFirst = [...this.#feeds.values()].toSorted((a, b) => b.mirror.bytes - a.mirror.bytes);
    let over = largestFirst.reduce((sum, { mirror }) => sum + mirror.bytes, -bytesMax);
    for (const { isWanted, ruleId, mirror } of largestFirst) {
      if (isWanted || over <= 0) continue;
      this.#feeds.delete(ruleId);
      over -= mirror.bytes;
    }
  }
}
