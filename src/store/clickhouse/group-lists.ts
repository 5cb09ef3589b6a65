import type { Unlisted } from "../store.ts";
import type { Connection } from "./connection.ts";
import { insertUnlisted, selectGroups } from "./group-statements.ts";

export interface CountedGroups {
  /** How many different groups each series has, listed or not. */
  readonly counts: ReadonlyMap<number, number>;
  /** Those with groups that are not listed. */
  readonly lacking: readonly Unlisted[];
}

/** The lists of the groups that bounded series have. */
export class GroupLists {
  readonly #connection: Pick<Connection, "write" | "whole">;
  readonly #whole: Pick<Connection, "ownRows">;

  /** `whole`: where all partitions are read. */
  constructor(connection: Pick<Connection, "write" | "whole">, whole: Pick<Connection, "ownRows">) {
    this.#connection = connection;
    this.#whole = whole;
  }

  async count(series: readonly Unlisted[]): Promise<CountedGroups> {
    const counts = new Map(series.map((one) => [one.series, 0]));
    if (counts.size === 0) return { counts, lacking: [] };
    const statement = selectGroups(series, this.#connection.whole);
    const rows = await this.#whole.ownRows<{ series: number; listed: number; unlisted: number }>(statement);
    for (const { series: one, listed, unlisted } of rows) counts.set(one, listed + unlisted);
    const lacking = new Set(rows.filter(({ unlisted }) => unlisted > 0).map((row) => row.series));
    return { counts, lacking: series.filter((one) => lacking.has(one.series)) };
  }

  /** Lists the groups of rows that are here, as far as they are not listed anywhere. */
  async complete(series: readonly Unlisted[]): Promise<void> {
    if (series.length > 0) await this.#connection.write(insertUnlisted(series, this.#connection.whole));
  }
}
