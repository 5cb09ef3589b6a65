import type { Offset, OffsetRange, Src } from "../event/position.ts";
import { after } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { Log } from "../log/log.ts";
import type { Store } from "../store/store.ts";
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

/** Reads from the store how far a partition is. The committed position only says where to begin to look. */
export async function recover(deps: {
  log: Log;
  store: Store;
  src: Src;
  idsMax: number;
  idsLoadedMax: number;
  seed: number;
}): Promise<Recovered> {
  const { log, store, src } = deps;
  await store.settle();
  const committed = await log.committed(src);
  const next = endOfMarked(committed, await store.marks(0, src, committed));
  await refuseForeignLog(log, src, next);
  const stored = new Set<number>(await store.storedOffsets(src, next));
  const rejected = new Set<number>(await store.rejectedOffsets(src, next));
  return { next, stored, rejected, ids: await loadIds(deps) };
}

/** A log that ends before what was counted of it is not the log that the store was filled from. */
async function refuseForeignLog(log: Log, src: Src, next: Offset): Promise<void> {
  const end = (await log.ends()).get(src) ?? 0;
  if (end >= next) return;
  throw new WeirError(
    "log_damaged",
    `the log of partition ${src} ends at offset ${end}, but the store has counted up to ${next}: the log was lost or replaced; its new events would be taken for counted ones`,
  );
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
  seed: number;
}): Promise<RecentIds> {
  const ids = new RecentIds({ idsMax: deps.idsMax, seed: deps.seed });
  const limit = Math.min(deps.idsLoadedMax, deps.idsMax);
  const keys = await deps.store.latestIds(deps.src, limit);
  for (const { event_id, timestamp } of keys) {
    const bytes = Buffer.from(event_id);
    ids.take(bytes, 0, bytes.length, timestamp);
  }
  ids.makeRoom();
  // Of the earliest millisecond that was read, some events may have been left behind the limit.
  if (keys.length >= limit) ids.raiseHorizon(keys.at(-1)!.timestamp + 1);
  return ids;
}
