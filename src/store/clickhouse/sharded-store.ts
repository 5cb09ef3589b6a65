import type { Offset, OffsetRange, Src } from "../../event/position.ts";
import { src as srcOf } from "../../event/position.ts";
import type { RollupPlan } from "../../rollup/plan.ts";
import type { Comparison } from "../../rollup/verify.ts";
import type { Position, RejectQuery, RejectedEvent } from "../rejects.ts";
import type * as its from "../store.ts";
import type { ClickHouseStore } from "./clickhouse-store.ts";
import type { Expired } from "./dropping.ts";
import { type Standing, mustAllHaveBegun } from "./shards.ts";
import type { Whom } from "./trouble.ts";

/**
 * The store on several servers that share the partitions (see shards.ts): what is of one partition goes to its server, what
 * is asked over all of them is asked of any, which reads the whole, and what is deleted is deleted on each.
 */
export class ShardedStore implements its.Store {
  readonly #shards: readonly ClickHouseStore[];
  /** By whose server the whole is read. */
  readonly #any: ClickHouseStore;

  /** At least one, in the order in which they were noted. `reader`: which of them reads the whole for this process. */
  constructor(shards: readonly ClickHouseStore[], reader = 0) {
    this.#shards = shards;
    this.#any = shards[reader % shards.length]!;
  }

  #of(src: number): ClickHouseStore {
    return this.#shards[src % this.#shards.length]!;
  }

  #each<T>(ask: (shard: ClickHouseStore) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#shards.map(ask));
  }

  /** All are looked at before any is changed; and what reads over all of them is made when the tables of each are there. */
  async open(signal: AbortSignal): Promise<void> {
    mustAllHaveBegun(await this.#lookAtAll(signal));
    for (const shard of this.#shards) await shard.open(signal);
    // Another process may have noted something else meanwhile.
    const ids = (await this.#lookAtAll(signal)).map(({ standing }) => standing.noted?.id ?? "");
    for (const shard of this.#shards) await shard.openWhole(ids, signal);
  }

  /** In their order, so that of several troubles the first is told. */
  async #lookAtAll(signal: AbortSignal): Promise<{ readonly standing: Standing; readonly whom: Whom }[]> {
    const seen = [];
    for (const shard of this.#shards) seen.push({ standing: await shard.lookAt(signal), whom: shard.whom });
    return seen;
  }

  insertRaw(src: Src, pieces: readonly its.RawPiece[]): Promise<void> {
    return this.#of(src).insertRaw(src, pieces);
  }

  rollUp(task: its.RollupTask): Promise<boolean> {
    return this.#of(task.range.src).rollUp(task);
  }

  tryRollUp(range: OffsetRange, plan: RollupPlan): Promise<void> {
    return this.#of(range.src).tryRollUp(range, plan);
  }

  takeOver(src: Src): Promise<void> {
    return this.#of(src).takeOver(src);
  }

  async settle(src?: Src): Promise<void> {
    if (src !== undefined) return this.#of(src).settle(src);
    await this.#each((shard) => shard.settle());
  }

  marks(series: number, src: Src, from: Offset): Promise<readonly OffsetRange[]> {
    return this.#of(src).marks(series, src, from);
  }

  fillMarks(series: readonly number[]): Promise<ReadonlyMap<number, readonly OffsetRange[]>> {
    return this.#any.fillMarks(series);
  }

  joinFillMarks(src: Src, series: readonly number[]): Promise<void> {
    return this.#of(src).joinFillMarks(src, series);
  }

  firstEvents(range: OffsetRange, eventsMax: number): Promise<its.FirstEvents> {
    return this.#of(range.src).firstEvents(range, eventsMax);
  }

  storedOffsets(src: Src, from: Offset): Promise<readonly Offset[]> {
    return this.#of(src).storedOffsets(src, from);
  }

  latestIds(src: Src, limit: number): Promise<readonly its.EventKey[]> {
    return this.#of(src).latestIds(src, limit);
  }

  findIds(src: Src, keys: readonly its.EventKey[], below: Offset): Promise<readonly its.EventKey[]> {
    return this.#of(src).findIds(src, keys, below);
  }

  forgetMarks(src: Src, below: Offset): Promise<void> {
    return this.#of(src).forgetMarks(src, below);
  }

  async dropSeries(series: number): Promise<void> {
    await this.#each((shard) => shard.dropSeries(series));
  }

  /** Rows first, on each: a group whose rows are on another server stays on its list. */
  async dropWindows(expired: readonly Expired[]): Promise<readonly number[]> {
    const dropping = await Promise.allSettled(this.#shards.map((shard) => shard.dropping.rows(expired)));
    const dropped = union(dropping.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
    for (const shard of this.#shards) shard.dropping.doubt(dropped);
    for (const one of dropping) if (one.status === "rejected") throw one.reason;
    const freed = union(await this.#each((shard) => shard.dropping.tidy(expired.map(({ series }) => series))));
    return [...dropped.union(freed)];
  }

  seriesKept(): Promise<readonly number[]> {
    return this.#any.seriesKept();
  }

  newestSeries(): Promise<number> {
    return this.#any.newestSeries();
  }

  windows(query: its.WindowQuery, secondsMax?: number, signal?: AbortSignal): Promise<readonly its.WindowRow[]> {
    return this.#any.windows(query, secondsMax, signal);
  }

  windowTable(query: its.TableQuery, signal: AbortSignal): Promise<its.WindowTable> {
    return this.#any.windowTable(query, signal);
  }

  newestPane(series: number): Promise<number | undefined> {
    return this.#any.newestPane(series);
  }

  async listGroups(series: readonly its.Unlisted[]): Promise<ReadonlyMap<number, number>> {
    const { counts, lacking } = await this.#any.lists.count(series);
    await this.#each((shard) => shard.lists.complete(lacking));
    return counts;
  }

  seriesCounts(series: readonly number[]): Promise<ReadonlyMap<number, its.SeriesCounts>> {
    return this.#any.seriesCounts(series);
  }

  events(query: its.EventQuery, signal?: AbortSignal): Promise<readonly its.StoredEvent[]> {
    return this.#any.events(query, signal);
  }

  tryOut(query: its.TrialQuery, signal: AbortSignal): Promise<its.Trial> {
    return this.#any.tryOut(query, signal);
  }

  totals(): Promise<its.Totals> {
    return this.#any.totals();
  }

  async setAside(events: readonly RejectedEvent[]): Promise<void> {
    await this.#split(events, (shard, some) => shard.setAside(some));
  }

  rejectedOffsets(src: Src, from: Offset): Promise<readonly Offset[]> {
    return this.#of(src).rejectedOffsets(src, from);
  }

  rejects(query: RejectQuery, signal?: AbortSignal): Promise<readonly RejectedEvent[]> {
    return this.#any.rejects(query, signal);
  }

  async dropRejects(positions: readonly Position[]): Promise<number> {
    return sum(await this.#split(positions, (shard, some) => shard.dropRejects(some)));
  }

  takesRows(src: Src): Promise<void> {
    return this.#of(src).takesRows();
  }

  compare(comparison: Comparison, kind: its.DifferenceKind, signal: AbortSignal): Promise<its.Differences> {
    return this.#any.compare(comparison, kind, signal);
  }

  async noteErasing(erasure: string, events: its.EventsToErase): Promise<number> {
    return sum(await this.#each((shard) => shard.noteErasing(erasure, events)));
  }

  async eraseNoted(erasures: readonly string[]): Promise<void> {
    await this.#each((shard) => shard.eraseNoted(erasures));
  }

  async purge(erasures: readonly string[]): Promise<void> {
    await this.#each((shard) => shard.purge(erasures));
  }

  async ping(): Promise<void> {
    await this.#each((shard) => shard.ping());
  }

  async close(): Promise<void> {
    await this.#each((shard) => shard.close());
  }

  /** What has a partition, to each server its own. */
  #split<T extends { readonly src: number }, R>(
    all: readonly T[],
    ask: (shard: ClickHouseStore, some: readonly T[]) => Promise<R>,
  ): Promise<R[]> {
    const some = Map.groupBy(all, ({ src }) => this.#of(srcOf(src)));
    return Promise.all([...some].map(([shard, own]) => ask(shard, own)));
  }
}

const union = (sets: readonly ReadonlySet<number>[]): Set<number> => new Set(sets.flatMap((set) => [...set]));
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
