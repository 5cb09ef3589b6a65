import type { Standing } from "./memory-progress.ts";

/** What a process has counted of a partition since it spoke last. */
export interface Counted {
  readonly from: number;
  readonly to: number;
  /** As in `Touched`. */
  readonly seconds: readonly number[] | null;
}

export interface PartitionNews extends Standing {
  readonly src: number;
  readonly counted?: Counted;
}

/** How far the fill of a series is. */
export interface FillNews {
  readonly series: number;
  /** 0 … 1 */
  readonly progress: number;
  /** Milliseconds since the epoch; null when nobody knows. */
  readonly endsAt: number | null;
  /** What it stands still for, for people; missing: nothing. */
  readonly waitingFor?: string;
}

/** What a process that counts tells all others, again and again. */
export interface Bulletin {
  /** Names the process; no other has had it. */
  readonly by: string;
  /** Events counted since the last one. */
  readonly events: number;
  readonly partitions: readonly PartitionNews[];
  /** Windows of these series changed by other means than new events. */
  readonly series: readonly number[];
  readonly fills: readonly FillNews[];
  /** By which revision of the rules it counts, or a later one; missing: it is of a version that does not say so. */
  readonly rules?: number;
}

/** Of messages in another form less is known than that something happened. */
const version = 1;

type Row = [src: number, next: number, through: number, waitedMs: number, incompleteBelow: number, counted: unknown];

/** Numbers in rows: a message has a row for each partition, several times a second. */
export function encodeBulletin({ by, events, partitions, series, fills, rules }: Bulletin): Uint8Array {
  const rows = partitions.map(({ src, next, through, waitedMs, incompleteBelow, counted }): Row => {
    const since = counted === undefined ? null : [counted.from, counted.to, counted.seconds];
    return [src, next, believable(through), Math.round(waitedMs), incompleteBelow, since];
  });
  let left = reasonsBytesMax;
  const filled = fills.map(({ series: of, progress, endsAt, waitingFor }) => {
    const row = [of, Number(progress.toFixed(4)), endsAt];
    if (waitingFor === undefined) return row;
    const reason = waitingFor.slice(0, reasonMax);
    left -= Buffer.byteLength(JSON.stringify(reason));
    return [...row, left < 0 ? reasonElsewhere : reason];
  });
  return Buffer.from(JSON.stringify({ v: version, by, events, partitions: rows, series, fills: filled, rules }));
}

/** Undefined: it is not in a form that this program knows. */
export function decodeBulletin(message: Uint8Array): Bulletin | undefined {
  try {
    const read = JSON.parse(Buffer.from(message).toString()) as Record<string, unknown>;
    if (read["v"] !== version || typeof read["by"] !== "string") return undefined;
    return {
      by: read["by"],
      events: numberOf(read["events"]),
      partitions: listOf(read["partitions"]).map(partitionOf),
      series: listOf(read["series"]).map(numberOf),
      fills: listOf(read["fills"]).map(fillOf),
      ...(read["rules"] === undefined ? {} : { rules: wholeOf(read["rules"]) }),
    };
  } catch {
    return undefined;
  }
}

function partitionOf(row: unknown): PartitionNews {
  const [src, next, through, waitedMs, incompleteBelow, counted] = listOf(row);
  const standing = {
    src: wholeOf(src),
    next: wholeOf(next),
    through: upTo(timeMax, through),
    waitedMs: numberOf(waitedMs),
    incompleteBelow: wholeOf(incompleteBelow),
  };
  return counted === null ? standing : { ...standing, counted: countedOf(listOf(counted)) };
}

function countedOf([from, to, seconds]: readonly unknown[]): Counted {
  const list = seconds === null ? null : listOf(seconds).map((second) => upTo(secondMax, second));
  return { from: wholeOf(from), to: wholeOf(to), seconds: list };
}

function fillOf(row: unknown): FillNews {
  const [series, progress, endsAt, waitingFor] = listOf(row);
  return {
    ...{ series: numberOf(series), progress: numberOf(progress), endsAt: endsAt === null ? null : numberOf(endsAt) },
    ...(typeof waitingFor === "string" ? { waitingFor: waitingFor.slice(0, reasonMax) } : {}),
  };
}

function numberOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TypeError("not a number");
  return value;
}

/** A partition, a position in one, or a revision. */
const wholeOf = (value: unknown): number => upTo(Number.MAX_SAFE_INTEGER, value);

/** Other producers give their records whatever times they like. */
const believable = (time: number): number => Math.round(Math.min(timeMax, Math.max(0, time)));

const reasonMax = 500;
/** A record of Kafka has its bounds. */
const reasonsBytesMax = 256 << 10;
const reasonElsewhere = "what the log of the processor says";

/** Beyond these there is no date, and none that a store can hold. */
const timeMax = 8_640_000_000_000_000;
const secondMax = 2 ** 32 - 1;

function upTo(max: number, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new TypeError("not a whole number, or too large");
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("not a list");
  return value;
}
