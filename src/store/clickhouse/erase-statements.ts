import type { Statement } from "../../rollup/statement.ts";
import type { EventsToErase } from "../store.ts";
import { onCluster } from "./schema.ts";

/*
 * The statements that take events out. What they go by are positions, noted in a table of their own: the engine keeps the
 * text of a deletion for a time, and whose events these were must not be in it. Of somebody who has very many events they are
 * noted in small blocks, and read and deleted piece by piece: memory is for all else, too.
 */

const tables = ["raw_events", "rejects"];

/** In the statement's own text, which goes before the settings of all writes: a block here need not be whole. */
const smallBlocks = "SETTINGS min_insert_block_size_rows = 500000, min_insert_block_size_bytes = 0";

/** Notes the positions of the events of some of the values, those in quarantine too. */
export function insertErasing(erasure: string, { by, below }: EventsToErase, values: readonly string[]): Statement {
  const partitions = Object.keys(below).map(Number);
  return {
    sql: `INSERT INTO erasing (erasure, src, off) ${smallBlocks} ${tables.map((table) => positionsIn(table, by)).join("\n      UNION ALL ")}`,
    parameters: { erasure, values, partitions, below: partitions.map((partition) => below[partition]) },
  };
}

const positionsIn = (table: string, by: EventsToErase["by"]): string =>
  `SELECT {erasure:String}, src, off FROM ${table}
      WHERE ${by} IN {values:Array(String)} AND off < transform(src, {partitions:Array(UInt16)}, {below:Array(UInt64)}, toUInt64(0))`;

/** The next noted positions behind one, in their order: where they end, and how many different events they are; 0: no more. */
export interface NotedPiece {
  readonly events: number;
  readonly src: number;
  readonly off: number;
}

const behind = (piece: NotedPiece | undefined): { readonly src: number; readonly off: number } =>
  piece === undefined ? { src: -1, off: 0 } : { src: piece.src, off: piece.off };

const isBehind = "(src, off) > ({after_src:Int32}, {after_off:UInt64})";
const isWithin = `${isBehind} AND (src, off) <= ({src:UInt16}, {off:UInt64})`;

/** One row. */
export function selectPiece(erasures: readonly string[], before: NotedPiece | undefined, rowsMax: number): Statement {
  const { src, off } = behind(before);
  return {
    sql: `SELECT toFloat64(uniqExact(s, o)) AS events, max((s, o)).1 AS src, max((s, o)).2 AS off
      FROM (SELECT src AS s, off AS o FROM erasing WHERE erasure IN {erasures:Array(String)} AND ${isBehind} ORDER BY src, off LIMIT {rows_max:UInt64})`,
    parameters: { erasures, after_src: src, after_off: off, rows_max: rowsMax },
  };
}

/**
 * Takes a piece out. As the `whole` of what is to be deleted: writes the parts that have some of it without them, and links all other
 * parts anew, which takes some 30 ms each, so one statement, which leaves nothing to be taken off the disk. As one of several
 * pieces: hides them, or each piece would write the same parts once more.
 *
 * On a cluster each replica looks the noted positions up by itself, which the engine has to be told is meant: `syncErasing` before.
 */
export function deletingPiece(
  erasures: readonly string[],
  {
    before,
    piece,
    whole,
  }: { readonly before: NotedPiece | undefined; readonly piece: NotedPiece; readonly whole: boolean },
): readonly Statement[] {
  const { src, off } = behind(before);
  return tables.map((table) => ({
    sql: `${whole ? `ALTER TABLE ${table} DELETE` : `DELETE FROM ${table}`}
      WHERE ${isWithin} AND (src, off) IN (SELECT src, off FROM erasing WHERE erasure IN {erasures:Array(String)} AND ${isWithin})
      SETTINGS ${whole ? "mutations_sync" : "lightweight_deletes_sync"} = 2, allow_nondeterministic_mutations = 1`,
    parameters: { erasures, after_src: src, after_off: off, src: piece.src, off: piece.off },
  }));
}

/** Resolves when every replica has what is noted. */
export const syncErasing = (database: string, cluster: string): Statement => ({
  sql: `SYSTEM SYNC REPLICA${onCluster(cluster)} ${database}.erasing`,
  parameters: {},
});

/** Writes the parts that have hidden rows without them. */
export const unhiding = (table: string): Statement => ({
  sql: `ALTER TABLE ${table} APPLY DELETED MASK SETTINGS mutations_sync = 2`,
  parameters: {},
});

/**
 * Writes the parts that have deleted windows without them, and those that have events which have left the quarantine: they are
 * hidden, so that the deletion above does not see them. Forgets what was noted.
 */
export const purging = (erasures: readonly string[]): readonly Statement[] => [
  ...["rollups", "rejects"].map(unhiding),
  {
    sql: "ALTER TABLE erasing DELETE WHERE erasure IN {erasures:Array(String)} SETTINGS mutations_sync = 2",
    parameters: { erasures },
  },
];
