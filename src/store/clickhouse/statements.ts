import type { Offset, OffsetRange, Src } from "../../event/position.ts";
import { rangeKey } from "../../event/position.ts";
import { groupCounts } from "../../rollup/read.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { EventKey, EventQuery, Mark } from "../store.ts";

/** The statements over raw rows, marks and counters; those over windows come from `rollup/`. */

/** The text of a mark: `series:src:from-to`. */
export const markKey = (mark: Mark): string => `${mark.series}:${rangeKey(mark.range)}`;

/** Marks are read back by their text, of which only our own writer makes any. */
export function selectMarks(series: number, src: Src, from: Offset): Statement {
  return {
    sql: `SELECT range_from, range_to FROM (
      SELECT assumeNotNull(grp[1]) AS key,
        toUInt64OrZero(extract(key, ':([0-9]+)-')) AS range_from, toUInt64OrZero(extract(key, '-([0-9]+)$')) AS range_to
      FROM rollups WHERE series = 0 AND startsWith(assumeNotNull(grp[1]), {prefix:String}) GROUP BY key)
      WHERE range_to >= {from:UInt64} ORDER BY range_from`,
    parameters: { prefix: `${series}:${src}:`, from },
  };
}

/** For each partition the last offset that live processing has marked. */
export const selectNewestMarks: Statement = {
  sql: `SELECT toUInt16(extract(key, '^0:([0-9]+):')) AS src, max(toUInt64OrZero(extract(key, '-([0-9]+)$'))) AS range_to FROM (
      SELECT assumeNotNull(grp[1]) AS key FROM rollups WHERE series = 0 AND startsWith(assumeNotNull(grp[1]), '0:'))
      GROUP BY src ORDER BY src`,
  parameters: {},
};

export function selectStoredOffsets(src: Src, from: Offset): Statement {
  return {
    sql: "SELECT off FROM raw_events WHERE src = {src:UInt16} AND off >= {from:UInt64} ORDER BY off",
    parameters: { src, from },
  };
}

export function selectFirstEvents({ src, from, to }: OffsetRange, limit: number): Statement {
  return {
    sql: `SELECT count() AS events, max(off) AS last FROM (
      SELECT off FROM raw_events WHERE src = {src:UInt16} AND off >= {from:UInt64} AND off <= {to:UInt64}
      ORDER BY off LIMIT {limit:UInt64})`,
    parameters: { src, from, to, limit },
  };
}

/** With the table's sorting key in front, the engine reads no more than the end. */
const latestFirst = "toStartOfSecond(timestamp) DESC, timestamp DESC";

export function selectLatestIds(src: Src, limit: number): Statement {
  return {
    sql: `SELECT toUnixTimestamp64Milli(timestamp) AS timestamp_ms, event_id FROM raw_events
      WHERE src = {src:UInt16} ORDER BY ${latestFirst} LIMIT {limit:UInt64}`,
    parameters: { src, limit },
  };
}

/** How many keys one look-up names, so that its condition stays small. How long they are is no matter: see `sentAs`. */
export const keysPerLookup = 400;

/** By the time, which leads to few granules: which of the keys are stored below an offset. */
export function selectFoundIds(src: Src, keys: readonly EventKey[], below: Offset): Statement {
  return {
    sql: `SELECT event_id, toUnixTimestamp64Milli(timestamp) AS timestamp_ms FROM raw_events
      WHERE src = {src:UInt16} AND off < {below:UInt64}
        AND timestamp IN (SELECT fromUnixTimestamp64Milli(arrayJoin({times:Array(Int64)}), 'UTC')) AND event_id IN {ids:Array(String)}`,
    parameters: { src, below, times: keys.map((key) => key.timestamp), ids: keys.map((key) => key.event_id) },
  };
}

/** All ids with times (ms) from `from` to `to`, both included, that are stored below an offset; no more than `limit`. */
export function selectIdsOfSpan(
  src: Src,
  span: { readonly from: number; readonly to: number; readonly below: Offset; readonly limit: number },
): Statement {
  return {
    sql: `SELECT event_id, toUnixTimestamp64Milli(timestamp) AS timestamp_ms FROM raw_events
      WHERE src = {src:UInt16} AND off < {below:UInt64}
        AND timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')
      LIMIT {limit:UInt64}`,
    parameters: { src, ...span },
  };
}

export function deleteMarks(ranges: readonly OffsetRange[]): Statement {
  return {
    sql: "DELETE FROM rollups WHERE series = 0 AND grp[1] IN {keys:Array(String)} SETTINGS lightweight_deletes_sync = 2",
    parameters: { keys: ranges.map((range) => markKey({ series: 0, range })) },
  };
}

export function deleteSeries(series: number): Statement {
  return {
    sql: `DELETE FROM rollups WHERE series = {series:UInt32} OR (series = 0 AND startsWith(assumeNotNull(grp[1]), {prefix:String}))
      OR (series = 2 AND pane = toDateTime({series:UInt32}, 'UTC'))
      SETTINGS lightweight_deletes_sync = 2`,
    parameters: { series, prefix: `${series}:` },
  };
}

/** Rows that are of a series and begin before its moment. */
type Expired = readonly { readonly series: number; readonly before: number }[];

const isExpired = `series IN {series:Array(UInt32)}
      AND pane < toDateTime(transform(series, {series:Array(UInt32)}, {before:Array(UInt32)}, toUInt32(0)), 'UTC')`;

const expiredValues = (expired: Expired): Readonly<Record<string, unknown>> => ({
  series: expired.map(({ series }) => series),
  before: expired.map(({ before }) => Math.floor(before / 1000)),
});

export function selectExpired(expired: Expired): Statement {
  return { sql: `SELECT DISTINCT series FROM rollups WHERE ${isExpired}`, parameters: expiredValues(expired) };
}

export function deleteExpired(expired: Expired): Statement {
  return {
    sql: `DELETE FROM rollups WHERE ${isExpired} SETTINGS lightweight_deletes_sync = 2`,
    parameters: expiredValues(expired),
  };
}

/** The series that a mark is of: of a live one 0. */
export const markedSeries = "toUInt32OrZero(extract(assumeNotNull(grp[1]), '^([0-9]+):'))";

/**
 * Of rows, of marks of fills (of which no event may have passed the filter, or all windows be expired), and of lists of groups:
 * rows and lists may outlive each other when a deletion has broken off.
 */
export const selectSeries: Statement = {
  sql: `SELECT DISTINCT series FROM (
      SELECT DISTINCT series FROM rollups WHERE series >= 16
      UNION ALL SELECT DISTINCT ${markedSeries} FROM rollups WHERE series = 0 AND ${markedSeries} > 0
      UNION ALL SELECT DISTINCT toUInt32(toUnixTimestamp(pane)) FROM rollups WHERE series = 2) ORDER BY series`,
  parameters: {},
};

/** Of rows, which are sorted by series, of marks of fills, and of lists of groups. */
export const selectNewestSeries: Statement = {
  sql: `SELECT max(series) AS newest FROM (
      SELECT series FROM (SELECT series FROM rollups WHERE series >= 16 ORDER BY series DESC LIMIT 1)
      UNION ALL SELECT ${markedSeries} FROM rollups WHERE series = 0
      UNION ALL SELECT toUInt32(toUnixTimestamp(pane)) FROM rollups WHERE series = 2)`,
  parameters: {},
};

/** For each series that has rows: events `skipped` and `late` in all of its windows, its different `groups`, and the events that are `ungrouped`. */
export function selectSeriesCounts(series: readonly number[]): Statement {
  return {
    sql: `SELECT series, toFloat64(sum(rollups.skipped)) AS skipped, toFloat64(sum(rollups.late)) AS late,
        ${groupCounts}
      FROM rollups WHERE series IN {series:Array(UInt32)} GROUP BY series`,
    parameters: { series },
  };
}

export const selectTotals: Statement = {
  sql: `SELECT toUInt64(sum(n)) AS events, toUInt64(sum(skipped)) AS duplicates,
      (SELECT toUInt64(count()) FROM rejects) AS rejects FROM rollups WHERE series = 1`,
  parameters: {},
};

export function selectEvents(query: EventQuery): Statement {
  const where = [
    "timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')",
    "timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')",
  ];
  const parameters: Record<string, unknown> = { from: query.from, to: query.to, limit: query.limit };
  for (const name of ["event_id", "event_type", "user_id"] as const) {
    if (query[name] === undefined) continue;
    where.push(`${name} = {${name}:String}`);
    parameters[name] = query[name];
  }
  if (query.behind !== undefined) {
    where.push(
      // Says nothing new, but to the index, which understands no tuple: the pages before are not read again.
      "timestamp <= fromUnixTimestamp64Milli({behind_time:Int64}, 'UTC')",
      "(toUnixTimestamp64Milli(timestamp), src, off) < ({behind_time:Int64}, {behind_src:UInt16}, {behind_off:UInt64})",
    );
    parameters.behind_time = query.behind.timestamp;
    parameters.behind_src = query.behind.src;
    parameters.behind_off = query.behind.off;
  }
  return {
    sql: `SELECT src, off, toUnixTimestamp64Milli(received_at) AS receivedAt, toUnixTimestamp64Milli(timestamp) AS timestamp_ms,
      event_id, event_type, user_id, payload FROM raw_events WHERE ${where.join(" AND ")}
      ORDER BY ${latestFirst}, src DESC, off DESC LIMIT {limit:UInt32}`,
    parameters,
  };
}
