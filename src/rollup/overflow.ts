import { type Branch, groupType } from "./branch.ts";
import type { StateName } from "./metrics.ts";

/**
 * The group of everything that a rule has no room for: no values, where every group of a rule with `group_by` has one for
 * each key.
 */
export const overflowGroup = `CAST([], '${groupType}')`;

/** The series of a branch whose groups are looked up. */
export const boundedSeries = ({ shapes }: Branch): number[] =>
  shapes.flatMap(({ members }) => members.filter(({ bounded }) => bounded).map(({ series }) => series));

/** What the groups of bounded series are held to: see `RollupTask`. */
export interface Rooms {
  /** The database in which the lists of groups are read: where partitions lie on several servers, the one that has them all. */
  readonly whole: string;
  readonly rooms?: ReadonlyMap<number, number>;
  readonly keptFrom?: ReadonlyMap<number, number>;
  readonly roomMayGrow?: ReadonlySet<number>;
}

/** The parameters of `heldToBounds`. */
export const roomValues = (
  bounded: readonly number[],
  { whole, rooms = new Map(), keptFrom = new Map(), roomMayGrow = new Set() }: Rooms,
): Readonly<Record<string, unknown>> => ({
  whole,
  bounded,
  may_grow: bounded.filter((series) => roomMayGrow.has(series)),
  rooms: bounded.map((series) => rooms.get(series) ?? 0),
  kept_from: bounded.map((series) => Math.floor((keptFrom.get(series) ?? 0) / 1000)),
});

/**
 * The rows of a branch, of its bounded series no more groups than there is room for. Groups that are listed keep their
 * rows; of the others those with the most events, of equal ones the first in order, are taken in and listed as long as
 * there is room; the rows of the rest go to the overflow, where the store merges them. So do those of a group that no
 * event has entered: they only hold what the series has skipped, and are in no window. All in the one insert, so that a
 * group is listed exactly when an event has entered it.
 *
 * In panes that are not kept no event enters: nobody is answered them, and a fill goes over all of history, whose groups
 * would take the places of those that are. What was skipped or came late there is told as long as anything of it is.
 *
 * Where room may grow, what has too little of it is no overflow yet: the statement fails.
 */
export function heldToBounds(branch: Branch, sql: string, states: readonly StateName[]): string {
  if (boundedSeries(branch).length === 0) return sql;
  const columns = ["series", "pane", "grp", "n", "skipped", "late", ...states].join(", ");
  return `SELECT toUInt32(if(lists, 2, series) + ${tooLittle}), if(lists, toDateTime(series, 'UTC'), pane), if(place <= room, grp, ${overflowGroup}),
  if(lists OR ended, 0, n), if(lists, 0, skipped), if(lists, 0, late)${states.map(unlessListing).join("")}
FROM (
  SELECT *, if(stays, 0, dense_rank() OVER (PARTITION BY series, stays ORDER BY entered DESC, grp)) AS place,
    if(entered = 0, 0, transform(series, {bounded:Array(UInt32)}, {rooms:Array(UInt32)}, toUInt32(0))) AS room,
    row_number() OVER (PARTITION BY series, grp) AS nth
  FROM (
    SELECT ${columns}, ended, sumIf(rows.n, NOT ended) OVER (PARTITION BY series, grp) AS entered,
      NOT has({bounded:Array(UInt32)}, series) OR (series, grp) IN (${listed}) AS stays
    FROM (
${named(sql, columns)}
    ) AS rows
  )
)
ARRAY JOIN if(NOT stays AND place <= room AND nth = 1, [0, 1], [0]) AS lists`;
}

const listed =
  "SELECT toUInt32(pane), grp FROM {whole:Identifier}.rollups WHERE series = 2 AND pane IN (SELECT toDateTime(arrayJoin({bounded:Array(UInt32)}), 'UTC'))";

const ended =
  "pane < toDateTime(transform(series, {bounded:Array(UInt32)}, {kept_from:Array(UInt32)}, toUInt32(0)), 'UTC')";

/** A select under these names of its columns, with whether a row's pane is kept no more. */
const named = (sql: string, columns: string): string =>
  `WITH named (${columns}) AS (\n${sql}\n) SELECT ${columns}, ${ended} AS ended FROM named`;

/** Adds nothing, or fails. A group that no event has entered wants no room. */
const tooLittle =
  "throwIf(NOT stays AND place > room AND entered > 0 AND has({may_grow:Array(UInt32)}, series), 'no room at the moment')";

const unlessListing = (name: StateName): string => `, if(lists OR ended, defaultValueOfArgumentType(${name}), ${name})`;
