import type { Clock } from "../lib/clock.ts";
import type { Progress, Touched } from "../progress/progress.ts";
import { liveErrorCodes } from "../protocol/live.ts";
import type { LiveErrorCode } from "../protocol/live.ts";
import { readLiveRequest } from "../protocol/live-request.ts";
import type { ReadRequest } from "../protocol/live-request.ts";
import type { Store } from "../store/store.ts";
import type { Client } from "./client.ts";
import { Connection } from "./connection.ts";
import { deliver } from "./deliver.ts";
import { ExactFeeds } from "./exact/exact-feeds.ts";
import type { ExactRequest } from "./exact/exact-feeds.ts";
import { Feed } from "./feed.ts";
import { keepTogether } from "./keep-together.ts";
import { defaultLimits } from "./limits.ts";
import type { LiveLimits } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import { ReadPlaces } from "./places.ts";
import { FeedReader } from "./reader.ts";
import { Refusals } from "./refusals.ts";
import type { TooLarge } from "./refusals.ts";
import type { LiveRules } from "./rules.ts";
import { startsFor } from "./starts.ts";

export interface HubParts {
  readonly store: Pick<Store, "windows" | "newestPane">;
  readonly rules: LiveRules;
  readonly progress: Pick<Progress, "onTouched" | "onSeriesChanged" | "countedThrough" | "lagMs" | "want">;
  readonly clock: Clock;
  /** Whether this process knows the rules by which others count (see `QueryParts`): while not, no window is called complete or final. */
  readonly knowsRules?: () => boolean;
  /** Names this process to clients that come back: digits and lower-case letters, never used before. */
  readonly process: string;
  readonly limits?: Partial<LiveLimits>;
  /** Called when the store could not be read; reading goes on with growing pauses. */
  readonly onError?: (error: unknown) => void;
}

/** What the carrier of a client calls. Neither waits for anything. */
export interface LiveConnection {
  /** A message has come. */
  receive(text: string): void;
  /** The line has ended. */
  closed(): void;
}

/**
 * Pushes the windows of rules to those who watch them.
 *
 * It owes: on subscribing the newest window's rows; from then on every row that changes in any window, with its newest
 * value, at most once per interval and subscription; nothing while nothing changes. A rule is read once however many
 * watch it. A client with a backlog is skipped, and has all newest values when it has caught up. Who asks for the mode
 * `delta` has what `ExactFeeds` owes.
 *
 * The caller owes: `start` before the first `connect`; every `connect` is followed by `closed` in the end.
 */
export class Hub {
  readonly #parts: HubParts;
  readonly #limits: LiveLimits;
  readonly #reader: FeedReader<Feed>;
  readonly #exact: ExactFeeds;
  readonly #outbox: Outbox;
  readonly #refusals: Refusals;
  readonly #connections = new Set<Connection>();
  readonly #feeds = new Map<string, Feed>();
  /** The same for all clients. */
  readonly #acts: Acts = {
    receive: (connection, text) => this.#receive(connection, text),
    forget: (connection) => this.#forget(connection),
  };
  #stops: (() => void)[] = [];
  #hurriedAt = -Infinity;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.#limits = { ...defaultLimits, ...parts.limits };
    this.#outbox = new Outbox(this.#limits.backlogBytesAllMax);
    this.#refusals = new Refusals(this.#limits);
    const onError = (error: unknown): void => parts.onError?.(error);
    const places = new ReadPlaces(this.#limits.readsMax);
    this.#exact = new ExactFeeds({ ...parts, limits: this.#limits, places, onError });
    this.#reader = new FeedReader(parts.clock, places, this.#limits, {
      // Windows touched since a switch of versions are the new one's: the old one may not be asked for them.
      before: (feed) => this.#lookAtRule(feed),
      next: (feed) => feed.readNext(parts.store, parts.clock.now()),
      done: (feed) => this.#afterRead(feed),
      failed: (feed, error) => (onError(error), this.#refuseTooLarge(feed)),
    });
  }

  start(): void {
    const { progress, clock } = this.#parts;
    this.#stops = [
      progress.onTouched((touched) => (this.#touched(touched), this.#exact.touched(touched), this.#tickSoon())),
      progress.onSeriesChanged((series) => (this.#seriesChanged(series), this.#exact.seriesChanged(series))),
      clock.every(this.#limits.tickMs, () => this.#tick()),
      clock.every(this.#limits.sweepMs, () => this.#sweep()),
    ];
  }

  /** Closes every client and stops looking. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    for (const connection of this.#connections) connection.close("stopping");
    this.#connections.clear();
    this.#feeds.clear();
    this.#exact.clear();
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get isFull(): boolean {
    return this.#connections.size >= this.#limits.connectionsMax;
  }

  /** Whether there is such a rule to watch. */
  knows(ruleId: string): boolean {
    return this.#parts.rules.find(ruleId) !== undefined;
  }

  /** Takes a client in; one too many is closed at once. */
  connect(client: Client): LiveConnection {
    const connection = new Connection(client, this.#parts.clock, this.#limits, this.#outbox);
    if (this.isFull) connection.close("too_many_sockets");
    else this.#connections.add(connection);
    return new Connected(connection, this.#acts);
  }

  #receive(connection: Connection, text: string): void {
    if (!this.#connections.has(connection) || connection.isClosed) return;
    const read = readLiveRequest(text);
    if (!connection.mayReceive(rulesIn(read))) return;
    if (!read.ok) return connection.refuse(read.code, read.message);
    const { subscribe_rules = [], unsubscribe_rules = [], mode, interval_ms, resume = {} } = read.request;
    for (const ruleId of unsubscribe_rules) this.#unsubscribe(connection, ruleId);
    const exactly = {
      ...(interval_ms !== undefined && { interval_ms }),
      ...(read.from !== undefined && { from: read.from }),
      resume,
    };
    for (const ruleId of subscribe_rules)
      if (!this.#mayWatch(connection, ruleId)) continue;
      else if (mode === "delta") this.#watchExactly(connection, ruleId, exactly);
      else this.#watch(connection, ruleId, interval_ms ?? this.#limits.intervalMs);
  }

  #mayWatch(connection: Connection, ruleId: string): boolean {
    const { subscriptionsMax } = this.#limits;
    connection.begins(ruleId);
    if (connection.watched.has(ruleId) || connection.watched.size < subscriptionsMax) return true;
    connection.refuse("too_many_subscriptions", `a socket watches up to ${subscriptionsMax} rules`, ruleId);
    return false;
  }

  #watchExactly(connection: Connection, ruleId: string, request: ExactRequest): void {
    this.#unsubscribe(connection, ruleId);
    const refusal = this.#exact.refusal(ruleId);
    if (refusal !== undefined) return connection.refuse("too_large", refusal, ruleId);
    const exact = this.#exact.subscribe(connection, ruleId, request);
    if (exact === undefined) refuseUnknown(connection, ruleId);
    else connection.watches(ruleId, { exact, noMore: this.#parts.progress.want(exact.intervalMs) });
  }

  #watch(connection: Connection, ruleId: string, intervalMs: number): void {
    if (connection.watched.get(ruleId)?.exact !== undefined) this.#unsubscribe(connection, ruleId);
    const refusal = this.#refusals.of(this.#parts.rules.find(ruleId), this.#parts.clock.monotonic());
    if (refusal !== undefined) return connection.refuse("too_large", refusal, ruleId);
    const before = connection.watched.get(ruleId)?.plain;
    const known = this.#feeds.get(ruleId);
    // Who comes after a change of the rule is shown nothing of what was before it.
    if (known !== undefined) this.#lookAtRule(known);
    const feed = this.#feeds.get(ruleId) ?? this.#openFeed(ruleId);
    if (feed === undefined) return refuseUnknown(connection, ruleId);
    // Asked for again: a snapshot again, as for somebody new.
    const plain = before ?? { receiver: connection, intervalMs, sentSeq: null, dueAt: 0 };
    plain.intervalMs = intervalMs;
    connection.watches(ruleId, { plain, noMore: this.#parts.progress.want(intervalMs) });
    feed.welcome(plain);
  }

  #openFeed(ruleId: string): Feed | undefined {
    const record = this.#parts.rules.find(ruleId);
    if (record === undefined) return undefined;
    const feed = new Feed(record, this.#parts.rules.answering(record), this.#limits);
    feed.isSlow = this.#refusals.suspects(record);
    this.#feeds.set(ruleId, feed);
    return feed;
  }

  #unsubscribe(connection: Connection, ruleId: string): void {
    const { exact, plain } = connection.leaves(ruleId) ?? {};
    if (exact !== undefined) this.#exact.unsubscribe(ruleId, exact);
    if (plain === undefined) return;
    const feed = this.#feeds.get(ruleId);
    feed?.subscribers.delete(plain);
    if (feed?.subscribers.size === 0) this.#feeds.delete(ruleId);
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    this.#outbox.forget(connection);
    for (const ruleId of connection.watched.keys()) this.#unsubscribe(connection, ruleId);
  }

  #touched({ range, seconds, elsewhere }: Touched): void {
    const starts = new Map<string, readonly number[]>();
    for (const feed of this.#feeds.values()) {
      if (seconds === null) feed.touchUnknown();
      else
        feed.touchedBy(range.src, startsFor(feed.window, seconds, this.#limits.windowsMax, starts), elsewhere === true);
    }
  }

  #seriesChanged(series: number): void {
    for (const feed of this.#feeds.values()) if (feed.series === series) feed.touchUnknown();
  }

  /** What has just been counted is read now, not when the next tick comes; unless something else was just before. */
  #tickSoon(): void {
    const now = this.#parts.clock.monotonic();
    if (now - this.#hurriedAt < this.#limits.tickGapMs) return;
    this.#hurriedAt = now;
    this.#tick();
  }

  #tick(): void {
    for (const feed of this.#feeds.values()) {
      if (feed.restless && deliver(feed, feed.isSettled, this.#parts.clock)) this.#reader.ask(feed);
    }
    this.#exact.tick();
  }

  /** What was touched during the read comes with the next one: sending may not wait for a pause in the stream. */
  #afterRead(feed: Feed): void {
    if (this.#feeds.get(feed.ruleId) !== feed) return;
    deliver(feed, true, this.#parts.clock);
    feed.tidy(this.#parts.clock.now());
  }

  #sweep(): void {
    for (const feed of this.#feeds.values()) {
      this.#lookAtRule(feed);
      feed.expire(this.#parts.clock.now());
    }
    this.#keepToBound();
    this.#refusals.sweep(this.#parts.clock.monotonic());
    this.#exact.sweep();
    this.#outbox.sweep();
  }

  #keepToBound(): void {
    keepTogether(this.#feeds.values(), {
      bytesMax: this.#limits.mirrorBytesAllMax,
      bytesOf: ({ heldBytes }) => heldBytes,
      shrink: (feed) => feed.keepNewest(this.#parts.clock.now()),
      refuse: (feed) => this.#refuse(feed, "together"),
    });
  }

  #lookAtRule(feed: Feed): void {
    if (this.#feeds.get(feed.ruleId) !== feed) return;
    const record = this.#parts.rules.find(feed.ruleId);
    if (record === undefined) this.#closeFeed(feed, "rule_deleted", `${liveErrorCodes.rule_deleted}: ${feed.ruleId}`);
    else if (record.revision !== feed.revision) feed.follow(record, this.#parts.rules.answering(record));
  }

  #refuseTooLarge(feed: Feed): void {
    if (feed.isTooLarge && this.#feeds.get(feed.ruleId) === feed) this.#refuse(feed, "read");
  }

  #refuse(feed: Feed, why: TooLarge): void {
    const { ruleId, revision } = feed;
    this.#closeFeed(feed, "too_large", this.#refusals.note(ruleId, revision, why, this.#parts.clock.monotonic()));
  }

  #closeFeed({ ruleId }: Feed, code: LiveErrorCode, message: string): void {
    for (const connection of this.#connections) {
      if (connection.watched.get(ruleId)?.plain === undefined) continue;
      this.#unsubscribe(connection, ruleId);
      connection.ended(ruleId, code, message);
    }
  }
}

interface Acts {
  receive(connection: Connection, text: string): void;
  forget(connection: Connection): void;
}

class Connected implements LiveConnection {
  readonly #connection: Connection;
  readonly #acts: Acts;

  constructor(connection: Connection, acts: Acts) {
    this.#connection = connection;
    this.#acts = acts;
  }

  receive(text: string): void {
    this.#acts.receive(this.#connection, text);
  }

  closed(): void {
    this.#acts.forget(this.#connection);
  }
}

function rulesIn(read: ReadRequest): number {
  if (!read.ok) return 0;
  const { subscribe_rules = [], unsubscribe_rules = [] } = read.request;
  return subscribe_rules.length + unsubscribe_rules.length;
}

function refuseUnknown(connection: Connection, ruleId: string): void {
  connection.refuse("unknown_rule", `there is no rule ${ruleId}`, ruleId);
}
