import { type Offset, type OffsetRange, type Src, offset } from "../../event/position.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Mark } from "../store.ts";
import type { Connection } from "./connection.ts";
import { markKey, markedSeries } from "./statements.ts";

export interface FillMarksDeps {
  readonly connection: Pick<Connection, "rows" | "write">;
  /** Where all partitions are read. */
  readonly whole: Pick<Connection, "columns">;
  /** Writes marks of a partition, and nothing else. */
  readonly mark: (src: Src, marks: readonly Mark[]) => Promise<void>;
}

/** A series may have tens of thousands of marks, of which the engine makes one list each. */
const seriesAtOnce = 100;

/** The marks of fills. */
export class FillMarks {
  readonly #deps: FillMarksDeps;

  constructor(deps: FillMarksDeps) {
    this.#deps = deps;
  }

  /** See `Store.fillMarks`. */
  async of(series: readonly number[]): Promise<ReadonlyMap<number, readonly OffsetRange[]>> {
    const found = await this.#deps.whole.columns<{
      fill: number[];
      src: Src[];
      range_from: Offset[];
      range_to: Offset[];
    }>(selectFillMarks(series));
    const marks = new Map<number, OffsetRange[]>();
    for (const [index, one] of (found.fill ?? []).entries()) {
      const mark = { src: found.src![index]!, from: found.range_from![index]!, to: found.range_to![index]! };
      const before = marks.get(one);
      if (before === undefined) marks.set(one, [mark]);
      else before.push(mark);
    }
    return marks;
  }

  /** See `Store.joinFillMarks`. The joined mark is there before those that it stands for go: at no time is less marked. */
  async join(src: Src, series: readonly number[]): Promise<void> {
    const { connection, mark } = this.#deps;
    const several = await connection.rows<{ fill: number }>(selectSeveral(src, series));
    for (let at = 0; at < several.length; at += seriesAtOnce) {
      const some = several.slice(at, at + seriesAtOnce).map(({ fill }) => fill);
      const found = await connection.rows<{ fill: number; next: number }>(selectJoined(src, some));
      const joined = found.map(({ fill, next }) => ({
        series: fill,
        range: { src, from: offset(0), to: offset(next - 1) },
      }));
      if (joined.length === 0) continue;
      await mark(src, joined);
      await connection.write(deleteJoined(src, joined));
    }
  }
}

const key = "assumeNotNull(grp[1])";
const srcOf = `toUInt16OrZero(splitByChar(':', ${key})[2])`;
const fromOf = `toUInt64OrZero(extract(${key}, ':([0-9]+)-'))`;
const toOf = `toUInt64OrZero(extract(${key}, '-([0-9]+)$'))`;

function selectFillMarks(series: readonly number[]): Statement {
  return {
    sql: `SELECT DISTINCT ${markedSeries} AS fill, ${srcOf} AS src, ${fromOf} AS range_from, ${toOf} AS range_to
      FROM rollups WHERE series = 0 AND ${markedSeries} IN {series:Array(UInt32)}`,
    parameters: { series },
  };
}

/** Of these series those of which the partition has more than one mark. */
function selectSeveral(src: Src, series: readonly number[]): Statement {
  return {
    sql: `SELECT ${markedSeries} AS fill FROM rollups
      WHERE series = 0 AND ${srcOf} = {src:UInt16} AND ${markedSeries} IN {series:Array(UInt32)}
      GROUP BY fill HAVING uniqExact(${key}) > 1 ORDER BY fill`,
    parameters: { src, series },
  };
}

/** Up to which position the marks of each of these series lie end to end from 0 on, where more than one does. */
function selectJoined(src: Src, series: readonly number[]): Statement {
  return {
    sql: `SELECT fill, toFloat64(arrayFold((end, mark) -> if(mark.1 <= end, greatest(end, mark.2 + 1), end), marks, toUInt64(0))) AS next
      FROM (SELECT ${markedSeries} AS fill, arraySort(groupUniqArray((${fromOf}, ${toOf}))) AS marks FROM rollups
        WHERE series = 0 AND ${srcOf} = {src:UInt16} AND ${markedSeries} IN {series:Array(UInt32)} GROUP BY fill)
      WHERE arrayCount(mark -> mark.2 < next, marks) > 1`,
    parameters: { src, series },
  };
}

/** Those that lie within these, but for these themselves. */
function deleteJoined(src: Src, joined: readonly Mark[]): Statement {
  return {
    sql: `DELETE FROM rollups WHERE series = 0 AND ${srcOf} = {src:UInt16} AND ${markedSeries} IN {series:Array(UInt32)}
      AND ${toOf} <= transform(${markedSeries}, {series:Array(UInt32)}, {to:Array(UInt64)}, toUInt64(0))
      AND ${key} NOT IN {keys:Array(String)} SETTINGS lightweight_deletes_sync = 2`,
    parameters: {
      src,
      series: joined.map((mark) => mark.series),
      to: joined.map((mark) => mark.range.to),
      keys: joined.map(markKey),
    },
  };
}
