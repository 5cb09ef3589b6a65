import { messageOf, WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";
import type { Shard } from "./facts.ts";
import { type MigrateOptions, hasDatabase } from "./migrate.ts";
import { onCluster } from "./schema.ts";
import { troubleOf } from "./trouble.ts";

/*
 * The second database of servers that share the partitions, by which all of them are read (see shards.ts).
 */

/** The database of a name that has all partitions. */
export const wholeOf = (database: string): string => `${database}_whole`;

export const tablesOfWhole = ["raw_events", "rollups", "rejects", "shard"] as const;

type Opened = Pick<Connection, "rows" | "write" | "whom" | "whole" | "facts" | "createDatabase" | "rowsOutside">;
type Changes = Pick<MigrateOptions, "change" | "applied">;

/** A table of the whole that is not there, or is something else than it should be, or lacks columns. */
interface Lacking {
  readonly name: string;
  /** Empty: there is none. */
  readonly engine: string;
  /** Names and types. */
  readonly columns: readonly (readonly [string, string])[];
}

/**
 * Makes what reads over all servers, and gives it the columns that have come since; `ids`: of their databases, as each has noted its own.
 * @throws WeirError `store_unfit` where that may not be, or where others are read than those that are written.
 */
export async function openWhole(connection: Opened, shard: Shard, ids: readonly string[], how: Changes): Promise<void> {
  await completeWhole(connection, shard, how);
  const read = await reached(connection, shard);
  const missing = ids.flatMap((id, index) => (read.has(id) ? [] : [index + 1]));
  if (missing.length === 0 && read.size === ids.length) return;
  const what =
    missing.length === 0 ? "more than the servers" : `not server ${missing.join(" and ")} of the ${ids.length}`;
  throw new WeirError(
    "store_unfit",
    `by its cluster ${shard.cluster} ClickHouse at ${connection.whom.address} reads ${what} in --clickhouse-url: name there the shards of that cluster, in their order, or mend the cluster in the servers' configuration`,
  );
}

async function completeWhole(connection: Opened, shard: Shard, { change, applied }: Changes): Promise<void> {
  const { facts, whom, whole } = connection;
  const own = whom.database;
  const lacking = await connection.rows<Lacking>(selectLacking(own, whole));
  for (const table of lacking) mustBeOurs(table, own, whole, shard);
  const incomplete = lacking.filter(({ engine, columns }) => engine === "" || columns.length > 0);
  if (incomplete.length === 0) return;
  if (!change) throw mayNot(whole, incomplete);
  if (!(await hasDatabase(connection, whole))) await connection.createDatabase(whole);
  for (const table of incomplete) {
    await connection.write({ sql: completing(table, own, whole, shard, facts.cluster), parameters: {} });
    applied?.(`${whole}.${table.name} at ${whom.address}`);
  }
}

/** By what each notes of itself. */
async function reached(connection: Opened, { cluster }: Shard): Promise<ReadonlySet<string>> {
  const { whole, whom } = connection;
  const sql = "SELECT argMin(toString(id), (noted_at, id)) AS id FROM {whole:Identifier}.shard GROUP BY shard";
  try {
    const rows = await connection.rows<{ id: string }>({ sql, parameters: { whole } });
    return new Set(rows.map(({ id }) => id));
  } catch (error) {
    // Whom it could not read it says itself; who asks is right all the same.
    if (troubleOf(error, whom).passes) throw error;
    throw new WeirError(
      "store_unfit",
      `by its cluster ${cluster} ClickHouse at ${whom.address} can't read all of the servers: ${messageOf(error)}. Look at the cluster's <secret> or users, which have to be known to each, and at the grants there (docs/operating.md)`,
      { cause: error },
    );
  }
}

const engineOf = (own: string, name: string, { cluster }: Shard): string =>
  `Distributed('${cluster}', '${own}', '${name}')`;

function mustBeOurs({ name, engine }: Lacking, own: string, whole: string, shard: Shard): void {
  const wanted = engineOf(own, name, shard);
  if (engine === "" || engine === wanted) return;
  throw new WeirError(
    "store_unfit",
    `the table ${whole}.${name} is ${engine.slice(0, 200)}, and has to be ${wanted}. If --clickhouse-shards has changed, drop the database ${whole}: what is Distributed there holds nothing, and a start makes it anew`,
  );
}

function completing(
  { name, engine, columns }: Lacking,
  own: string,
  whole: string,
  shard: Shard,
  cluster: string | null,
): string {
  const table = `\`${whole}\`.${name}${onCluster(cluster)}`;
  if (engine !== "")
    return `ALTER TABLE ${table} ${columns.map(([column, type]) => `ADD COLUMN IF NOT EXISTS ${column} ${type}`).join(", ")}`;
  return `CREATE TABLE IF NOT EXISTS ${table} AS \`${own}\`.${name} ENGINE = ${engineOf(own, name, shard)}`;
}

const mayNot = (whole: string, lacking: readonly Lacking[]): WeirError =>
  new WeirError(
    "store_unfit",
    `the database ${whole}, by which all servers are read, lacks ${lacking.map(({ name }) => name).join(", ")}, and --migrate=false forbids to change it: run \`weir migrate\` first`,
  );

/** All tables of the whole, with the columns of which they lack. */
const selectLacking = (own: string, whole: string): Statement => ({
  sql: `SELECT of AS name, any(engine_full) AS engine, groupArrayIf((column, type), column != '') AS columns
    FROM (SELECT arrayJoin({tables:Array(String)}) AS of) AS wanted
    LEFT JOIN (SELECT name, engine_full FROM system.tables WHERE database = {whole:String}) AS there ON there.name = wanted.of
    LEFT JOIN (SELECT table, name AS column, type FROM system.columns WHERE database = {own:String}
      AND (table, name) NOT IN (SELECT table, name FROM system.columns WHERE database = {whole:String}) ORDER BY position) AS lacking
      ON lacking.table = wanted.of
    GROUP BY of ORDER BY of`,
  parameters: { own, whole, tables: tablesOfWhole },
});
