import type { RuleRecord } from "../../rule/registry.ts";
import { oldestKept } from "../../rule/retention.ts";
import type { RuleWindow } from "../../rule/rule.ts";
import type { Store } from "../../store/store.ts";
import type { Watched } from "../feed.ts";
import { Portion } from "../portion.ts";
import type { ReadableFeed } from "../readable.ts";
import type { TooLarge } from "../refusals.ts";
import { newestFrom, stepMsOf } from "../starts.ts";
import { Audience } from "./audience.ts";
import type { ExactFeedBounds, FeedProcess } from "./bounds.ts";
import { Changes } from "./changes.ts";
import { closeWindows } from "./closing.ts";
import { Coverage } from "./coverage.ts";
import { Finals } from "./finals.ts";
import { Mirror } from "./mirror.ts";
import type { MirrorWindow } from "./mirror.ts";
import { closedThrough, readStretch } from "./read.ts";
import type { Stretched } from "./read.ts";
import type { ExactSubscriber } from "./subscriber.ts";
import { Through } from "./through.ts";

type Readings = Pick<Store, "windows" | "newestPane">;

/** Behind every window that a store can hold, ms since the epoch. */
const endOfTime = 4_294_967_295_000;

/**
 * One rule that is watched exactly: what `/stats` has, as far as it was read, and what of it may have changed since. State
 * only: `ExactFeeds` decides when it reads and who is sent what.
 */
export class ExactFeed implements ReadableFeed {
  readonly ruleId: string;
  /** Names this state of the rule in this process: `seq` counts within it. */
  number: number;
  readonly audience = new Audience();
  reading = false;
  readAgainAt = 0;
  failures = 0;
  askedAt: number | null = null;
  isSlow = false;
  /** Why the rule can't be watched, if it can't. */
  tooLarge: TooLarge | undefined;
  finals: Finals;
  mirror: Mirror;

  readonly #bounds: ExactFeedBounds;
  readonly #coverage = new Coverage();
  #watched: Watched;
  #revision: number;
  #changes: Changes;
  /** How much is read at a time of what has changed, and for those who wait. */
  #ofChanges = new Portion();
  #ofLoads = new Portion();
  /** The last read was for those who wait for windows that are not known. */
  #loads = false;
  readonly #through = new Through();
  #keptFrom = 0;
  readonly #process: FeedProcess;

  constructor(record: RuleRecord, watched: Watched, bounds: ExactFeedBounds, process: FeedProcess) {
    this.#process = process;
    this.ruleId = record.rule_id;
    this.number = process.nextNumber();
    this.#revision = record.revision;
    this.#watched = watched;
    this.#bounds = bounds;
    this.#changes = new Changes(bounds);
    this.finals = new Finals(bounds.finalsMax);
    this.mirror = new Mirror(bounds.goneMax);
  }

  get revision(): number {
    return this.#revision;
  }

  get series(): number {
    return this.#watched.version.series;
  }

  get version(): number {
    return this.#watched.version.version;
  }

  get window(): RuleWindow {
    return this.#watched.rule.window;
  }

  /** As in `/stats`: a filling version lacks history, a paused one what came since, and whoever does not know the rules can't say. */
  get isComplete(): boolean {
    return this.#isLive && this.#process.knowsRules();
  }

  get #isLive(): boolean {
    return this.#watched.version.phase === "live";
  }

  get isWanted(): boolean {
    return this.audience.subscribers.size > 0;
  }

  /** Whether something is to be read. */
  get isDirty(): boolean {
    return !this.#changes.isEmpty || this.#coverage.lacks(this.mirror.floor);
  }

  /** See `Changes`. */
  get isStale(): boolean {
    return this.#changes.isStale;
  }

  /** In turns with what has changed: those who come, one after the other, and ask for more do not keep it from the others. */
  get #isLoadNext(): boolean {
    return this.#coverage.lacks(this.mirror.floor) && !(this.#loads && !this.#changes.isEmpty);
  }

  /** Somebody watches again; what changed in between has not been read. */
  returnTo(): void {
    this.audience.leftAt = null;
    this.#changes.refresh();
  }

  /** From now on the subscriber wants what it asks for; what of it is not known is read. */
  want(one: ExactSubscriber, now: number): void {
    one.from = null;
    this.#resolve(one, this.#newestFrom(this.mirror.newest, now), this.mirror.floor);
    if (one.from === null) this.#coverage.want(one.asked);
    this.audience.lookAgainAt = 0;
  }

  /** It is sent a snapshot, which says whether it is complete. */
  shows(one: ExactSubscriber, isComplete: boolean): void {
    this.audience.shows(one, !isComplete && this.#isLive);
  }

  touch(starts: Iterable<number>): void {
    this.#changes.touch(starts, Math.min(this.mirror.floor, this.#coverage.loadingFrom));
  }

  /** Anything may have changed. */
  touchAll(): void {
    this.#changes.touchAll();
  }

  /** The record is another. If other windows answer now, everybody starts anew, under the next number. */
  follow(record: RuleRecord, watched: Watched): void {
    this.#revision = record.revision;
    const [before, after] = [this.#watched.version, watched.version];
    this.#watched = watched;
    const isSameVersion = before.version === after.version;
    if (isSameVersion && before.series === after.series && before.phase === after.phase) return;
    this.number = this.#process.nextNumber();
    this.#changes = new Changes(this.#bounds);
    this.finals = new Finals(this.#bounds.finalsMax);
    this.mirror = new Mirror(this.#bounds.goneMax);
    this.tooLarge = undefined;
    [this.#ofChanges, this.#ofLoads] = [new Portion(), new Portion()];
    this.#through.closeAgain();
    this.#keptFrom = 0;
    this.audience.startAnew(isSameVersion ? "rebuilt" : "rule_changed");
    for (const { asked } of this.audience.subscribers) this.#coverage.want(asked);
  }

  /**
   * Reads what is to be read next and takes it in. One call at a time. `look` is called before it is taken in: the rule may
   * have changed, and then these are another version's windows.
   * @returns whether there is more to read. @throws what the store throws; then it is still to be read, less at a time where
   * it was too much, or `tooLarge`.
   */
  async readNext(store: Readings, now: () => number, look: () => void): Promise<boolean> {
    const stillWatched = this.#watch(look);
    this.#loads = this.#isLoadNext;
    if (this.#loads) await this.#load(store, now, stillWatched);
    else
      await (this.#changes.isAll ? this.#readAll(store, now, stillWatched) : this.#readDirty(store, now, stillWatched));
    if (!this.#loads) this.#ofChanges.worked();
    this.audience.lookAgainAt = 0;
    return this.isDirty;
  }

  /**
   * Time has gone on: windows close, and some are kept no longer. `countedThrough` as in `Progress`; `now` in ms since the
   * epoch, `monotonic` by a clock that nobody sets.
   */
  advance(countedThrough: number, now: number, monotonic: number): void {
    this.#expire(oldestKept(this.#watched.rule, now));
    // What is read meanwhile is not called final: it closes as soon as it may.
    if (!this.isComplete) return this.#through.closeAgain();
    if (this.audience.isDoubted) this.#showAgain();
    if (this.#through.goesBack(countedThrough, monotonic)) this.touchAll();
    const closing = this.#through.goesOn(countedThrough, this.#watched.rule);
    if (closing === undefined) return;
    closeWindows(this.mirror, this.finals, { ...closing, atOnceMax: this.#bounds.finalsAtOnce });
    this.audience.lookAgainAt = 0;
  }

  /** Who has gone and comes back with what was doubted is told by the number that it is void. */
  #showAgain(): void {
    this.number = this.#process.nextNumber();
    this.audience.showAgain();
  }

  /** Lets the oldest windows go if there is more than may be kept; the newest stays. */
  shrink(bytesMax: number, now: number): void {
    if (this.mirror.bytes > bytesMax) this.#raise(this.mirror.floorFor(bytesMax / 2), now);
    if (this.mirror.bytes > this.#bounds.mirrorBytesMax) this.tooLarge = "kept";
  }

  #expire(kept: number): void {
    const { seq } = this.mirror;
    // The clock was set back: what has gone may be answered again.
    if (kept < this.#keptFrom) this.touchAll();
    else if (kept > this.#keptFrom) this.mirror.replace(-Infinity, kept, new Map());
    this.#keptFrom = kept;
    if (this.mirror.seq !== seq) this.audience.lookAgainAt = 0;
  }

  /** Older windows than are known, or the first. */
  async #load(store: Readings, now: () => number, stillWatched: () => boolean): Promise<void> {
    const wanted = this.#coverage.take();
    const to = this.mirror.floor;
    try {
      const newest = wanted.newest || this.#ofLoads.isLess ? await store.newestPane(this.series) : undefined;
      if (!stillWatched()) return;
      const newestFrom = this.#newestFrom(newest, now());
      const asked = Math.min(wanted.from, wanted.newest ? newestFrom : Infinity);
      const from = this.#ofLoads.isLess ? this.#fewFrom(asked, newest, now()) : asked;
      this.#coverage.loadingFrom = from;
      const read =
        from < to && !(this.mirror.isFull && to > this.#keptFrom)
          ? await this.#stretch(store, from, Math.min(to, endOfTime), now(), this.#ofLoads, this.mirror.bytes)
          : undefined;
      if (!stillWatched()) return;
      // Meanwhile windows were let go: between what was read and what is left there would be a hole.
      if (this.mirror.floor !== to) return this.#coverage.putBack(wanted);
      if (read) this.#takeOlder(read, now());
      if (from > asked) this.mirror.noteCut(true);
      // Who wants the newest few and came later has a load of his own: which these are was not asked for the others.
      for (const one of this.audience.subscribers)
        if (wanted.newest || one.asked !== null) this.#resolve(one, newestFrom, asked);
      this.#ofLoads.restore();
    } catch (error) {
      if (stillWatched() && this.#ofLoads.failed(error)) this.tooLarge = "read";
      this.#coverage.putBack(wanted);
      throw error;
    } finally {
      this.#coverage.loadingFrom = Infinity;
    }
  }

  /** What is asked for takes too much to be read: of it what is known, or where nothing is, some of the newest windows. */
  #fewFrom(asked: number, newest: number | undefined, now: number): number {
    const { floor } = this.mirror;
    const few = this.#ofLoads.windows(this.#bounds.newestWindows);
    return Math.max(asked, floor === Infinity ? this.#newestFrom(newest, now, few) : floor);
  }

  async #readAll(store: Readings, now: () => number, stillWatched: () => boolean): Promise<void> {
    this.#changes.takeAll();
    const few = this.#ofChanges.windows(this.#bounds.newestWindows);
    if (this.#ofChanges.isLess) this.#raise(this.#newestFrom(this.mirror.newest, now(), few), now());
    try {
      const read = await this.#stretch(store, this.mirror.floor, endOfTime, now(), this.#ofChanges);
      if (!stillWatched()) return;
      this.#takeIn(read, endOfTime, now());
      this.#changes.allRead();
    } catch (error) {
      this.touchAll();
      this.#changesFailed(error, stillWatched);
    }
  }

  async #readDirty(store: Readings, now: () => number, stillWatched: () => boolean): Promise<void> {
    const run = this.#changes.take(stepMsOf(this.window), this.#ofChanges.windows(this.#bounds.spanWindowsMax));
    if (run === undefined) return;
    const from = Math.max(run.from, this.mirror.floor);
    try {
      const read = from < run.to ? await this.#stretch(store, from, run.to, now(), this.#ofChanges) : undefined;
      if (read && stillWatched()) this.#takeIn(read, run.to, now());
    } catch (error) {
      this.#changes.putBack(run);
      this.#changesFailed(error, stillWatched);
    }
  }

  #changesFailed(error: unknown, stillWatched: () => boolean): never {
    if (stillWatched() && this.#ofChanges.failed(error)) this.tooLarge = "read";
    throw error;
  }

  /** Whether the same windows answer still as now; asks for the rule as it is. */
  #watch(look: () => void): () => boolean {
    const { mirror } = this;
    return () => (look(), this.mirror === mirror);
  }

  /** `kept`: bytes of what is known already and stays. */
  #stretch(store: Readings, from: number, to: number, now: number, portion: Portion, kept = 0): Promise<Stretched> {
    const { readRowsMax, readSecondsMax, mirrorBytesMax } = this.#bounds;
    return readStretch(store, {
      ...{ ...this.#watched, from, to, now },
      finalThrough: () => this.#sayableThrough,
      pageRows: portion.rows(readRowsMax),
      secondsMax: readSecondsMax,
      bytesMax: mirrorBytesMax - kept,
    });
  }

  /** Up to when windows may be called final now. */
  get #sayableThrough(): number {
    return this.isComplete ? this.#through.at : 0;
  }

  /** What is known is not given up for what is older. */
  #takeOlder({ from, isWhole, windows }: Stretched, now: number): void {
    if (!isWhole && windows.size === 0 && this.mirror.size === 0) this.tooLarge = "kept";
    else this.mirror.extend(from, this.#asOf(now, windows));
    this.mirror.noteCut(!isWhole);
  }

  /** What does not fit is let go, with all that is older. */
  #takeIn({ from, isWhole, windows }: Stretched, to: number, now: number): void {
    this.mirror.replace(Math.max(from, this.mirror.floor), to, this.#asOf(now, windows));
    if (!isWhole) this.#raise(from, now);
    if (!isWhole && this.mirror.size === 0) this.tooLarge = "kept";
    this.shrink(this.#bounds.mirrorBytesMax, now);
  }

  /** While they were read, windows may have closed, or have become older than is kept. */
  #asOf(now: number, windows: ReadonlyMap<number, MirrorWindow>): Map<number, MirrorWindow> {
    const { rule } = this.#watched;
    const through = this.#sayableThrough;
    const kept = oldestKept(rule, now);
    const still = [...windows].filter(([start]) => start >= kept);
    return new Map(still.map(([start, window]) => [start, closedThrough(window, rule, through)]));
  }

  #raise(floor: number, now: number): void {
    this.mirror.raise(floor);
    const newestFrom = this.#newestFrom(this.mirror.newest, now);
    for (const one of this.audience.loses(this.mirror.floor)) this.#resolve(one, newestFrom, -Infinity);
  }

  /** Where the subscriber's windows begin, if it asks for none before `from`: what is not kept of them is left out. */
  #resolve(one: ExactSubscriber, newestFrom: number, from: number): void {
    const { floor } = this.mirror;
    const asked = one.asked ?? newestFrom;
    if (one.from !== null || floor === Infinity || asked < from) return;
    one.from = Math.max(asked, floor);
    one.isCut = asked < floor;
  }

  #newestFrom(newest: number | undefined, now: number, count = this.#bounds.newestWindows): number {
    return newestFrom(this.window, newest, now, count);
  }
}
