import type { Offset, OffsetRange, Src } from "../event/position.ts";
import { after, offset, overlap } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { inTurns } from "../lib/in-turns.ts";
import type { Log } from "../log/log.ts";
import type { EventKey, Store } from "../store/store.ts";
import { RecentIds } from "./recent-ids.ts";

export interface Recovered {
  /** Where the work goes on: everything below is stored and rolled up. */
  readonly next: Offset;
  /** Offsets from `next` on that raw has although their range is not marked. */
  readonly stored: ReadonlySet<number>;
  /** Offsets from `next` on that were set aside. */
  readonly rejected: ReadonlySet<number>;
  readonly ids: RecentIds;
}

/** Who answers for the log may be behind for a moment: that it is shorter than it was is believed when it is said again after so long. */
const believedMs = 3_000;

interface Fitting {
  readonly log: Log;
  readonly store: Store;
  readonly src: Src;
  readonly clock: Pick<Clock, "sleep" | "monotonic" | "turn">;
  /** Aborts when the partition is not to be taken over any more. */
  readonly abandon?: AbortSignal;
}

/** Reads from the store how far a partition is. The committed position only says where to begin to look. */
export async function recover(
  deps: Fitting & {
    idsMax: number;
    idsLoadedMax: number;
    idsShare?: () => number;
    seed: number;
    /** Told of offsets that somebody else has set, for people. */
    odd?: (what: string) => void;
  },
): Promise<Recovered> {
  const { log, store, src, odd = () => {}, abandon } = deps;
  // First as a guest: a log that is not the store's must not take the partition from the one that is.
  await fittingMarks(deps);
  // Nor may who was told meanwhile that it is another's take it from that one.
  if (abandon?.aborted === true)
    throw new WeirError("stopping", `partition ${src} was given up before it was taken over`);
  await store.takeOver(src);
  const { committed, marks } = await fittingMarks(deps);
  tellOverlaps(marks, odd);
  const next = endOfMarked(log.committedIsHint === true ? mended(src, committed, marks, odd) : committed, marks);
  const stored = new Set<number>(await store.storedOffsets(src, next));
  const rejected = new Set<number>(await store.rejectedOffsets(src, next));
  return { next, stored, rejected, ids: await loadIds({ ...deps, hasCounted: marks.length > 0 }) };
}

/** The marks of a partition, of which log and store say the same. */
async function fittingMarks(fitting: Fitting): Promise<{
  readonly committed: Offset;
  readonly marks: readonly OffsetRange[];
}> {
  const { log, store, src } = fitting;
  const committed = await log.committed(src);
  const marks = await store.marks(0, src, offset(0));
  const counted = marks.reduce((end, mark) => Math.max(end, mark.to + 1), 0);
  const end = await endOf(fitting, counted);
  // That the group has committed something says that it is this log that was counted.
  if (log.committedIsHint === true && committed > 0) refuseLostEnd(src, end, counted);
  refuseOlderLog(src, end, counted);
  if (log.committedIsHint !== true || counted === 0) refuseOlderStore(src, committed, counted);
  return { committed, marks };
}

async function endOf({ log, src, clock, abandon }: Fitting, counted: number): Promise<number> {
  const ask = async (): Promise<number> => (await log.ends()).get(src) ?? 0;
  const end = await ask();
  if (end >= counted || log.committedIsHint !== true) return end;
  await clock.sleep(believedMs, abandon);
  return ask();
}

/**
 * What is committed may be said by anybody: by a process that was away for long, by Kafka's own tools; or be forgotten. The log
 * has kept all of it, and the marks lie end to end: so it is they that say where to begin.
 */
function mended(src: Src, committed: Offset, marks: readonly OffsetRange[], odd: (what: string) => void): Offset {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined) return committed;
  if (committed >= first.from && committed <= after(last.to)) return committed;
  odd(
    `the offset that is committed of partition ${src} has been set to ${committed}${committed === 0 ? ", or forgotten" : ""}, but ${first.from} to ${last.to} are counted: going on behind them`,
  );
  return first.from;
}

/** Records are gone that were counted, of one partition alone: what comes next gets their offsets, and would be taken for counted. */
function refuseLostEnd(src: Src, end: number, counted: number): void {
  if (end >= counted) return;
  throw new WeirError(
    "log_gap",
    `the log of partition ${src} ends at offset ${end}, but ${counted} were counted: it has lost its last records (did a replica become its leader that was behind?), and what is written now would be taken for them. Weir can't tell the one from the other; to go on with the partition, count all of the log anew into other databases`,
    { details: { src, end, counted } },
  );
}

/** A log that ends before what was counted of it is not the log that the store was filled from. */
function refuseOlderLog(src: Src, end: number, counted: number): void {
  if (end >= counted) return;
  throw new WeirError(
    "folder_mixed",
    `the log of partition ${src} ends at offset ${end}, but the store has counted up to ${counted}: the log was lost or replaced, and its new events would be taken for counted ones. ${remedy}`,
  );
}

/** The log was told that what is committed is counted, and has deleted it. The newest mark is kept for ever. */
function refuseOlderStore(src: Src, committed: number, counted: number): void {
  if (counted >= committed) return;
  throw new WeirError(
    "folder_mixed",
    `the store has counted partition ${src} up to offset ${counted}, but the log was told of ${committed}: the store was lost or replaced by an older one, and lacks the events in between. ${remedy}`,
  );
}

const remedy = "Restore the data folder as a whole, from one moment";

/**
 * Two processes have counted the same, which no claim should have let them. It is told and not refused: it has happened, stopping
 * mends nothing, and `weir rebuild` needs a server. Marks are ascending, so that where any overlap, two neighbours do.
 */
function tellOverlaps(marks: readonly OffsetRange[], odd: (what: string) => void): void {
  for (const [index, mark] of marks.slice(1).entries()) {
    const former = marks[index]!;
    if (!overlap(former, mark)) continue;
    odd(
      `of partition ${mark.src} both ${former.from} to ${former.to} and ${mark.from} to ${mark.to} are marked as counted: offsets ${mark.from} to ${Math.min(former.to, mark.to)} may be counted twice, which is a mistake of Weir. \`weir verify\` says which windows differ from the stored events, \`weir rebuild\` makes them anew`,
    );
  }
}

/** Follows the marks from `from` on. They lie end to end, since a partition's ranges are written one after the other. */
export function endOfMarked(from: Offset, marks: readonly OffsetRange[]): Offset {
  let next = from;
  for (const mark of marks) {
    if (mark.from > next) {
      throw new WeirError(
        "store_refused",
        `the store has offsets ${mark.from} to ${mark.to} of partition ${mark.src} marked as counted, but not ${next} to ${mark.from - 1} before them`,
      );
    }
    if (mark.to >= next) next = after(mark.to);
  }
  return next;
}

async function loadIds(deps: {
  store: Store;
  src: Src;
  idsMax: number;
  idsLoadedMax: number;
  idsShare?: () => number;
  seed: number;
  clock: Fitting["clock"];
  /** Where nothing was, there are no ids; to find that out the store would read all raw rows. */
  hasCounted: boolean;
}): Promise<RecentIds> {
  const { idsMax, seed, idsShare: share = () => 1 } = deps;
  const ids = new RecentIds({ idsMax, seed, share });
  const limit = Math.max(1, Math.min(deps.idsLoadedMax, Math.floor(idsMax * share())));
  const keys = deps.hasCounted ? await deps.store.latestIds(deps.src, limit) : [];
  await inTurns(takenIn(ids, keys), deps.clock);
  // Of the earliest millisecond that was read, some events may have been left behind the limit.
  if (keys.length >= limit) ids.raiseHorizon(keys.at(-1)!.timestamp + 1);
  return ids;
}

/** There may be half a million, while the process answers, and counts other partitions: a step for each few hundred. */
function* takenIn(ids: RecentIds, keys: readonly EventKey[]): Generator<undefined, void, undefined> {
  for (const [index, { event_id, timestamp }] of keys.entries()) {
    const bytes = Buffer.from(event_id);
    ids.take(bytes, 0, bytes.length, timestamp);
    if (index % idsPerStep === 0) yield;
  }
  yield* ids.makeRoom();
}

const idsPerStep = 256;
