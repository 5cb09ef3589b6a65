import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { WeirError } from "../../lib/errors.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";
import type { Whereabouts } from "./damage.ts";
import { selectNewestMarks } from "./statements.ts";

/** What the engine could not open as it started, and goes on without. A name that it can't read has no blocks. */
export interface SetAside {
  readonly name: string;
  readonly partition: string | null;
  readonly low: number | null;
  readonly high: number | null;
  /** With the table's database. */
  readonly full_name: string;
  readonly path: string;
  /** The table's engine. */
  readonly engine: string;
}

/** Numbers that the engine has given to what was inserted, both ends included. */
interface Blocks {
  /** Empty: they were given to changes of stored rows. */
  readonly partition: string;
  readonly low: number;
  readonly high: number;
  readonly rows: number;
}

/** What the files of a part say of its rows, and of their offsets. Undefined: not even that can be read. */
interface Kept {
  readonly rows: number | undefined;
  readonly off: { readonly from: bigint; readonly to: bigint } | undefined;
}

type Asked = Pick<Connection, "rows" | "facts">;

/** Of names that can be quoted into a statement. */
export const selectSetAside: Statement = {
  sql: `SELECT name, partition_id AS partition, min_block_number AS low, max_block_number AS high,
      concat(database, '.', table) AS full_name, path,
      (SELECT any(engine) FROM system.tables WHERE database = currentDatabase() AND name = 'raw_events') AS engine
    FROM system.detached_parts
    WHERE database = currentDatabase() AND table = 'raw_events' AND reason = 'broken-on-start' AND match(name, '^[a-zA-Z0-9_-]+$')`,
  parameters: {},
};

const selectBlocks: Statement = {
  sql: `SELECT partition_id AS partition, min_block_number AS low, max_block_number AS high, rows
      FROM system.parts WHERE active AND database = currentDatabase() AND table = 'raw_events'
    UNION ALL SELECT '', number, number, 0
      FROM system.mutations ARRAY JOIN block_numbers.number AS number WHERE database = currentDatabase() AND table = 'raw_events'`,
  parameters: {},
};

/** Whether the engine's files are on this machine, and ours. */
export const hasFiles = ({ facts }: Pick<Connection, "facts">): boolean => facts.rowsBy !== "body";

/**
 * After a full disk the events of such parts are elsewhere: what was merged is there as it was before, and what was being written is
 * written anew. To be asked soon after a start: what is merged or deleted later hides which blocks there were.
 */
export async function whereaboutsOf(connection: Asked, part: SetAside): Promise<Whereabouts> {
  // A replica gets from the others what it lacks.
  if (part.engine !== "MergeTree") return "unknown";
  const kept = hasFiles(connection) ? await keptOf(part.path) : undefined;
  const told = byBlocks(part, await connection.rows<Blocks>(selectBlocks), kept?.rows ?? 0);
  if (told !== "unknown" || !hasFiles(connection)) return told;
  // In doubt nothing is taken for whole.
  return kept !== undefined && (await isKeptElsewhere(connection, part, kept)) ? "elsewhere" : "missing";
}

/** By the blocks in its name, of which those that it was merged of are in parts of their own; they have at least so many `rows`. */
function byBlocks({ partition, low, high }: SetAside, all: readonly Blocks[], rows: number): Whereabouts {
  if (low === null || high === null) return "unknown";
  const same = all.filter((part) => part.partition === partition && part.low <= high && part.high >= low);
  if (same.some((part) => part.low === low && part.high === high)) return "elsewhere";
  // What was inserted once was written anew under another number; and of a wider part nobody can tell which blocks it has.
  if (low === high || same.some((part) => part.low < low || part.high > high)) return "unknown";
  if (!same.some((part) => part.low === low) || !same.some((part) => part.high === high)) return "missing";
  // Numbers in between are other partitions', or of deletions.
  const isWhole = covers([...same, ...all.filter((part) => part.partition !== partition)], low, high);
  return isWhole && same.reduce((sum, part) => sum + part.rows, 0) >= rows ? "elsewhere" : "unknown";
}

function covers(blocks: readonly Blocks[], low: number, high: number): boolean {
  let next = low;
  for (const block of blocks.toSorted((a, b) => a.low - b.low)) {
    if (block.low > next) break;
    next = Math.max(next, block.high + 1);
  }
  return next > high;
}

async function keptOf(path: string): Promise<Kept> {
  const read = (name: string): Promise<Buffer | undefined> => readFile(join(path, name)).catch(() => undefined);
  const [count, bounds] = [(await read("count.txt"))?.toString() ?? "", await read("minmax_off.idx")];
  return {
    rows: /^\d{1,15}$/.test(count) ? Number(count) : undefined,
    off: bounds?.length === 16 ? { from: bounds.readBigUInt64LE(0), to: bounds.readBigUInt64LE(8) } : undefined,
  };
}

async function isKeptElsewhere(connection: Asked, { partition }: SetAside, { rows, off }: Kept): Promise<boolean> {
  if (off === undefined) return false;
  try {
    if (await isToBeCounted(connection, off.from)) return true;
    return rows !== undefined && (await isThereByRows(connection, partition, rows, off));
  } catch (error) {
    if (error instanceof WeirError && error.code === "store_damaged") return false;
    throw error;
  }
}

/** What no live mark reaches, whichever partition of the log it is of, is written anew from the log before it is counted. */
async function isToBeCounted(connection: Asked, from: bigint): Promise<boolean> {
  const marks = await connection.rows<{ range_to: number }>(selectNewestMarks);
  return marks.every((mark) => mark.range_to < from);
}

/** Offsets name an event where there is one partition of the log only: each counts from 0, and which it was is in files that may be damaged. */
async function isThereByRows(
  connection: Asked,
  partition: string | null,
  rows: number,
  { from, to }: NonNullable<Kept["off"]>,
): Promise<boolean> {
  const sql = `SELECT toUInt8(min(off) = {from:UInt64} AND max(off) = {to:UInt64} AND count() >= {rows:UInt64}) AS found
      FROM raw_events WHERE _partition_id = {partition:String} AND off BETWEEN {from:UInt64} AND {to:UInt64}`;
  const parameters = { partition: partition ?? "", rows, from: String(from), to: String(to) };
  const [row] = await connection.rows<{ found: number }>({ sql, parameters });
  if (row?.found !== 1) return false;
  const [all] = await connection.rows<{ one: number }>(selectIsOfOne);
  return all?.one === 1;
}

const selectIsOfOne: Statement = {
  sql: "SELECT toUInt8(min(src) = max(src)) AS one FROM raw_events",
  parameters: {},
};

/** Deletes the folder for good. Its name is one that `selectSetAside` gives. */
export async function dropSetAside(connection: Pick<Connection, "write">, { name }: SetAside): Promise<void> {
  const sql = `ALTER TABLE raw_events DROP DETACHED PART '${name}'`;
  await connection.write({ sql, parameters: {} }, { allow_drop_detached: 1 });
}
