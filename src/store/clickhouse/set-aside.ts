import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Statement } from "../../rollup/statement.ts";
import { isDamaged } from "../damaged.ts";
import type { Connection } from "./connection.ts";
import type { Whereabouts } from "./damage.ts";
import { selectNewestMarks } from "./statements.ts";

/** What the engine could not open as it started, and goes on without. A name that it can't read has no blocks. */
export interface SetAside {
  readonly name: string;
  readonly table: string;
  readonly partition: string | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Seconds since the epoch. */
  readonly written: number;
  /** With the table's database. */
  readonly full_name: string;
  readonly path: string;
  /** The table's engine. */
  readonly engine: string;
}

/** Numbers that the engine has given to what was inserted, both ends included. */
interface Blocks {
  readonly table: string;
  /** Empty: they were given to changes of stored rows. */
  readonly partition: string;
  readonly low: number;
  readonly high: number;
  readonly rows: number;
  /** Seconds since the epoch. */
  readonly written: number;
}

/** What the files of a part say of its rows, and of their offsets. Undefined: not even that can be read. */
interface Kept {
  readonly rows: number | undefined;
  readonly off: { readonly from: bigint; readonly to: bigint } | undefined;
}

type Asked = Pick<Connection, "rows" | "facts">;

const events = "raw_events";

/**
 * Of tables besides the events' what was merged alone: rows of windows that were inserted once go with their mark, without which their events are
 * counted again, or the start is refused.
 */
export const selectSetAside: Statement = {
  sql: `SELECT name, table, partition_id AS partition, min_block_number AS low, max_block_number AS high,
      toUnixTimestamp(modification_time) AS written, concat(database, '.', table) AS full_name, path,
      (SELECT any(engine) FROM system.tables WHERE database = currentDatabase() AND name = 'raw_events') AS engine
    FROM system.detached_parts
    WHERE database = currentDatabase() AND reason = 'broken-on-start'
      AND (table = 'raw_events' OR table IN ('rollups', 'rejects') AND min_block_number < max_block_number)`,
  parameters: {},
};

const selectBlocks: Statement = {
  sql: `SELECT table, partition_id AS partition, min_block_number AS low, max_block_number AS high, rows,
        toUnixTimestamp(modification_time) AS written
      FROM system.parts WHERE active AND database = currentDatabase()
    UNION ALL SELECT table, '', number, number, 0, 0
      FROM system.mutations ARRAY JOIN block_numbers.number AS number WHERE database = currentDatabase()`,
  parameters: {},
};

/** Whether the engine's files are on this machine, and ours. */
const hasFiles = ({ facts }: Pick<Connection, "facts">): boolean => facts.rowsBy !== "body";

/**
 * After a full disk the events of such parts are elsewhere: what was merged is there as it was before, and what was being written is
 * written anew. To be asked soon after a start: what is merged or deleted later hides which blocks there were.
 */
export async function whereaboutsOf(connection: Asked, part: SetAside): Promise<Whereabouts> {
  // A replica gets from the others what it lacks.
  if (part.engine !== "MergeTree") return "unknown";
  const kept = hasFiles(connection) ? await keptOf(part.path) : undefined;
  const blocks = (await connection.rows<Blocks>(selectBlocks)).filter(({ table }) => table === part.table);
  const told = byBlocks(part, blocks, kept?.rows);
  if (told === "elsewhere") return told;
  // Of windows nothing waits: what makes them anew would have to.
  if (part.table !== events) return "unknown";
  if (told === "missing" || !hasFiles(connection)) return told;
  // In doubt nothing is taken for whole.
  return kept === undefined ? "missing" : byOffsets(connection, part, kept);
}

/** By the blocks in its name, of which those that it was merged of are in parts of their own, with `rows` together. */
function byBlocks({ partition, low, high, written }: SetAside, all: readonly Blocks[], rows?: number): Whereabouts {
  if (low === null || high === null) return "unknown";
  const same = all.filter((part) => part.partition === partition && part.low <= high && part.high >= low);
  // The engine gives a number anew when the part that had it last was set aside; what a part was merged of is older than it is.
  if (same.some((part) => part.written > written)) return "unknown";
  if (same.some((part) => part.low === low && part.high === high)) return "elsewhere";
  // What was inserted once is written anew; and of a wider part nobody can tell which blocks it has.
  if (low === high || same.some((part) => part.low < low || part.high > high)) return "unknown";
  if (!same.some((part) => part.low === low) || !same.some((part) => part.high === high)) return "missing";
  if (covers(same, low, high)) return has(same, rows ?? 0) ? "elsewhere" : "unknown";
  // Numbers in between may be other partitions', or of deletions: then it is the rows that tell.
  const isWhole = covers([...same, ...all.filter((part) => part.partition !== partition)], low, high);
  return isWhole && rows !== undefined && has(same, rows) ? "elsewhere" : "unknown";
}

const has = (parts: readonly Blocks[], rows: number): boolean =>
  parts.reduce((sum, part) => sum + part.rows, 0) >= rows;

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

async function byOffsets(connection: Asked, { partition }: SetAside, { rows, off }: Kept): Promise<Whereabouts> {
  if (off === undefined) return "missing";
  try {
    if (await isToBeCounted(connection, off.from)) return "elsewhere";
    if (rows === undefined || !(await isThereByRows(connection, partition, rows, off))) return "missing";
    // Each partition of the log counts from 0, and of which one it was is in files that may be damaged.
    return (await isOfOne(connection)) ? "elsewhere" : "unknown";
  } catch (error) {
    if (isDamaged(error)) return "missing";
    throw error;
  }
}

/** What no live mark reaches, whichever partition of the log it is of, is written anew from the log before it is counted. */
async function isToBeCounted(connection: Asked, from: bigint): Promise<boolean> {
  const marks = await connection.rows<{ range_to: number }>(selectNewestMarks);
  return marks.length > 0 && marks.every((mark) => mark.range_to < from);
}

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
  return row?.found === 1;
}

async function isOfOne(connection: Asked): Promise<boolean> {
  const sql = "SELECT toUInt8(min(src) = max(src)) AS one FROM raw_events";
  const [all] = await connection.rows<{ one: number }>({ sql, parameters: {} });
  return all?.one === 1;
}
