import type { StatsRow } from "../../../client/src/wire.ts";

/** What of a rule decides where its windows lie. */
export interface Timed {
  readonly window_type?: "tumbling" | "hopping" | "cumulative";
  readonly hop?: string;
}

/** The windows of rows in time. */
export interface Timeline {
  /** Seconds since the epoch, rising. */
  readonly xs: readonly number[];
  /** Between two windows, in seconds. */
  readonly step: number;
  /** Index of a row's window. */
  readonly placeOf: (row: StatsRow) => number;
}

/** More missing windows than these are left as a gap. */
const filledMax = 500;

/** Of the rows' windows, and those in between that have no row. */
export function timelineOf(rows: readonly StatsRow[], rule: Timed): Timeline {
  // Those that grow begin together.
  const edge = rule.window_type === "cumulative" ? "window_end" : "window_start";
  const windows = [...new Map(rows.map((row) => [row[edge], row])).values()];
  const moments = new Map(windows.map((row) => [row[edge], secondsOf(row[edge])]));
  const xs = withMissing(
    [...moments.values()].sort((a, b) => a - b),
    lengthOfAll(windows, rule),
  );
  const indexes = new Map(xs.map((x, index) => [x, index]));
  return { xs, step: stepOf(xs, rows[0]), placeOf: (row) => indexes.get(moments.get(row[edge]) ?? 0) ?? 0 };
}

/** The least distance of two windows; where there is one alone, its length. */
function stepOf(xs: readonly number[], row: StatsRow | undefined): number {
  if (xs.length > 1) return Math.min(...distancesOf(xs));
  return row === undefined ? 1 : lengthOf(row);
}

/**
 * With the windows in between that have no row, where windows are of equal length and not too many are missing. Where their
 * `length` is not known, or leaves too many out, the two that are nearest are taken for neighbours.
 */
function withMissing(xs: readonly number[], length: number | undefined): readonly number[] {
  const [first, last] = [xs[0], xs.at(-1)];
  if (first === undefined || last === undefined || xs.length < 2) return xs;
  const distances = distancesOf(xs);
  const least = Math.min(...distances);
  const countBy = (step: number): number => (last - first) / step + 1;
  const step = [length ?? least, least].find((step) => countBy(step) - xs.length <= filledMax);
  if (step === undefined || distances.some((one) => one % step !== 0)) return xs;
  return Array.from({ length: countBy(step) }, (_, index) => first + index * step);
}

/** Of windows that lie side by side, in seconds; a calendar's may have several. How far those that overlap lie apart it does not say. */
function lengthOfAll(windows: readonly StatsRow[], { window_type, hop }: Timed): number | undefined {
  const [first] = windows;
  if (first === undefined || hop !== undefined || window_type === "cumulative") return undefined;
  const length = lengthOf(first);
  return windows.every((row) => lengthOf(row) === length) ? length : undefined;
}

const distancesOf = (xs: readonly number[]): readonly number[] => xs.slice(1).map((x, index) => x - xs[index]!);

const lengthOf = ({ window_start, window_end }: StatsRow): number => secondsOf(window_end) - secondsOf(window_start);

const secondsOf = (time: string): number => Date.parse(time) / 1000;
