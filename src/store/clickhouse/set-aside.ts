import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";
import type { Damage } from "./damage.ts";

interface Found {
  readonly name: string;
  readonly partition: string;
  readonly full_name: string;
  readonly path: string;
}

/** What the engine could not open as it started, and goes on without. */
const selectSetAside: Statement = {
  sql: `SELECT name, partition_id AS partition, concat(database, '.', table) AS full_name, path FROM system.detached_parts
    WHERE database = currentDatabase() AND table = 'raw_events' AND reason = 'broken-on-start'`,
  parameters: {},
};

/**
 * The parts of the stored events that the engine has set aside and whose events are nowhere else. After a full disk they are: what
 * was merged is there as it was before, and what was being written was written anew.
 */
export async function lostParts(connection: Pick<Connection, "rows">): Promise<readonly Damage[]> {
  const lost: Damage[] = [];
  for (const found of await connection.rows<Found>(selectSetAside)) {
    const { name: part, full_name: table, path } = found;
    if (!(await isElsewhere(connection, found)))
      lost.push({ part, table, path: path.replace(/\/$/, ""), isSetAside: true });
  }
  return lost;
}

async function isElsewhere(connection: Pick<Connection, "rows">, { partition, path }: Found): Promise<boolean> {
  const bounds = await readFile(join(path, "minmax_off.idx")).catch(() => undefined);
  if (bounds?.length !== 16) return false;
  const [from, to] = [bounds.readBigUInt64LE(0), bounds.readBigUInt64LE(8)];
  const sql = `SELECT 1 FROM raw_events WHERE _partition_id = {partition:String} AND off BETWEEN {from:UInt64} AND {to:UInt64} LIMIT 1`;
  const parameters = { partition, from: String(from), to: String(to) };
  return (await connection.rows({ sql, parameters })).length > 0;
}
