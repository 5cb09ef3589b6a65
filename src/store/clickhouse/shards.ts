import { WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";
import type { Shard } from "./facts.ts";

/*
 * Several servers share the partitions: partition `src` lies, with its raw rows, rollups, marks and claims, on server
 * `src mod count`, in tables like those of a single one. Nothing is written over more than one of them. What is asked over all
 * partitions is asked of a second database, the whole, whose tables are `Distributed` over those, and hold nothing
 * (docs/decisions/0042; whole.ts).
 */

/** What a database knows of the servers that it shares the partitions with. */
export interface Standing {
  /** Which of how many it has been from the beginning. Undefined: that of a single one, or new. */
  readonly noted: Noted | undefined;
  /** Whether partitions were ever counted in it. */
  readonly hasCounted: boolean;
}

export interface Noted {
  readonly index: number;
  readonly count: number;
  /** Of this database, made up when it began. */
  readonly id: string;
}

type Reader = Pick<Connection, "rowsOutside" | "rows" | "whom">;

export async function standingOf(connection: Reader): Promise<Standing> {
  const found = await connection.rowsOutside<{ name: string }>(selectFound(connection.whom.database));
  const tables = found.map(({ name }) => name);
  const [noted] = tables.includes("shard") ? await connection.rows<Noted>(selectNoted) : [];
  const [claimed] = tables.includes("claims") ? await connection.rows<{ claims: number }>(selectClaims) : [];
  return { noted, hasCounted: (claimed?.claims ?? 0) > 0 };
}

/**
 * Sees that this is the one of so many servers that it has always been: with others, or in another order, partitions would be
 * looked for where they are not. What has counted and never was one of several is that of a single one.
 * @throws WeirError `store_unfit` when it is another.
 */
export function mustBeThatShard(
  { noted, hasCounted }: Standing,
  shard: Shard | null,
  { address, database }: Connection["whom"],
): void {
  const now = shard ?? alone;
  const before = noted ?? (hasCounted ? alone : undefined);
  if (before === undefined || (before.index === now.index && before.count === now.count)) return;
  throw new WeirError(
    "store_unfit",
    `the database ${database} at ${address} is that of ${placeOf(before)}, and --clickhouse-url makes it ${placeOf(now)}: name the servers that it began with, in their order; how many they are can't be changed afterwards. One that has counted nothing may be dropped (docs/operating.md)`,
  );
}

/**
 * Sees that none of them has been made anew behind the others' backs.
 * @throws WeirError `store_unfit` when one is new, and others have counted.
 */
export function mustAllHaveBegun(
  all: readonly { readonly standing: Standing; readonly whom: Connection["whom"] }[],
): void {
  const counted = all.find(({ standing }) => standing.hasCounted);
  const fresh = all.find(({ standing }) => standing.noted === undefined && !standing.hasCounted);
  if (counted === undefined || fresh === undefined) return;
  throw new WeirError(
    "store_unfit",
    `the database ${fresh.whom.database} at ${fresh.whom.address} is new, and that at ${counted.whom.address} has counted: what the former had is missing. Is it the right server? If it was lost, put its backup there first`,
  );
}

const alone = { index: 0, count: 1 };

const selectFound = (database: string): Statement => ({
  sql: "SELECT name FROM system.tables WHERE database = {database:String} AND name IN ('shard', 'claims')",
  parameters: { database },
});

/** Two that began at once may both have noted something: the first of them is right. */
const selectNoted: Statement = {
  sql: "SELECT shard AS index, shards AS count, toString(id) AS id FROM shard ORDER BY noted_at, id LIMIT 1",
  parameters: {},
};
const selectClaims: Statement = { sql: "SELECT toFloat64(count()) AS claims FROM claims", parameters: {} };

const placeOf = ({ index, count }: Pick<Noted, "index" | "count">): string =>
  count === 1 ? "the only server" : `server ${index + 1} of ${count}`;
