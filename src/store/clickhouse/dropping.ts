import type { Connection } from "./connection.ts";
import { deleteListed, type ListedGroup, selectUnused } from "./group-statements.ts";
import { deleteExpired, deleteSeries, selectExpired } from "./statements.ts";

/** Windows of a series that begin before a moment, whole seconds in ms since the epoch. */
export interface Expired {
  readonly series: number;
  readonly before: number;
}

/** Drops windows, with the groups on their lists that have none any more. */
export class Dropping {
  readonly #connection: Pick<Connection, "ownRows" | "write" | "whole">;
  /** Series on whose lists no group has been left without rows since this process looked. */
  readonly #tidyLists = new Set<number>();
  readonly #pageMax: number;

  constructor(connection: Pick<Connection, "ownRows" | "write" | "whole">, pageMax = groupsAtOnce) {
    this.#connection = connection;
    this.#pageMax = pageMax;
  }

  series(series: number): Promise<void> {
    this.#tidyLists.delete(series);
    return this.#connection.write(deleteSeries(series));
  }

  /** See `Store.dropWindows`. */
  async windows(expired: readonly Expired[]): Promise<readonly number[]> {
    const dropped = await this.rows(expired);
    const freed = await this.tidy(expired.map(({ series }) => series));
    return [...dropped.union(freed)];
  }

  /** Of these windows the rows; answers the series that had some. */
  async rows(expired: readonly Expired[]): Promise<ReadonlySet<number>> {
    const found = await this.#connection.ownRows<{ series: number }>(selectExpired(expired));
    const dropped = new Set(found.map((row) => row.series));
    // Before it is known how that ends: rows may go all the same.
    this.doubt(dropped);
    if (dropped.size > 0) await this.#connection.write(deleteExpired(expired.filter((one) => dropped.has(one.series))));
    return dropped;
  }

  /** Rows of these series may have gone, here or on another server: their lists are to be looked at. */
  doubt(dropped: Iterable<number>): void {
    for (const series of dropped) this.#tidyLists.delete(series);
  }

  /** Takes groups without rows off the lists that are here. Also where an earlier deletion has broken off before it came to the lists: answers which had groups without rows. */
  async tidy(series: readonly number[]): Promise<ReadonlySet<number>> {
    const doubtful = series.filter((one) => !this.#tidyLists.has(one));
    const freed = new Set<number>();
    // Some at a time: what has been looked at need not be again, when a later one fails.
    for (let at = 0; at < doubtful.length; at += seriesAtOnce)
      await this.#tidySome(doubtful.slice(at, at + seriesAtOnce), freed);
    return freed;
  }

  async #tidySome(series: readonly number[], freed: Set<number>): Promise<void> {
    for (let found = await this.#unused(series); found.length > 0;) {
      for (const [one, groups] of Map.groupBy(found, (group) => group.found)) {
        const digests = groups.map(({ digest }) => digest);
        await this.#connection.write(deleteListed(one, digests));
        freed.add(one);
      }
      found = found.length < this.#pageMax ? [] : await this.#unused(series);
    }
    for (const one of series) this.#tidyLists.add(one);
  }

  #unused(series: readonly number[]): Promise<readonly ListedGroup[]> {
    return this.#connection.ownRows<ListedGroup>(selectUnused(series, this.#connection.whole, this.#pageMax));
  }
}

/** After a start all lists are looked at. */
const seriesAtOnce = 50;
/** How many groups are taken off at a time: a cluster keeps the text of a deletion where no more than 1 MiB has room. */
const groupsAtOnce = 10_000;
