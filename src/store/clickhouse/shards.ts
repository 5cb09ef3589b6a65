import { WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";
import type { Shard } from "./facts.ts";
import { type MigrateOptions, hasDatabase } from "./migrate.ts";
import { onCluster } from "./schema.ts";

/*
 * Several servers share the partitions: partition `src` lies, with its raw rows, rollups, marks and claims, on server
 * `src mod count`, in tables like those of a single one. Nothing is written over more than one of them. What is asked over all
 * partitions is asked of a second database, the whole, whose tables are `Distributed` over those, and hold nothing
 * (docs/decisions/0042).
 */

/** The database of a name that has all partitions. */
export const wholeOf = (database: string): string => `${database}_whole`;

export const tablesOfWhole = ["raw_events", "rollups", "rejects", "shard"] as const;

interface Noted {
  readonly index: number;
  readonly count: number;
}

const alone: Noted = { index: 0, count: 1 };

/**
 * Sees that this is the one of so many servers that it has always been: with others, or in another order, partitions would be
 * looked for where they are not. A database that never was one of several, and has been written to, is that of a single one.
 * @throws WeirError `store_unfit` when it is another.
 */
export async function mustBeThatShard(
  connection: Pick<Connection, "rowsOutside" | "rows" | "whom" | "facts">,
): Promise<void> {
  const { whom, facts } = connection;
  const now = facts.shard ?? alone;
  const before = await notedShard(connection);
  if (before === undefined || (before.index === now.index && before.count === now.count)) return;
  throw new WeirError(
    "store_unfit",
    `the database ${whom.database} at ${whom.address} is that of ${placeOf(before)}, and --clickhouse-url makes it ${placeOf(now)}: name the servers that it began with, in their order. How many they are can't be changed afterwards (docs/operating.md)`,
  );
}

async function notedShard(connection: Pick<Connection, "rowsOutside" | "rows" | "whom">): Promise<Noted | undefined> {
  const found = await connection.rowsOutside<{ name: string }>(selectFound(connection.whom.database));
  const tables = found.map(({ name }) => name);
  if (tables.includes("shard")) {
    const [noted] = await connection.rows<Noted>(selectNoted);
    if (noted !== undefined) return noted;
  }
  if (!tables.includes("claims")) return undefined;
  const [row] = await connection.rows<{ claims: number }>(selectClaims);
  return row === undefined || row.claims === 0 ? undefined : alone;
}

interface Lacking {
  readonly name: string;
  readonly isThere: number;
  /** Names and types. */
  readonly columns: readonly (readonly [string, string])[];
}

type Opened = Pick<Connection, "rows" | "write" | "whom" | "whole" | "facts" | "createDatabase" | "rowsOutside">;

type Changes = Pick<MigrateOptions, "change" | "applied">;

/**
 * Makes what reads over all shards, and gives it the columns that have come since.
 * @throws WeirError `store_unfit` where that may not be, or where the cluster's shards are others than those that are written.
 */
export async function openWhole(connection: Opened, how: Changes): Promise<void> {
  const { shard } = connection.facts;
  if (shard === null) return;
  await completeWhole(connection, shard, how);
  await mustReachAll(connection, shard);
}

async function completeWhole(connection: Opened, shard: Shard, { change, applied }: Changes): Promise<void> {
  const { facts, whom, whole } = connection;
  const lacking = await connection.rows<Lacking>(selectLacking(whom.database, whole));
  if (lacking.length === 0) return;
  if (!change) throw mayNot(whole, lacking);
  if (!(await hasDatabase(connection, whole))) await connection.createDatabase(whole);
  for (const table of lacking) {
    await connection.write({ sql: completing(table, whom.database, whole, shard, facts.cluster), parameters: {} });
    applied?.(`${whole}.${table.name} at ${whom.address}`);
  }
}

/** By what each notes of itself. */
async function mustReachAll(connection: Opened, { cluster, count }: Shard): Promise<void> {
  const sql = `SELECT DISTINCT shard FROM {whole:Identifier}.shard ORDER BY shard`;
  const rows = await connection.rows<{ shard: number }>({ sql, parameters: { whole: connection.whole } });
  const reached = rows.map(({ shard }) => shard + 1);
  if (reached.length === count) return;
  const { database, address } = connection.whom;
  throw new WeirError(
    "store_unfit",
    `by the cluster ${cluster} ClickHouse at ${address} reads ${database} of server ${reached.join(", ") || "none"} of the ${count} in --clickhouse-url: name its shards there, in their order, or mend the cluster in the servers' configuration`,
  );
}

function completing(
  { name, isThere, columns }: Lacking,
  own: string,
  whole: string,
  shard: Shard,
  cluster: string | null,
): string {
  const table = `\`${whole}\`.${name}${onCluster(cluster)}`;
  if (isThere === 1)
    return `ALTER TABLE ${table} ${columns.map(([column, type]) => `ADD COLUMN IF NOT EXISTS ${column} ${type}`).join(", ")}`;
  return `CREATE TABLE IF NOT EXISTS ${table} AS \`${own}\`.${name} ENGINE = Distributed('${shard.cluster}', '${own}', '${name}')`;
}

const mayNot = (whole: string, lacking: readonly Lacking[]): WeirError =>
  new WeirError(
    "store_unfit",
    `the database ${whole}, by which all shards are read, lacks ${lacking.map(({ name }) => name).join(", ")}, and --migrate=false forbids to change it: run \`weir migrate\` first`,
  );

const selectFound = (database: string): Statement => ({
  sql: "SELECT name FROM system.tables WHERE database = {database:String} AND name IN ('shard', 'claims')",
  parameters: { database },
});

const selectNoted: Statement = { sql: "SELECT shard AS index, shards AS count FROM shard LIMIT 1", parameters: {} };
const selectClaims: Statement = { sql: "SELECT toFloat64(count()) AS claims FROM claims", parameters: {} };

const selectLacking = (database: string, whole: string): Statement => ({
  sql: `SELECT table AS name, groupArray((column, type)) AS columns,
      toUInt8(table IN (SELECT name FROM system.tables WHERE database = {whole:String})) AS isThere
    FROM (SELECT table, name AS column, type FROM system.columns WHERE database = {database:String} AND table IN {tables:Array(String)}
      AND (table, name) NOT IN (SELECT table, name FROM system.columns WHERE database = {whole:String}) ORDER BY position)
    GROUP BY table ORDER BY table`,
  parameters: { database, whole, tables: tablesOfWhole },
});

const placeOf = ({ index, count }: Noted): string =>
  count === 1 ? "the only server" : `server ${index + 1} of ${count}`;
