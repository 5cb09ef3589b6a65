import type { Statement } from "../../rollup/statement.ts";
import type { EventsToErase } from "../store.ts";

/*
 * The statements that take events out. What they go by are positions, noted in a table of their own: the engine keeps the
 * text of a deletion for a time, and whose events these were must not be in it.
 */

/** Notes the positions of the events of some of the values, those in quarantine too. */
export function insertErasing(erasure: string, { by, below }: EventsToErase, values: readonly string[]): Statement {
  const partitions = Object.keys(below).map(Number);
  return {
    sql: `INSERT INTO erasing (erasure, src, off) ${["raw_events", "rejects"].map((table) => positionsIn(table, by)).join("\n      UNION ALL ")}`,
    parameters: { erasure, values, partitions, below: partitions.map((partition) => below[partition]) },
  };
}

const positionsIn = (table: string, by: EventsToErase["by"]): string =>
  `SELECT {erasure:String}, src, off FROM ${table}
      WHERE ${by} IN {values:Array(String)} AND off < transform(src, {partitions:Array(UInt16)}, {below:Array(UInt64)}, toUInt64(0))`;

/** One row: how many different events are noted. */
export const countErasing = (erasure: string): Statement => ({
  sql: "SELECT toFloat64(uniqExact(src, off)) AS events FROM erasing WHERE erasure = {erasure:String}",
  parameters: { erasure },
});

/**
 * Writes the parts that have noted events without them, and links all other parts anew, which takes some 30 ms each: so one
 * statement for all, which leaves nothing to be taken off the disk, instead of hiding them first.
 */
export const deletingErasing = (erasures: readonly string[]): readonly Statement[] =>
  ["raw_events", "rejects"].map((table) => ({
    sql: `ALTER TABLE ${table} DELETE
      WHERE (src, off) IN (SELECT src, off FROM erasing WHERE erasure IN {erasures:Array(String)}) SETTINGS mutations_sync = 2`,
    parameters: { erasures },
  }));

/**
 * Writes the parts that have deleted windows without them, and those that have events which have left the quarantine: they are
 * hidden, so that the deletion above does not see them. Forgets what was noted.
 */
export const purging = (erasures: readonly string[]): readonly Statement[] => [
  ...["rollups", "rejects"].map((table) => ({
    sql: `ALTER TABLE ${table} APPLY DELETED MASK SETTINGS mutations_sync = 2`,
    parameters: {},
  })),
  {
    sql: "ALTER TABLE erasing DELETE WHERE erasure IN {erasures:Array(String)} SETTINGS mutations_sync = 2",
    parameters: { erasures },
  },
];
