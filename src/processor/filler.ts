import type { Offset, OffsetRange, Src } from "../event/position.ts";
import { after, overlap } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { passFailpoint } from "../lib/failpoint.ts";
import { remembered } from "../lib/remembered.ts";
import { type RollupPlan, planRollup } from "../rollup/plan.ts";
import { type RuleRecord, isOutdated } from "../rule/registry.ts";
import { isDamaged, restOfDamagedMs } from "../store/damaged.ts";
import type { RollupTask, Store } from "../store/store.ts";
import type { BatchWriter } from "./batch-writer.ts";
import {
  type FillPace,
  type LiveLoad,
  eventsLeast,
  firstPace,
  paceAfter,
  paceAfterFailure,
  paceSeen,
  pauseAfter,
} from "./fill-pace.ts";
import {
  type FillPiece,
  type FillWork,
  type Place,
  eventsLeft,
  fillWork,
  nextPiece,
  withoutRange,
} from "./fill-work.ts";
import type { Admission, GroupRooms } from "./group-rooms.ts";
import { isRefused, isTaken } from "./faulty-rules.ts";
import { type ProgressWriter, type RuleSource, type Target, incompleteBelow } from "./ports.ts";
import type { RuleStopper } from "./rule-stopper.ts";

export interface FillerDeps {
  readonly store: Store;
  readonly rules: RuleSource;
  readonly writer: BatchWriter;
  readonly progress: ProgressWriter;
  readonly groups: GroupRooms;
  readonly stopper: RuleStopper;
  readonly clock: Clock;
  /** Up to where live processing has written a partition; undefined: it is not ours. */
  readonly ours: (partition: number) => Offset | undefined;
  /** Another process has claimed a partition. */
  readonly taken: (src: Src, error: unknown) => void;
  readonly live: () => LiveLoad;
  /** The most events in one statement. */
  readonly chunkEventsMax: number;
  /** How many positions an event may take, for the first look; where they are dense, one. */
  readonly positionsPerEvent: number;
  /** How much of the time fills may have while events come, 0 … 1. */
  readonly share: number;
  readonly report: (message: string, error: unknown) => void;
}

/** How far the fill of a series is. */
export interface FillState {
  /** 0 … 1 */
  readonly progress: number;
  /** When it will be done if it goes on like this (ms since the epoch); null when nobody knows. */
  readonly endsAt: number | null;
  /** What it stands still for, for people; missing: nothing. */
  readonly waitingFor?: string;
}

/** A fill with what its end is estimated from. */
interface Tracked extends FillWork {
  /** When its first piece of this process began, ms of the monotonic clock, and what was left then. */
  readonly begun: { readonly at: number; readonly left: number } | null;
}

/** Asked before each piece, of all versions of all rules. */
const anyOutdated = remembered((records: readonly RuleRecord[]): boolean => records.some(isOutdated));

const fillAttemptsMax = 3;
/** How long a fill is left alone that the store refuses piece by piece. */
const restMs = 5000;
/** Where files of the store are damaged the rest is as long as of all side work, and this many times as long as was tried in vain. */
const restTimesTried = 20;
const pauseStepMs = 250;
/** How often it is looked what others have done of a fill. */
const readEveryMs = 500;

/**
 * Fills new rule versions from raw rows: everything below their activation, in pieces, each with its marks in the same
 * part. A piece is the same operation as a live batch on another range, so what was done before a crash is found by its
 * marks and never done twice. A range is read once for all rules that miss it, and live processing goes first.
 * Of the partitions that are others' others do it; a fill is done when the marks say so of all partitions.
 */
export class Filler {
  readonly #deps: FillerDeps;
  readonly #works = new Map<number, Tracked>();
  /** Series that are left alone until then, by the monotonic clock. */
  readonly #resting = new Map<number, number>();
  /** Series that stand still since files of the store are damaged, and what is said of these. */
  readonly #held = new Map<number, string>();
  #cursor: Place = { src: 0, off: 0 };
  /** When the marks were last read, by the monotonic clock; and how often what they said was made void. */
  #readAt = -Infinity;
  #voided = 0;
  /** They can't be read, until then: files of the store are damaged. */
  #marksDamaged: { readonly error: WeirError; readonly until: number } | undefined;
  /** When the turn began, by the monotonic clock. */
  #began = 0;
  #filling: { readonly src: Src; readonly over: Promise<unknown> } | undefined;
  /** What is chosen and written now. */
  #turn: Promise<unknown> = Promise.resolve();
  #pace: FillPace;

  constructor(deps: FillerDeps) {
    this.#deps = deps;
    this.#pace = firstPace(deps.chunkEventsMax, deps.positionsPerEvent);
  }

  state(series: number): FillState {
    const work = this.#works.get(series);
    const held = this.#held.get(series);
    const waiting = held === undefined ? {} : { waitingFor: held };
    if (work === undefined) return { progress: 0, endsAt: null, ...waiting };
    const left = eventsLeft(work);
    const endsAt = held === undefined ? this.#endOf(work, left) : null;
    return { progress: work.events === 0 ? 1 : 1 - left / work.events, endsAt, ...waiting };
  }

  /** Nothing of the store is damaged any more: what stands still for that need not wait. */
  mended(): void {
    for (const series of this.#held.keys()) this.#resting.delete(series);
    this.#marksDamaged = undefined;
  }

  /** A partition was taken up: what has been done of it by others is to be read before anything is written. */
  readAgain(): void {
    this.#voided += 1;
    this.#works.clear();
  }

  /** Resolves when no piece of the partition is being written. */
  async leaves(src: Src): Promise<void> {
    while (this.#filling?.src === src) await this.#filling.over;
  }

  /** Resolves when the piece that is under way, if any, is written or has failed. What is chosen after it goes by the rules as they are then. */
  async idle(): Promise<void> {
    await this.#turn;
  }

  /** Does the fills that can be done now, until `stop` aborts. */
  async round(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const turn = this.#fillNext();
      this.#turn = turn.catch(() => {});
      const tookMs = await turn;
      if (tookMs === undefined) return;
      await this.#pause(tookMs, stop);
    }
  }

  /** Answers how long the piece took, ms; undefined when there is nothing to do. */
  async #fillNext(): Promise<number | undefined> {
    this.#began = this.#deps.clock.monotonic();
    await this.#lookAround();
    for (const work of this.#works.values()) if (work.missing.length === 0) await this.#finish(work.target);
    const { eventsMax, positionsPerEvent, rulesMax } = this.#pace;
    const bounds = { positionsMax: Math.ceil(eventsMax * positionsPerEvent), rulesMax };
    const piece = nextPiece(this.#ours(), this.#cursor, bounds);
    if (piece === undefined) return undefined;
    const over = this.#fill(piece);
    this.#filling = { src: piece.range.src, over: over.catch(() => {}) };
    return over.finally(() => (this.#filling = undefined));
  }

  /** What of the fills is to be done here, and can be: raw is complete below the activation only once live processing has reached it. */
  #ours(): readonly FillWork[] {
    const { clock, ours } = this.#deps;
    const isOurs = ({ activation }: Target, { src }: OffsetRange): boolean => (ours(src) ?? -1) >= activation[src]!;
    return [...this.#works.values()]
      .filter(({ target }) => clock.monotonic() >= (this.#resting.get(target.series) ?? 0))
      .map((work) => ({ ...work, missing: work.missing.filter((range) => isOurs(work.target, range)) }))
      .filter(({ missing }) => missing.length > 0);
  }

  /** Rules come, are changed and go while others are filled. */
  async #lookAround(): Promise<void> {
    const { rules, progress } = this.#deps;
    let records = await rules.current();
    if (anyOutdated(records)) {
      await rules.goOnRebuilding();
      records = await rules.current();
    }
    const filling = (await rules.targets(records)).filter((target) => target.filling);
    progress.filling(incompleteBelow(rules.known()));
    const wanted = new Set(filling.map(({ series }) => series));
    for (const series of new Set([...this.#works.keys(), ...this.#held.keys()]))
      if (!wanted.has(series)) this.#leave(series);
    const unread = filling.filter((target) => this.#isUnread(target));
    if (unread.length > 0) await this.#takeUp(unread);
  }

  /** It is done, or stopped. */
  #leave(series: number): void {
    this.#works.delete(series);
    this.#resting.delete(series);
    this.#held.delete(series);
    this.#deps.progress.seriesChanged(series);
  }

  /** Nothing is known of it, or others may have gone on with what is theirs. */
  #isUnread({ series }: Target): boolean {
    const work = this.#works.get(series);
    if (work === undefined) return true;
    const isOthers = ({ src }: OffsetRange): boolean => this.#deps.ours(src) === undefined;
    return work.missing.some(isOthers) && this.#deps.clock.monotonic() - this.#readAt >= readEveryMs;
  }

  async #takeUp(targets: readonly Target[]): Promise<void> {
    const known = this.#marksDamaged;
    if (known !== undefined && this.#began < known.until) return this.#holdNew(targets, known.error);
    try {
      await this.#readMarks(targets);
      this.#marksDamaged = undefined;
    } catch (error) {
      if (!isDamaged(error)) throw error;
      for (const target of targets) this.#hold(target, error);
      this.#marksDamaged = { error, until: this.#restsUntil() };
    }
  }

  #holdNew(targets: readonly Target[], error: WeirError): void {
    for (const target of targets) if (!this.#held.has(target.series)) this.#hold(target, error);
  }

  async #readMarks(targets: readonly Target[]): Promise<void> {
    const { store, clock } = this.#deps;
    const voided = this.#voided;
    this.#readAt = clock.monotonic();
    // An earlier attempt may have been given up with a write under way: marks say nothing until that is settled.
    await store.settle();
    const marks = await store.fillMarks(targets.map((target) => target.series));
    if (voided !== this.#voided) return;
    for (const target of targets) {
      const begun = this.#works.get(target.series)?.begun ?? null;
      this.#works.set(target.series, { ...fillWork(target, marks.get(target.series) ?? []), begun });
    }
  }

  /**
   * Positions need not be dense: a piece of many may still have few events. It ends where it has as many as it may, and goes on
   * to the end of what was looked at where it has fewer. Answers with how many: where nobody looked, at most so many.
   */
  async #cut(piece: FillPiece): Promise<{ readonly piece: FillPiece; readonly events: number }> {
    const { eventsMax } = this.#pace;
    const { src, from, to } = piece.range;
    if (to - from < eventsMax) return { piece, events: to - from + 1 };
    const { events, last } = await this.#deps.store.firstEvents(piece.range, eventsMax);
    const range = { src, from, to: events === eventsMax ? last : to };
    this.#pace = paceSeen(this.#pace, range.to - from + 1, events);
    return { piece: { ...piece, range }, events };
  }

  /** What can't be read there none of them can. */
  #uncut({ works }: FillPiece, error: unknown): undefined {
    if (!isDamaged(error)) throw error;
    for (const { target } of works) this.#hold(target, error);
  }

  async #fill(whole: FillPiece): Promise<number> {
    const { clock, live, chunkEventsMax } = this.#deps;
    const cut = await this.#cut(whole).catch((error: unknown) => this.#uncut(whole, error));
    if (cut === undefined) return 0;
    const { piece, events } = cut;
    const started = clock.monotonic();
    if (!(await this.#isWritten(piece))) return 0;
    const took = clock.monotonic() - started;
    this.#pace = paceAfter(this.#pace, events, took, live(), chunkEventsMax);
    this.#note(piece, started);
    passFailpoint("mid-backfill");
    return took;
  }

  /** What is due is asked anew all the while: a long piece beside a short burst must not rest for the minutes after it. */
  async #pause(tookMs: number, stop: AbortSignal): Promise<void> {
    const { clock, live, share } = this.#deps;
    const began = clock.monotonic();
    while (!stop.aborted) {
      const left = pauseAfter(tookMs, share, live()) - (clock.monotonic() - began);
      if (left <= 0) return;
      await clock.sleep(Math.min(left, pauseStepMs), stop);
    }
  }

  async #isWritten({ range, works }: FillPiece): Promise<boolean> {
    const targets = works.map((work) => work.target);
    const marks = targets.map(({ series }) => ({ series, range }));
    const form: { bounded: ReadonlySet<number> } = { bounded: new Set() };
    const planOf = (some: readonly Target[]): RollupPlan => planRollup(some, "scattered", form.bounded);
    const write = async (waits: boolean): Promise<boolean> => {
      const groups = Math.min(range.to - range.from + 1, this.#deps.chunkEventsMax);
      const admission = await this.#deps.groups.admit(targets, { groups, seconds: null, waits });
      form.bounded = admission.bounded;
      return this.#rolledUp({ range, plan: planOf(targets), marks, counts: null, yielding: true }, admission);
    };
    try {
      // Not at once where there are more new groups than others leave room for.
      return (await write(false)) || (await write(true));
    } catch (error) {
      if (error instanceof WeirError && error.code === "stopping") throw error;
      if (isTaken(error)) return this.#lost(range.src, targets, error);
      this.#failed(targets, error);
      if (targets.length === 1 && this.#isLeast() && isRefused(error))
        await this.#deps.stopper.stopFaulty(targets, range, planOf);
      return false;
    }
  }

  async #rolledUp(task: RollupTask, { rooms, keptFrom, roomMayGrow, done }: Admission): Promise<boolean> {
    try {
      const all = { ...task, rooms, keptFrom, roomMayGrow };
      const written = await this.#deps.writer.rollUp(all, { attemptsMax: fillAttemptsMax });
      done(written ? "written" : "refused");
      return written;
    } catch (error) {
      done("unknown");
      throw error;
    }
  }

  #lost(src: Src, targets: readonly Target[], error: WeirError): false {
    for (const { series } of targets) this.#works.delete(series);
    this.#deps.taken(src, error);
    return false;
  }

  #failed(targets: readonly Target[], error: unknown): void {
    const { clock, report, chunkEventsMax } = this.#deps;
    const [first] = targets;
    // Whether it was written after all is to be read from the marks.
    for (const { series } of targets) this.#works.delete(series);
    if (targets.length === 1 && isDamaged(error)) return this.#hold(first!, error);
    if (targets.length === 1 && this.#isLeast()) this.#resting.set(first!.series, clock.monotonic() + restMs);
    this.#pace = paceAfterFailure(this.#pace, targets.length, chunkEventsMax);
    const others = targets.length > 1 ? ` and ${targets.length - 1} more` : "";
    report(`filling rule ${first?.rule_id}${others} from raw events failed and will be tried again`, error);
  }

  /** What it has is kept, and what it is to replace answers; others that do not read what is damaged go on. */
  #hold({ rule_id, series }: Target, error: WeirError): void {
    this.#resting.set(series, this.#restsUntil());
    if (!this.#held.has(series))
      this.#deps.report(
        `filling rule ${rule_id} from raw events stands still; it is tried again every ten minutes`,
        error,
      );
    this.#held.set(series, error.message);
  }

  #restsUntil(): number {
    const now = this.#deps.clock.monotonic();
    return now + Math.max(restOfDamagedMs, restTimesTried * (now - this.#began));
  }

  #isLeast(): boolean {
    return this.#pace.eventsMax <= eventsLeast;
  }

  #note({ range, works }: FillPiece, startedAt: number): void {
    for (const { target } of works) {
      this.#held.delete(target.series);
      const work = this.#works.get(target.series);
      if (work === undefined) continue;
      const begun = work.begun ?? { at: startedAt, left: eventsLeft(work) };
      this.#works.set(target.series, { ...withoutRange(work, range), begun });
    }
    // Only so far as everybody has come who misses it.
    const isDone = [...this.#works.values()].every((work) => !work.missing.some((hole) => overlap(hole, range)));
    this.#cursor = { src: range.src, off: isDone ? after(range.to) : range.from };
  }

  #endOf({ begun }: Tracked, left: number): number | null {
    if (begun === null || begun.left <= left) return null;
    const { clock } = this.#deps;
    return Math.round(clock.now() + (left * (clock.monotonic() - begun.at)) / (begun.left - left));
  }

  async #finish(target: Target): Promise<void> {
    passFailpoint("before-switch");
    await this.#deps.rules.filled(target.rule_id, target.series);
    this.#leave(target.series);
  }
}
