import type { Connection } from "./connection.ts";
import { deleteUnused, selectUnused } from "./group-statements.ts";
import { deleteExpired, deleteSeries, selectExpired } from "./statements.ts";

/** Drops windows, with the groups on their lists that have none any more. */
export class Dropping {
  readonly #connection: Pick<Connection, "rows" | "write">;
  /** Series on whose lists no group has been left without rows since this process looked. */
  readonly #tidyLists = new Set<number>();

  constructor(connection: Pick<Connection, "rows" | "write">) {
    this.#connection = connection;
  }

  series(series: number): Promise<void> {
    this.#tidyLists.delete(series);
    return this.#connection.write(deleteSeries(series));
  }

  /** See `Store.dropWindows`. */
  async windows(expired: readonly { readonly series: number; readonly before: number }[]): Promise<readonly number[]> {
    const found = await this.#connection.rows<{ series: number }>(selectExpired(expired));
    const dropped = new Set(found.map((row) => row.series));
    for (const series of dropped) this.#tidyLists.delete(series);
    if (dropped.size > 0) await this.#connection.write(deleteExpired(expired.filter((one) => dropped.has(one.series))));
    const freed = await this.#tidy(expired.map(({ series }) => series));
    return [...dropped.union(freed)];
  }

  /** Also where an earlier deletion has broken off before it came to the lists: answers which had groups without rows. */
  async #tidy(series: readonly number[]): Promise<ReadonlySet<number>> {
    const doubtful = series.filter((one) => !this.#tidyLists.has(one));
    if (doubtful.length === 0) return new Set();
    const found = await this.#connection.rows<{ found: number }>(selectUnused(doubtful));
    const unused = new Set(found.map((row) => row.found));
    if (unused.size > 0) await this.#connection.write(deleteUnused([...unused]));
    for (const one of doubtful) this.#tidyLists.add(one);
    return unused;
  }
}
