import { before, offset, src as srcOf } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { decodeBulletin } from "./bulletin.ts";
import type { FillNews, PartitionNews } from "./bulletin.ts";
import type { Channel } from "./channel.ts";
import type { MemoryProgress } from "./memory-progress.ts";
import type { Touched } from "./progress.ts";

export interface FollowerParts {
  /** It expects each partition of the log before the follower starts. */
  readonly progress: MemoryProgress;
  readonly channel: Pick<Channel, "listen">;
  readonly clock: Clock;
  /** This process: it knows already what it says itself. */
  readonly process: string;
  /** Other processes have counted so many events. */
  readonly counted?: (events: number) => void;
}

type Heard = FillNews & { readonly at: number };

/** A fill of which nothing was said for so long is not under way. */
const fillMs = 60_000;
/** What nobody has said for so long may be forgotten: the rules may have been made anew. */
const rulesMs = 60_000;

/**
 * Carries what other processes have counted into the progress of this one. What is said of a partition has to begin where
 * the last of it ended: if it does not, a message was lost (or its sender, between counting and telling), and anything may
 * have changed.
 */
export class Follower {
  readonly #parts: FollowerParts;
  /** Of each series what each process that fills it has said last, the latest at the end. */
  readonly #fills = new Map<number, Map<string, Heard>>();

  /** Of each process that counts the revision of the rules that it knows. */
  readonly #rules = new Map<string, { readonly revision: number; readonly at: number }>();
  /** When what was said of them was not to be forgotten the last time. */
  #rulesHeldAt = -Infinity;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#parts.channel.listen({ heard: (message) => this.#heard(message), lost: () => this.#lost() });
  }

  /** How far the fill of a series is, as was said last, and what it stands still for with anybody. */
  fill(series: number): Omit<FillNews, "series"> {
    const since = this.#parts.clock.monotonic() - fillMs;
    const heard = [...(this.#fills.get(series)?.values() ?? [])].filter(({ at }) => at >= since);
    const { progress, endsAt } = heard.at(-1) ?? { progress: 0, endsAt: null };
    const waitingFor = heard.map((fill) => fill.waitingFor).find((what) => what !== undefined);
    return waitingFor === undefined ? { progress, endsAt } : { progress, endsAt: null, waitingFor };
  }

  /**
   * The latest revision of the rules that others count by, as was said last; 0: nobody has said so. `isRead`: whether the rules can be
   * read here now. While they can't, silence is no reason to forget: who counted may have been stopped by what keeps them from us.
   */
  rules(isRead: boolean): number {
    const now = this.#parts.clock.monotonic();
    if (!isRead) this.#rulesHeldAt = now;
    let latest = 0;
    for (const [by, { revision, at }] of this.#rules)
      if (now - Math.max(at, this.#rulesHeldAt) > rulesMs) this.#rules.delete(by);
      else latest = Math.max(latest, revision);
    return latest;
  }

  #heard(message: Uint8Array): void {
    const bulletin = decodeBulletin(message);
    // Somebody newer speaks, whom this process does not understand.
    if (bulletin === undefined) return this.#lost();
    if (bulletin.by === this.#parts.process) return;
    // First: nobody shall take what was counted by rules that he does not know for counted by those that he knows.
    const { by, rules: revision } = bulletin;
    if (revision !== undefined) this.#rules.set(by, { revision, at: this.#parts.clock.monotonic() });
    const went = bulletin.partitions.filter((news) => this.#partition(news));
    for (const series of bulletin.series) this.#parts.progress.seriesChanged(series);
    // Of a message that is heard again they are counted already.
    if (went.length > 0) this.#parts.counted?.(bulletin.events);
    this.#noteFills(by, bulletin.fills);
  }

  /**
   * A partition that the log has not is another log's. Who knows less than is known here speaks of what was before. Answers
   * whether more is counted than was known.
   */
  #partition(news: PartitionNews): boolean {
    const { progress } = this.#parts;
    const known = progress.standing(news.src)?.next;
    if (known === undefined || news.next < known) return false;
    progress.heard(srcOf(news.src), news, touchedSince(known, news));
    return news.next > known;
  }

  /** Anything may have been counted; how far is said again in a moment. */
  #lost(): void {
    const nothing = { src: srcOf(0), from: offset(0), to: offset(0) };
    this.#parts.progress.touch({ range: nothing, seconds: null });
  }

  #noteFills(by: string, fills: readonly FillNews[]): void {
    const at = this.#parts.clock.monotonic();
    for (const [series, heard] of this.#fills) {
      for (const [process, fill] of heard) if (at - fill.at > fillMs) heard.delete(process);
      if (heard.size === 0) this.#fills.delete(series);
    }
    for (const fill of fills) {
      const heard = this.#fills.get(fill.series) ?? new Map<string, Heard>();
      heard.delete(by);
      this.#fills.set(fill.series, heard.set(by, { ...fill, at }));
    }
  }
}

/** What lies between what was known to be counted and what is now; undefined: nothing. */
function touchedSince(known: number, { src, next, counted }: PartitionNews): Touched | undefined {
  if (next <= known) return undefined;
  const range = { src: srcOf(src), from: offset(known), to: before(offset(next)) };
  const isAll = counted !== undefined && counted.from <= known && counted.to + 1 >= next;
  return { range, seconds: isAll ? counted.seconds : null, elsewhere: true };
}
