import type { RuleRecord, RuleVersion } from "../rule/registry.ts";
import { oldestKept } from "../rule/retention.ts";
import type { CheckedRule, RuleWindow } from "../rule/rule.ts";
import type { Store, WindowRow } from "../store/store.ts";
import { Dirty } from "./dirty.ts";
import type { DirtyBounds, Reading, Span } from "./dirty.ts";
import { pushText } from "./frames.ts";
import { HeldWindows } from "./held.ts";
import type { HeldBounds } from "./held.ts";
import { Portion } from "./portion.ts";
import type { ReadableFeed } from "./readable.ts";
import { foundRows } from "./rows.ts";
import { newestFrom, stepMsOf } from "./starts.ts";
import type { Subscriber } from "./subscriber.ts";

export interface FeedBounds extends HeldBounds, DirtyBounds {
  /** How many of the newest windows are held from the start, so that later only what changed is sent. */
  readonly newestWindows: number;
  /** Rows in one read; a window with more is cut. */
  readonly readRowsMax: number;
  /** How long one statement of a read may take. */
  readonly readSecondsMax: number;
  /** Of the rows of one push, and of those of a window; with more they are cut. Far less than the backlog that closes a client. */
  readonly pushBytesMax: number;
}

/** What a stretch was found to have. */
interface Read {
  readonly span: Span;
  readonly rows: readonly WindowRow[];
}

/** Of one read, and when it was. */
interface Page {
  readonly now: number;
  readonly rowsMax: number;
}

/** The version of a rule whose windows are watched. */
export interface Watched {
  readonly version: RuleVersion;
  readonly rule: CheckedRule;
}

/**
 * One rule with at least one subscriber: what is known of its windows, and which of them may have changed. State only:
 * the hub decides when it reads and who is sent what.
 */
export class Feed implements ReadableFeed {
  readonly ruleId: string;
  readonly subscribers = new Set<Subscriber>();
  reading = false;
  /** Whether subscribers may lack something. */
  restless = true;
  failures = 0;
  readAgainAt = 0;
  askedAt: number | null = null;
  isSlow = false;
  /** Its windows take more to be read than a reading may. */
  isTooLarge = false;

  readonly #bounds: FeedBounds;
  readonly #dirty: Dirty;
  #held: HeldWindows;
  #portion = new Portion();
  #watched: Watched;
  #revision: number;
  /** Windows touched while somebody waited for a snapshot: they belong to it, as they changed after the asking. */
  #awaited: Set<number> | undefined;
  /** The same, when it is not known which windows were touched. */
  #awaitedAll = false;
  /** Some of these can't be named: their snapshot says that there may be more. */
  #awaitedUnknown = false;
  /** Held windows that were not in everybody's snapshot. */
  readonly #leftOut = new Set<number>();
  /** Grows with every snapshot. */
  #snapshots = 0;
  /** Per partition what was held, and how many snapshots there had been, when its last batch was told of. */
  readonly #lastBatch = new Map<number, { readonly seq: number; readonly snapshots: number }>();
  /** Windows with more rows than are held. */
  readonly #cut = new Set<number>();
  /** Where the first window began that the rule kept, when that was looked at last. */
  #keptFrom = 0;

  constructor(record: RuleRecord, watched: Watched, bounds: FeedBounds) {
    this.ruleId = record.rule_id;
    this.#revision = record.revision;
    this.#watched = watched;
    this.#bounds = bounds;
    this.#dirty = new Dirty(bounds);
    this.#held = this.#newHeld();
    this.#dirty.touchNewest();
  }

  get revision(): number {
    return this.#revision;
  }

  get series(): number {
    return this.#watched.version.series;
  }

  get window(): RuleWindow {
    return this.#watched.rule.window;
  }

  get seq(): number {
    return this.#held.seq;
  }

  /** What is held of its windows. */
  get heldBytes(): number {
    return this.#held.bytes;
  }

  get isDirty(): boolean {
    return !this.#dirty.isEmpty;
  }

  get isWanted(): boolean {
    return this.subscribers.size > 0;
  }

  /** Whether what is held is what the store has, as far as anybody knows. */
  get isSettled(): boolean {
    return !this.isDirty && !this.reading;
  }

  /** Somebody waits for a snapshot. One who asks again may lack changes still: then all that is held belongs to it. */
  welcome(subscriber: Subscriber): void {
    if (this.subscribers.has(subscriber)) this.#awaitedAll = true;
    subscriber.sentSeq = null;
    this.subscribers.add(subscriber);
    this.#awaited ??= new Set();
    this.restless = true;
  }

  /** Nobody waits for a snapshot any more. */
  allWelcomed(): void {
    this.#awaited = undefined;
    this.#awaitedAll = false;
    this.#awaitedUnknown = false;
  }

  /**
   * A batch of the partition is counted, and touched these windows. The store may have had its rows before we were told, so
   * that they were held when a snapshot left them out: they are news to who got that. Not before the partition's last batch
   * was told of, unless they were counted elsewhere.
   */
  touchedBy(src: number, starts: Iterable<number>, elsewhere: boolean): void {
    const { seq: heldThen, snapshots } = this.#lastBatch.get(src) ?? { seq: 0, snapshots: 0 };
    const seq = elsewhere ? 0 : heldThen;
    this.#lastBatch.set(src, { seq: this.#held.seq, snapshots: this.#snapshots });
    for (const start of starts) {
      if (snapshots !== this.#snapshots && this.#leftOut.has(start)) this.#held.renumber(start, seq);
      this.touch(start);
    }
  }

  touch(windowStart: number): void {
    // What is held may be among those forgotten.
    if (this.#dirty.touch(windowStart)) this.touchUnknown();
    this.#await(windowStart);
    this.restless = true;
  }

  /** Of too many the snapshot can't have all: it says that there may be more. */
  #await(windowStart: number): void {
    if (this.#awaited === undefined || this.#awaited.has(windowStart)) return;
    if (this.#awaited.size < this.#bounds.windowsMax) this.#awaited.add(windowStart);
    else this.#awaitedUnknown = true;
  }

  /** Windows have changed, and it is not known which: subscribers are told that there may be more than they are pushed. */
  touchUnknown(): void {
    this.#dirty.touchUnknown();
    this.#awaitedUnknown = this.#awaited !== undefined;
    this.touchAll();
  }

  /** Anything may have changed: the newest windows are read again, and those that are held. */
  touchAll(): void {
    this.#dirty.touchNewest();
    for (const start of this.#held.starts()) this.#dirty.touch(start);
    this.#awaitedAll = this.#awaited !== undefined;
    this.restless = true;
  }

  /** The rule has changed. Windows of the same shape are compared with what was sent; else everybody starts anew. */
  follow(record: RuleRecord, watched: Watched): void {
    const before = this.#watched;
    this.#revision = record.revision;
    this.#watched = watched;
    this.#portion = new Portion();
    if (shapeOf(watched) !== shapeOf(before)) this.#startAnew();
    else if (keyOf(watched) !== keyOf(before)) this.touchUnknown();
    else this.touchAll();
  }

  /**
   * Reads the next windows that may have changed and takes them in. One call at a time.
   * @returns whether there is more to read. @throws what the store throws; then the windows are still to be read, fewer at a
   * time where they were too many, or `isTooLarge`.
   */
  async readNext(store: Pick<Store, "windows" | "newestPane">, now: number): Promise<boolean> {
    const watched = this.#watched;
    const portion = this.#portion;
    const reading = this.#dirty.take(stepMsOf(watched.rule.window), portion.windows(this.#bounds.spanWindowsMax));
    if (reading === undefined) return false;
    try {
      const spans = reading === "newest" ? await this.#newestSpans(store, watched, now) : [reading];
      const page = { now, rowsMax: portion.rows(this.#bounds.readRowsMax) };
      const read: Read[] = [];
      for (const span of spans) read.push({ span, rows: await this.#windows(store, watched, span, page) });
      // Meanwhile the rule may have changed: then these rows are another version's.
      if (watched === this.#watched) this.#takeIn(reading, read, page);
      else this.#readAgain(reading, watched);
      portion.worked();
    } catch (error) {
      this.#readAgain(reading, watched);
      this.isTooLarge = portion.failed(error) && portion === this.#portion;
      throw error;
    }
    return this.isDirty;
  }

  /** Lets go of windows beyond the bounds. */
  tidy(now: number): void {
    this.#letGo(this.#bounds, now);
  }

  /** Lets go of all windows but the newest that has begun. */
  keepNewest(now: number): void {
    this.#letGo({ rowsKept: 0, heldBytesKept: 0, rowsMax: 0, heldBytesMax: 0 }, now);
  }

  #letGo(bounds: HeldBounds, now: number): void {
    const { lostSeq } = this.#held;
    let sentToAll = this.#awaited ? 0 : this.#held.seq;
    for (const { sentSeq } of this.subscribers) sentToAll = Math.min(sentToAll, sentSeq ?? sentToAll);
    this.#held.evict(bounds, sentToAll, now);
    // What somebody waits for may be among it.
    if (this.#held.lostSeq > lostSeq) this.#awaitedUnknown = this.#awaited !== undefined;
    for (const noted of [this.#cut, this.#leftOut])
      for (const start of noted) if (!this.#held.has(start)) noted.delete(start);
  }

  /**
   * Lets go of windows that the rule no longer keeps. Nobody is told: a push can't say that a row has gone. When the clock was
   * set back, what has gone is answered again.
   */
  expire(now: number): void {
    const kept = oldestKept(this.#watched.rule, now);
    if (kept < this.#keptFrom) this.touchAll();
    else if (kept > 0) this.#held.dropBefore(kept);
    this.#keptFrom = kept;
  }

  /**
   * The push with the newest window's rows, and those of windows that were touched since somebody asked. An event that is ahead of
   * the clock does not hide what is now: the newest window is the newest that has begun, and those behind it.
   */
  snapshotText(now: number): string {
    this.expire(now);
    const starts = this.#held.withNewest(this.#awaitedAll ? this.#held.starts() : (this.#awaited ?? []), now);
    this.#snapshots += 1;
    for (const start of new Set(this.#held.starts()).difference(new Set(starts))) this.#leftOut.add(start);
    return this.#push(now, this.#held.rowsOf(starts), this.#awaitedUnknown || this.#held.lacksAhead(now));
  }

  /** The push with the rows that changed after `seq`; undefined when there is none. */
  changesText(seq: number, now: number): string | undefined {
    this.expire(now);
    const rows = this.#held.since(seq);
    const lost = seq < this.#held.lostSeq;
    return rows.length === 0 && !lost ? undefined : this.#push(now, rows, lost);
  }

  #push(now: number, rows: readonly string[], lacks: boolean): string {
    return pushText(this.ruleId, now, rows, {
      bytesMax: this.#bounds.pushBytesMax,
      truncated: lacks || this.#cut.size > 0,
    });
  }

  /** Those that have begun, and those ahead of the clock by themselves, which else could leave no room for what is now. */
  async #newestSpans(store: Pick<Store, "newestPane">, watched: Watched, now: number): Promise<Span[]> {
    // Before its activation a version has no windows, and nobody may answer for it.
    if (watched.version.phase === "pending") return [];
    const newest = await store.newestPane(watched.version.series);
    if (newest === undefined) return [];
    const { window } = watched.rule;
    const from = newestFrom(window, newest, now, this.#portion.windows(this.#bounds.newestWindows));
    const [begun, to] = [now + 1, newest + stepMsOf(window)];
    const begunSpan = { from, to: Math.min(begun, to), only: null };
    return newest > now ? [begunSpan, { from: begun, to, only: null }] : [begunSpan];
  }

  #windows(
    store: Pick<Store, "windows">,
    { rule, version }: Watched,
    span: Span,
    { now, rowsMax }: Page,
  ): Promise<readonly WindowRow[]> {
    const { to } = span;
    const from = Math.max(span.from, oldestKept(rule, now));
    if (version.phase === "pending" || from >= to) return Promise.resolve([]);
    const query = { series: version.series, rule, from, to, filters: [], order: "newest", limit: rowsMax + 1 } as const;
    return store.windows(query, this.#bounds.readSecondsMax);
  }

  #takeIn(reading: Reading, read: readonly Read[], page: Page): void {
    if (this.#dirty.takeOverflowed()) this.#held.lose();
    if (reading === "newest") this.#held.readAhead(-Infinity);
    for (const one of read) this.#takeInSpan(one, page);
  }

  #takeInSpan({ span, rows }: Read, { now, rowsMax }: Page): void {
    const { windows, complete } = foundRows(rows, rowsMax);
    const asked = span.only ?? new Set([...windows.keys(), ...this.#heldIn(span)]);
    const seen = [...asked].filter((start) => start >= complete);
    const large = this.#held.apply(seen.map((start) => [start, (windows.get(start) ?? []).slice(0, rowsMax)] as const));
    for (const start of seen) this.#noteCut(start, large.has(start) || (windows.get(start)?.length ?? 0) > rowsMax);
    if (span.only === null && span.from > now) this.#held.readAhead(complete);
    // Reads follow each other before anything is sent: what they bring has a bound at each.
    if (this.#held.bytes > this.#bounds.heldBytesMax) this.tidy(now);
    // A full read ends within a window: what lies at or below it was asked for in vain. Of the newest ones that have begun that
    // is no loss, they are only held to know what changes.
    if (span.only !== null) for (const start of asked) if (start < complete) this.#dirty.touch(start);
  }

  #noteCut(start: number, isCut: boolean): void {
    if (isCut) this.#cut.add(start);
    else this.#cut.delete(start);
  }

  #readAgain(reading: Reading, watched: Watched): void {
    // What is held may be among those forgotten.
    if (shapeOf(watched) === shapeOf(this.#watched) && this.#dirty.putBack(reading)) this.touchUnknown();
    this.restless = true;
  }

  #heldIn(span: Span): number[] {
    return [...this.#held.starts()].filter((start) => span.from <= start && start < span.to);
  }

  #newHeld(): HeldWindows {
    return new HeldWindows(this.#watched.rule.groupBy.length, this.#bounds.pushBytesMax);
  }

  #startAnew(): void {
    this.#held = this.#newHeld();
    this.#dirty.clear();
    this.#dirty.touchNewest();
    this.#cut.clear();
    this.#leftOut.clear();
    this.#lastBatch.clear();
    for (const subscriber of this.subscribers) this.welcome(subscriber);
    this.#awaitedAll = false;
    this.#awaitedUnknown = false;
  }
}

/** A rule that was deleted and made again has another series. */
const keyOf = ({ version }: Watched): string => `${version.series} ${version.version}`;

function shapeOf({ rule }: Watched): string {
  return JSON.stringify([rule.window, rule.spec.group_by]);
}
