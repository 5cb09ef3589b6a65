import type { Clock } from "../lib/clock.ts";
import type { Progress, Touched } from "../progress/progress.ts";
import { liveErrorCodes, readLiveRequest } from "../protocol/live.ts";
import type { LiveRequest } from "../protocol/live.ts";
import { startOfSpan } from "../rule/calendar.ts";
import type { RuleRecord } from "../rule/registry.ts";
import type { RuleWindow } from "../rule/rule.ts";
import { secondsMaxOf } from "../rule/window.ts";
import type { Store } from "../store/store.ts";
import type { Client } from "./client.ts";
import { Connection } from "./connection.ts";
import { deliver } from "./deliver.ts";
import { Feed } from "./feed.ts";
import type { Watched } from "./feed.ts";
import { defaultLimits } from "./limits.ts";
import type { LiveLimits } from "./limits.ts";
import { FeedReader } from "./reader.ts";

/** The rules, as far as the live feed needs them; asked often, so answered from memory. */
export interface LiveRules {
  find(ruleId: string): RuleRecord | undefined;
  /** The version whose windows answer. */
  answering(record: RuleRecord): Watched;
}

export interface HubParts {
  readonly store: Pick<Store, "windows" | "newestPane">;
  readonly rules: LiveRules;
  readonly progress: Pick<Progress, "onTouched" | "onSeriesChanged">;
  readonly clock: Clock;
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
 * watch it. A client with a backlog is skipped, and has all newest values when it has caught up.
 *
 * The caller owes: `start` before the first `connect`; every `connect` is followed by `closed` in the end.
 */
export class Hub {
  readonly #parts: HubParts;
  readonly #limits: LiveLimits;
  readonly #reader: FeedReader;
  readonly #connections = new Set<Connection>();
  readonly #feeds = new Map<string, Feed>();
  #stops: (() => void)[] = [];

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.#limits = { ...defaultLimits, ...parts.limits };
    this.#reader = new FeedReader(parts.store, parts.clock, this.#limits, {
      // Windows touched since a switch of versions are the new one's: the old one may not be asked for them.
      before: (feed) => this.#lookAtRule(feed),
      done: (feed) => this.#afterRead(feed),
      failed: (error) => parts.onError?.(error),
    });
  }

  start(): void {
    const { progress, clock } = this.#parts;
    this.#stops = [
      progress.onTouched((touched) => this.#touched(touched)),
      progress.onSeriesChanged((series) => this.#seriesChanged(series)),
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
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get isFull(): boolean {
    return this.#connections.size >= this.#limits.connectionsMax;
  }

  /** Takes a client in; one too many is closed at once. */
  connect(client: Client): LiveConnection {
    const connection = new Connection(client, this.#parts.clock, this.#limits);
    if (this.isFull) connection.close("too_many_sockets");
    else this.#connections.add(connection);
    return {
      receive: (text) => this.#receive(connection, text),
      closed: () => this.#forget(connection),
    };
  }

  #receive(connection: Connection, text: string): void {
    if (!this.#connections.has(connection) || !connection.mayReceive()) return;
    const read = readLiveRequest(text);
    if (!read.ok) return connection.refuse(read.code, read.message);
    for (const ruleId of read.request.unsubscribe_rules ?? []) this.#unsubscribe(connection, ruleId);
    for (const ruleId of read.request.subscribe_rules ?? []) this.#subscribe(connection, ruleId, read.request);
  }

  #subscribe(connection: Connection, ruleId: string, { interval_ms }: LiveRequest): void {
    const intervalMs = interval_ms ?? this.#limits.intervalMs;
    const before = connection.subscriptions.get(ruleId);
    if (!before && connection.subscriptions.size >= this.#limits.subscriptionsMax) {
      return connection.refuse(
        "too_many_subscriptions",
        `a socket watches up to ${this.#limits.subscriptionsMax} rules`,
        ruleId,
      );
    }
    const known = this.#feeds.get(ruleId);
    // Who comes after a change of the rule is shown nothing of what was before it.
    if (known !== undefined) this.#lookAtRule(known);
    const feed = this.#feeds.get(ruleId) ?? this.#openFeed(ruleId);
    if (feed === undefined) return connection.refuse("unknown_rule", `there is no rule ${ruleId}`, ruleId);
    // Asked for again: a snapshot again, as for somebody new.
    const subscriber = before ?? { receiver: connection, intervalMs, sentSeq: null, dueAt: 0 };
    subscriber.intervalMs = intervalMs;
    connection.subscriptions.set(ruleId, subscriber);
    feed.welcome(subscriber);
  }

  #openFeed(ruleId: string): Feed | undefined {
    const record = this.#parts.rules.find(ruleId);
    if (record === undefined) return undefined;
    const feed = new Feed(record, this.#parts.rules.answering(record), this.#limits);
    this.#feeds.set(ruleId, feed);
    return feed;
  }

  #unsubscribe(connection: Connection, ruleId: string): void {
    const subscriber = connection.subscriptions.get(ruleId);
    if (subscriber === undefined) return;
    connection.subscriptions.delete(ruleId);
    const feed = this.#feeds.get(ruleId);
    feed?.subscribers.delete(subscriber);
    if (feed?.subscribers.size === 0) this.#feeds.delete(ruleId);
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    for (const ruleId of connection.subscriptions.keys()) this.#unsubscribe(connection, ruleId);
  }

  #touched({ range, seconds }: Touched): void {
    const starts = new Map<string, readonly number[]>();
    for (const feed of this.#feeds.values()) {
      if (seconds === null) feed.touchUnknown();
      else feed.touchedBy(range.src, startsFor(feed.window, seconds, this.#limits.windowsMax, starts));
    }
  }

  #seriesChanged(series: number): void {
    for (const feed of this.#feeds.values()) if (feed.series === series) feed.touchUnknown();
  }

  #tick(): void {
    for (const feed of this.#feeds.values()) {
      if (feed.restless && deliver(feed, feed.isSettled, this.#parts.clock)) this.#reader.ask(feed);
    }
  }

  /** What was touched during the read comes with the next one: sending may not wait for a pause in the stream. */
  #afterRead(feed: Feed): void {
    if (this.#feeds.get(feed.ruleId) !== feed) return;
    deliver(feed, true, this.#parts.clock);
    feed.tidy();
  }

  #sweep(): void {
    for (const feed of this.#feeds.values()) this.#lookAtRule(feed);
    for (const connection of this.#connections) connection.keepsUp();
  }

  #lookAtRule(feed: Feed): void {
    if (this.#feeds.get(feed.ruleId) !== feed) return;
    const record = this.#parts.rules.find(feed.ruleId);
    if (record === undefined) this.#closeFeed(feed);
    else if (record.revision !== feed.revision) feed.follow(record, this.#parts.rules.answering(record));
  }

  #closeFeed({ ruleId }: Feed): void {
    for (const connection of this.#connections) {
      if (!connection.subscriptions.has(ruleId)) continue;
      this.#unsubscribe(connection, ruleId);
      connection.refuse("rule_deleted", `${liveErrorCodes.rule_deleted}: ${ruleId}`, ruleId);
    }
  }
}

/** The beginnings of the windows in which the seconds lie; worked out once per kind of window. Of too many, a few too many. */
function startsFor(
  window: RuleWindow,
  seconds: readonly number[],
  startsMax: number,
  known: Map<string, readonly number[]>,
): readonly number[] {
  const key = JSON.stringify(window);
  let starts = known.get(key);
  if (starts === undefined) known.set(key, (starts = startsAround(window, seconds, startsMax)));
  return starts;
}

function startsAround({ kind, size, hop }: RuleWindow, seconds: readonly number[], startsMax: number): number[] {
  const overlaps = kind === "hopping" && hop !== undefined;
  const newest = [...new Set(seconds.map((second) => startOfSpan(overlaps ? hop : size, second * 1000)))];
  if (!overlaps) return newest;
  const [sizeMs, hopMs] = [secondsMaxOf(size) * 1000, secondsMaxOf(hop) * 1000];
  const starts = new Set<number>();
  for (const last of newest) {
    for (let start = last; start >= 0 && start > last - sizeMs; start -= hopMs) starts.add(start);
    if (starts.size > startsMax) break;
  }
  return [...starts];
}
