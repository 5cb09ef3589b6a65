import type { Clock } from "../../lib/clock.ts";
import { nextDue } from "../decide.ts";
import { epochText } from "./epoch.ts";
import type { ExactFeed } from "./exact-feed.ts";
import { deltaText, finalText, heartbeatText, resetText, snapshotText } from "./exact-frames.ts";
import type { Ended } from "./finals.ts";
import { type Following, type Sight, type Standing, isBehind, move, waiting } from "./machine.ts";
import type { Changed } from "./mirror.ts";
import type { ExactSubscriber, Mark } from "./subscriber.ts";

export interface Delivery {
  readonly feed: ExactFeed;
  readonly clock: Clock;
  /** Names the process in epochs. */
  readonly process: string;
  readonly heartbeatMs: number;
  readonly lagMs: () => number;
}

/**
 * Sends the subscribers of a feed what they are to get now: all, or those alone that could not take what there is, or wait
 * for what is being read. A message is written once, however many get it.
 */
export function deliverExactly(delivery: Delivery, whom: "all" | "unsettled" = "all"): void {
  const { audience } = delivery.feed;
  const round = new Round(delivery);
  if (whom === "all") audience.lookAgainAt = Infinity;
  for (const one of whom === "all" ? audience.subscribers : audience.unsettled) {
    round.serve(one);
    if (!round.isSettled(one)) audience.unsettle(one);
    else audience.settle(one, round.lookAgainAt(one));
  }
}

/** What there is for who stands so and watches from there on, as it is sent. */
interface News {
  readonly before: Following;
  readonly from: number;
  readonly finals: readonly string[];
  readonly delta: string | undefined;
}

class Round {
  readonly #feed: ExactFeed;
  readonly #delivery: Delivery;
  readonly #now: number;
  readonly #written = new Map<string, string>();
  readonly #changed = new Map<number, readonly Changed[]>();
  readonly #marks = new Map<number, Mark>();
  #standing: Standing = waiting;
  #news: News | undefined;

  constructor(delivery: Delivery) {
    this.#delivery = delivery;
    this.#feed = delivery.feed;
    this.#now = delivery.clock.monotonic();
  }

  serve(one: ExactSubscriber): void {
    // A reset is followed by its snapshot at once, if that is there.
    for (let acts = 0; acts < 2; acts++) {
      const before = one.standing;
      const { act, next } = move(before, this.#sight(one));
      one.standing = this.#shared(act === "changes" ? this.#changes(one, before, next) : next);
      if (act === "snapshot") this.#snapshot(one);
      if (act === "heartbeat") this.#tell(one, this.#heartbeat(seqOf(before)));
      if (act === "reset" && before.state === "lost")
        this.#tell(one, resetText(this.#feed.ruleId, before.reason), { ruleId: this.#feed.ruleId, place: null });
      if (act !== "reset") break;
    }
  }

  /** Whether it has what there is, or will take it when its time comes. */
  isSettled({ standing, client }: ExactSubscriber): boolean {
    return standing.state === "following" && client.line() === "open";
  }

  /** When one that is settled is to be looked at again, ms of the monotonic clock. */
  lookAgainAt({ standing, dueAt, toldAt }: ExactSubscriber): number {
    const { mirror, finals } = this.#feed;
    const quietAt = toldAt + this.#delivery.heartbeatMs;
    const isDue = standing.state === "following" && isBehind(standing, { seq: mirror.seq, finals: finals.count });
    return isDue ? Math.min(dueAt, quietAt) : quietAt;
  }

  #sight(one: ExactSubscriber): Sight {
    const { mirror, finals } = this.#feed;
    return {
      line: one.client.line(),
      ready: one.from !== null && !this.#feed.isStale,
      due: this.#now >= one.dueAt,
      quiet: this.#now - one.toldAt >= this.#delivery.heartbeatMs,
      seq: mirror.seq,
      finals: finals.count,
      finalsLost: finals.lost,
      knownFrom: mirror.knownFrom,
    };
  }

  #snapshot(one: ExactSubscriber): void {
    const { ruleId, version, isComplete, mirror, number } = this.#feed;
    const from = one.from ?? 0;
    const { seq } = mirror;
    this.#feed.shows(one, isComplete);
    const epoch = epochText({ process: this.#delivery.process, feed: number, from });
    const text = this.#once(`snapshot ${from} ${one.isCut}`, () =>
      snapshotText(ruleId, { version, epoch, seq, from, complete: isComplete, truncated: one.isCut }, mirror.all(from)),
    );
    this.#tell(one, text, { ruleId, place: { epoch, seq } }, true);
    one.dueAt = nextDue(this.#now, one.intervalMs);
  }

  /** Finals first: who has the number of a change was told of all windows that closed before. */
  #changes(one: ExactSubscriber, before: Standing, next: Standing): Standing {
    if (before.state !== "following" || next.state !== "following") return next;
    const { from, finals, delta } = this.#newsFor(before, one.from ?? 0);
    for (const text of finals) this.#tell(one, text);
    if (delta !== undefined) this.#tell(one, delta, this.#mark(from));
    if (finals.length > 0 || delta !== undefined) one.dueAt = nextDue(this.#now, one.intervalMs);
    // What did not concern it does not count for it: it is told no number.
    return delta === undefined ? { ...next, seq: before.seq } : next;
  }

  /** The same for one after the other, as nearly all stand the same. */
  #newsFor(before: Following, from: number): News {
    if (this.#news?.before !== before || this.#news.from !== from) this.#news = this.#gathered(before, from);
    return this.#news;
  }

  #gathered(before: Following, from: number): News {
    const { ruleId, mirror, finals } = this.#feed;
    const ended = finals.behind(before.finals).filter(({ start }) => start >= from);
    const changed = this.#since(before.seq).filter(({ start }) => start >= from);
    const key = `delta ${before.seq} ${changed.length}`;
    const write = (): string => deltaText(ruleId, before.seq, mirror.seq, changed);
    const delta = changed.length > 0 ? this.#once(key, write) : undefined;
    return { before, from, finals: ended.map((final) => this.#final(final)), delta };
  }

  /** Where a client is that was told all from there on. */
  #mark(from: number): Mark {
    const known = this.#marks.get(from);
    if (known !== undefined) return known;
    const { ruleId, mirror, number } = this.#feed;
    const epoch = epochText({ process: this.#delivery.process, feed: number, from });
    const mark = { ruleId, place: { epoch, seq: mirror.seq } };
    this.#marks.set(from, mark);
    return mark;
  }

  /** Nearly all stand the same: one object says so for them, as ten thousand would outlive the round. */
  #shared(next: Standing): Standing {
    if (!isSame(this.#standing, next)) this.#standing = next;
    return this.#standing;
  }

  #final(ended: Ended): string {
    return this.#once(`final ${ended.start} ${ended.end}`, () => finalText(this.#feed.ruleId, ended));
  }

  #heartbeat(seq: number): string {
    return this.#once(`heartbeat ${seq}`, () => heartbeatText(this.#feed.ruleId, seq, this.#delivery.lagMs()));
  }

  #since(seq: number): readonly Changed[] {
    const known = this.#changed.get(seq) ?? this.#feed.mirror.since(seq);
    this.#changed.set(seq, known);
    return known;
  }

  #once(key: string, write: () => string): string {
    const text = this.#written.get(key) ?? write();
    this.#written.set(key, text);
    return text;
  }

  #tell(one: ExactSubscriber, text: string, mark?: Mark, isSnapshot = false): void {
    one.client.push(text, mark, isSnapshot);
    one.toldAt = this.#now;
  }
}

const isSame = (a: Standing, b: Standing): boolean =>
  a === b ||
  (a.state === "following" && b.state === "following" && a.seq === b.seq && a.seen === b.seen && a.finals === b.finals);

const seqOf = (standing: Standing): number => (standing.state === "following" ? standing.seq : 0);
