import { type Offset, type OffsetRange, type Src, offset, src } from "../../event/position.ts";
import type { Statement } from "../../rollup/statement.ts";
import type { Connection } from "./connection.ts";
import { selectNewestMarks } from "./statements.ts";

/** So much further back is looked each time that too few events were found. */
const widerBy = 8;

type Reader = Pick<Connection, "rows" | "columns">;

/**
 * The newest counted positions of each partition, so far back that they hold its share of `eventsMax` events, or all that it
 * has. Positions may have holes (repeats; on Kafka most of them), so events are counted, from few positions to many: the
 * raw table is not sorted by position, and its newest events are cheap to find only when few positions are asked for.
 */
export async function newestRanges(reader: Reader, eventsMax: number): Promise<readonly OffsetRange[]> {
  const marks = await reader.rows<{ src: number; range_to: number }>(selectNewestMarks);
  const share = Math.ceil(eventsMax / Math.max(1, marks.length));
  return Promise.all(marks.map((mark) => newestOf(reader, src(mark.src), offset(mark.range_to), share)));
}

async function newestOf(reader: Reader, of: Src, to: Offset, share: number): Promise<OffsetRange> {
  for (let width = share; ; width *= widerBy) {
    const range = { src: of, from: offset(Math.max(0, to - width + 1)), to };
    const [found] = await reader.rows<{ events: number }>(countEvents(range));
    const more = found!.events - share;
    if (more > 0) return { ...range, from: await nth(reader, range, more + 1) };
    if (more === 0 || range.from === 0) return range;
  }
}

async function nth(reader: Reader, range: OffsetRange, n: number): Promise<Offset> {
  const { off } = await reader.columns<{ off: Offset[] }>(selectNthOffset(range, n));
  return off?.[0] ?? range.from;
}

function selectNthOffset({ src: of, from, to }: OffsetRange, n: number): Statement {
  return {
    sql: `SELECT off FROM raw_events WHERE src = {src:UInt16} AND off >= {from:UInt64} AND off <= {to:UInt64}
      ORDER BY off LIMIT 1 OFFSET {before:UInt64}`,
    parameters: { src: of, from, to, before: n - 1 },
  };
}

function countEvents({ src: of, from, to }: OffsetRange): Statement {
  return {
    sql: `SELECT toFloat64(count()) AS events FROM raw_events
      WHERE src = {src:UInt16} AND off BETWEEN {from:UInt64} AND {to:UInt64}`,
    parameters: { src: of, from, to },
  };
}
