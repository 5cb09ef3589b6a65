import type { Statement } from "../../rollup/statement.ts";
import { secondAt } from "../../rollup/selection.ts";
import type { Unlisted } from "../store.ts";

/*
 * The statements over the lists of groups: rows of series 2, whose `pane` holds the number of a series and `grp` one of its
 * groups. A group that is listed twice is one row when the engine has merged it. Rows that no event has entered, of skipped
 * ones, make no group.
 *
 * A list lies wherever one of its groups was entered first: where partitions lie on several servers, whether a group is listed,
 * or has rows, is asked of the database that has them all, the `whole`.
 */

const listOf = "series = 2 AND pane IN (SELECT toDateTime(arrayJoin({series:Array(UInt32)}), 'UTC'))";
const listed = `SELECT toUInt32(pane), grp FROM {whole:Identifier}.rollups WHERE ${listOf}`;

/** For each series that has any: how many different groups are `listed`, and how many of these rows are `unlisted`. */
export function selectGroups(series: readonly Unlisted[], whole: string): Statement {
  const rows = unlistedRows(series, whole);
  return {
    sql: `SELECT series, toFloat64(countIf(known)) AS listed, toFloat64(countIf(NOT known)) AS unlisted FROM (
      SELECT DISTINCT toUInt32(rollups.pane) AS series, grp, 1 AS known FROM rollups WHERE rollups.${listOf.replace("pane IN", "rollups.pane IN")}
      UNION ALL
      SELECT series, grp, 0 AS known FROM (${rows.sql})
    ) GROUP BY series`,
    parameters: rows.parameters,
  };
}

/** Lists what of these rows, of this database, is not listed yet. Doing it again does nothing. */
export function insertUnlisted(series: readonly Unlisted[], whole: string): Statement {
  const rows = unlistedRows(series, whole);
  return {
    sql: `INSERT INTO rollups (series, pane, grp) SELECT toUInt32(2), toDateTime(rows.series, 'UTC'), rows.grp FROM (${rows.sql}) AS rows`,
    parameters: rows.parameters,
  };
}

function unlistedRows(series: readonly Unlisted[], whole: string): Statement {
  const spans = alike(series.filter(({ from, to }) => from < to));
  const parts = spans.map(
    (_, at) =>
      `series IN {series${at}:Array(UInt32)} AND pane >= toDateTime({from${at}:UInt32}, 'UTC') AND pane < toDateTime({to${at}:UInt32}, 'UTC')`,
  );
  const where = parts.length === 0 ? "0" : `(${parts.join(") OR (")})`;
  return {
    sql: `SELECT DISTINCT series, grp FROM rollups WHERE n != 0 AND notEmpty(grp) AND (${where}) AND (series, grp) NOT IN (${listed})`,
    parameters: Object.assign(
      { whole, series: series.map((one) => one.series) },
      ...spans.map(({ series: of, from, to }, at) => ({ [`series${at}`]: of, [`from${at}`]: from, [`to${at}`]: to })),
    ),
  };
}

const isUnused = `${listOf}
      AND (toUInt32(pane), grp) NOT IN (SELECT series, grp FROM {whole:Identifier}.rollups WHERE series IN {series:Array(UInt32)} AND n != 0)`;

/** A series, and a group on its list by its digest: see `deleteListed`. */
export interface ListedGroup {
  readonly found: number;
  readonly digest: string;
}

const digest = "hex(sipHash128(toString(grp)))";

/** Groups on the lists of these series, as far as they are in this database, that have no rows anywhere; at most so many. */
export function selectUnused(series: readonly number[], whole: string, limit: number): Statement {
  return {
    sql: `SELECT DISTINCT toUInt32(pane) AS found, ${digest} AS digest FROM rollups WHERE ${isUnused} LIMIT {limit:UInt32}`,
    parameters: { series, whole, limit },
  };
}

/**
 * Takes these groups of a series off its list. They are said, as a replicated table refuses a deletion that looks something up;
 * and by digests, as the engine keeps the text of a deletion for a time, and a group may be a person.
 */
export function deleteListed(series: number, digests: readonly string[]): Statement {
  return {
    sql: `DELETE FROM rollups WHERE series = 2 AND pane = toDateTime({series:UInt32}, 'UTC')
      AND ${digest} IN {digests:Array(String)} SETTINGS lightweight_deletes_sync = 2`,
    parameters: { series, digests },
  };
}

interface Span {
  readonly series: number[];
  readonly from: number;
  readonly to: number;
}

/** One condition for all series of which the same panes are meant, in seconds. */
function alike(unlisted: readonly Unlisted[]): readonly Span[] {
  const spans = new Map<string, Span>();
  for (const { series, from, to } of unlisted) {
    const key = `${from} ${to}`;
    const span = spans.get(key) ?? { series: [], from: secondAt(from), to: secondAt(to) };
    span.series.push(series);
    spans.set(key, span);
  }
  return [...spans.values()];
}
