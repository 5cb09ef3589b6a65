import type { Src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { encodeBulletin } from "./bulletin.ts";
import type { Bulletin, Counted, FillNews, PartitionNews } from "./bulletin.ts";
import type { Channel } from "./channel.ts";
import type { MemoryProgress } from "./memory-progress.ts";
import type { Touched } from "./progress.ts";

export interface AnnouncerParts {
  /** What this process counts is written here first. */
  readonly progress: MemoryProgress;
  readonly channel: Pick<Channel, "send">;
  readonly clock: Clock;
  /** Names the process; no other has had it. */
  readonly process: string;
  /** The partitions that this process counts now. */
  readonly sources: () => readonly Src[];
  readonly fills: () => readonly FillNews[];
  /** The newest revision of the rules of which this process knows anything: what it has counted it has counted by none that is later. */
  readonly rules: () => number;
}

/** Also when nothing happens: others know by it that this process lives, and up to when all is counted. */
const heartbeatMs = 250;
/** Between two messages: what happens meanwhile shares one. */
const gapMs = 20;
const pauseMs = 500;
const lastWordsMs = 1_000;
/** More seconds than this are not listed, of one partition and of all together: a record of Kafka has its bounds. */
const secondsMax = 2_000;
const secondsAllMax = 20_000;
/** The others come with the next message. */
const seriesMax = 10_000;
const fillsMax = 1_000;

/**
 * What the processor says of its progress, told to this process and to all others. Nobody waits for a message: what has not
 * been sent is kept as one statement for each partition, however long it takes.
 */
export class Announcer {
  readonly #parts: AnnouncerParts;
  readonly #counted = new Map<number, Counted>();
  readonly #series = new Set<number>();
  /** How far partitions were that this process has let go since it spoke last: who has one next may not speak for some time. */
  readonly #leaving = new Map<number, PartitionNews>();
  #events = 0;
  #isDue = false;
  #running: Promise<void> | undefined;
  #stopped = false;
  readonly #stopBeating: () => void;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
    this.#stopBeating = parts.clock.every(heartbeatMs, () => this.#tell());
  }

  advance(next: number, receivedThrough: number, touched: Touched): void {
    this.#parts.progress.advance(next, receivedThrough, touched);
    const { src, from, to } = touched.range;
    // Of others' partitions they speak themselves.
    if (!this.#parts.sources().includes(src)) return;
    this.#note(src, { from, to, seconds: touched.seconds });
    this.#tell();
  }

  caughtUp(src: Src, next: number, at: number): void {
    this.#parts.progress.caughtUp(src, next, at);
  }

  working(src: Src, receivedAt: number): void {
    this.#parts.progress.working(src, receivedAt);
  }

  takenUp(src: Src, next: number): void {
    this.#leaving.delete(src);
    this.#parts.progress.takenUp(src, next);
  }

  letGo(src: Src): void {
    const news = this.#newsOf(src);
    if (news !== undefined) this.#leaving.set(src, news);
    this.#counted.delete(src);
    this.#parts.progress.letGo(src);
    this.#tell();
  }

  filling(activations: readonly Readonly<Record<number, number>>[]): void {
    this.#parts.progress.filling(activations);
  }

  seriesChanged(series: number): void {
    this.#parts.progress.seriesChanged(series);
    this.#series.add(series);
    this.#tell();
  }

  /** So many events were counted. */
  counted(events: number): void {
    this.#events += events;
  }

  /** Says what is left to be said, once, and ends. */
  async close(): Promise<void> {
    this.#tell();
    this.#stopped = true;
    this.#stopBeating();
    const over = new AbortController();
    await Promise.race([this.#running, this.#parts.clock.sleep(lastWordsMs, over.signal)]);
    over.abort();
  }

  #tell(): void {
    if (this.#stopped) return;
    this.#isDue = true;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    const { channel, clock } = this.#parts;
    while (this.#isDue) {
      this.#isDue = false;
      const bulletin = this.#take();
      try {
        await channel.send(encodeBulletin(bulletin));
        await clock.sleep(gapMs);
      } catch {
        // The channel says what troubles it. The message may have come all the same: said twice, it does no harm.
        this.#putBack(bulletin);
        if (this.#stopped) break;
        await clock.sleep(pauseMs);
      }
    }
    // In the same turn as the look for more: what is due in between would wait for the next beat, or for ever.
    this.#running = undefined;
  }

  #take(): Bulletin {
    const { process, sources, fills, rules } = this.#parts;
    const news = [...this.#leaving.values(), ...sources().flatMap((src) => this.#newsOf(src) ?? [])];
    const series = [...this.#series].slice(0, seriesMax);
    const bulletin = { by: process, events: this.#events, partitions: bounded(news), series };
    this.#leaving.clear();
    this.#counted.clear();
    for (const one of series) this.#series.delete(one);
    if (this.#series.size > 0) this.#isDue = true;
    this.#events = 0;
    return { ...bulletin, fills: fills().slice(0, fillsMax), rules: rules() };
  }

  #newsOf(src: number): PartitionNews | undefined {
    const standing = this.#parts.progress.standing(src);
    const counted = this.#counted.get(src);
    return standing === undefined ? undefined : { src, ...standing, ...(counted === undefined ? {} : { counted }) };
  }

  #putBack({ events, partitions, series }: Bulletin): void {
    this.#isDue = true;
    this.#events += events;
    for (const one of series) this.#series.add(one);
    const ours = new Set<number>(this.#parts.sources());
    for (const news of partitions) {
      const { src, counted } = news;
      if (!ours.has(src)) {
        this.#leaving.set(src, this.#leaving.get(src) ?? news);
        continue;
      }
      const since = this.#counted.get(src);
      if (counted !== undefined) this.#counted.set(src, counted);
      if (counted !== undefined && since !== undefined) this.#note(src, since);
    }
  }

  /** Ranges of a partition come one after the other. */
  #note(src: number, more: Counted): void {
    const known = this.#counted.get(src);
    const from = Math.min(known?.from ?? more.from, more.from);
    const to = Math.max(known?.to ?? more.to, more.to);
    this.#counted.set(src, { from, to, seconds: together(known?.seconds ?? [], more.seconds, known?.seconds) });
  }
}

/** Where the seconds of all are more than a message takes, those of some are not listed. */
function bounded(news: readonly PartitionNews[]): readonly PartitionNews[] {
  let left = secondsAllMax;
  return news.map(({ counted, ...standing }) => {
    left -= counted?.seconds?.length ?? 0;
    if (counted === undefined) return standing;
    return { ...standing, counted: left < 0 ? { ...counted, seconds: null } : counted };
  });
}

function together(
  some: readonly number[],
  more: readonly number[] | null,
  known: readonly number[] | null | undefined,
): readonly number[] | null {
  if (known === null || more === null) return null;
  const all = some.length === 0 ? more : [...new Set([...some, ...more])].toSorted((a, b) => a - b);
  return all.length > secondsMax ? null : all;
}
