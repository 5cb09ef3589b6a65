import type { Offset, OffsetRange, Src } from "../event/position.ts";
import { after, before, offset, src } from "../event/position.ts";
import type { Target } from "./ports.ts";

/** What is left to do of one fill. */
export interface FillWork {
  readonly target: Target;
  /** Ascending by partition and offset, without overlap. */
  readonly missing: readonly OffsetRange[];
  /** All positions below the activation. */
  readonly events: number;
}

/** A range that is read once for all of these. */
export interface FillPiece {
  readonly range: OffsetRange;
  readonly works: readonly FillWork[];
}

export interface Place {
  readonly src: number;
  readonly off: number;
}

/** A fill from its marks, which may be in any order. */
export function fillWork(target: Target, marks: readonly OffsetRange[]): FillWork {
  const below = Object.entries(target.activation)
    .filter(([, at]) => at > 0)
    .map(([partition, at]) => ({ src: src(Number(partition)), from: offset(0), to: before(offset(at)) }))
    .toSorted((a, b) => a.src - b.src);
  const missing = below.flatMap((range) => withoutMarked(range, marksOf(marks, range.src)));
  return { target, missing, events: countOf(below) };
}

/**
 * What to do next: the first range at or behind the cursor that anybody misses, else the first of all. The scan goes
 * around, so that a fill that comes later joins the others where they are, and nobody waits for those that come after him.
 */
export function nextPiece(
  works: readonly FillWork[],
  cursor: Place,
  bounds: { readonly positionsMax: number; readonly rulesMax: number },
): FillPiece | undefined {
  const start = firstMissing(works, cursor) ?? firstMissing(works, { src: 0, off: 0 });
  if (start === undefined) return undefined;
  const holes = works.map((work) => ({ work, hole: holeAt(work, start) }));
  const sharing = holes.filter(({ hole }) => hole !== undefined).slice(0, bounds.rulesMax);
  // Those that miss only a part of it would come out cut up: it ends where a hole of anybody ends or begins.
  const ends = [start.off + bounds.positionsMax - 1, ...sharing.map(({ hole }) => hole!.to)];
  for (const { work } of holes) ends.push(...beginningsBehind(work, start));
  const range = { src: src(start.src), from: offset(start.off), to: offset(Math.min(...ends)) };
  return { range, works: sharing.map(({ work }) => work) };
}

/** The work once a range of it is done. */
export function withoutRange(work: FillWork, done: OffsetRange): FillWork {
  const missing = work.missing.flatMap((hole) => (hole.src === done.src ? withoutMarked(hole, [done]) : [hole]));
  return { ...work, missing };
}

export const eventsLeft = (work: FillWork): number => countOf(work.missing);

/** What of `range` no mark covers. `marks` are ascending and don't overlap. */
export function withoutMarked(range: OffsetRange, marks: readonly OffsetRange[]): OffsetRange[] {
  const holes: OffsetRange[] = [];
  let from = range.from;
  for (const mark of marks) {
    if (mark.to < from || mark.from > range.to) continue;
    if (mark.from > from) holes.push({ src: range.src, from, to: before(mark.from) });
    from = after(mark.to);
  }
  if (from <= range.to) holes.push({ src: range.src, from, to: range.to });
  return holes;
}

const marksOf = (marks: readonly OffsetRange[], partition: Src): OffsetRange[] =>
  marks.filter((mark) => mark.src === partition).toSorted((a, b) => a.from - b.from);

function firstMissing(works: readonly FillWork[], cursor: Place): Place | undefined {
  let first: Place | undefined;
  for (const { missing } of works) {
    const hole = missing.find((range) => !isBefore({ src: range.src, off: range.to }, cursor));
    if (hole === undefined) continue;
    const place = { src: hole.src, off: hole.src === cursor.src ? Math.max(hole.from, cursor.off) : hole.from };
    if (first === undefined || isBefore(place, first)) first = place;
  }
  return first;
}

const isBefore = (a: Place, b: Place): boolean => a.src < b.src || (a.src === b.src && a.off < b.off);

const holeAt = (work: FillWork, place: Place): OffsetRange | undefined =>
  work.missing.find(({ src: of, from, to }) => of === place.src && from <= place.off && place.off <= to);

const beginningsBehind = (work: FillWork, place: Place): Offset[] =>
  work.missing.filter((hole) => hole.src === place.src && hole.from > place.off).map((hole) => before(hole.from));

const countOf = (ranges: readonly OffsetRange[]): number =>
  ranges.reduce((sum, range) => sum + (range.to - range.from + 1), 0);
