import { DamagedBatch, batchesIn, isControl, openBatch, placeOf } from "./batch.ts";
import type { Batch, Opened } from "./batch.ts";
import { Said } from "./faults.ts";

/** What one fetch has brought of a channel. */
export interface Messages {
  readonly messages: readonly Uint8Array[];
  /** The record that the next fetch begins with. */
  readonly next: number;
  /** Somebody's batch is no messages: who said what in it nobody knows. */
  readonly lost: boolean;
}

/** Messages are small, and few are under way at a time. */
const bounds = { bytesMax: 8 << 20, recordsMax: 10_000 };

/** The messages from the record `from` on. What others have put there, be it a bomb, stops nobody. */
export function messagesIn(bytes: Buffer, from: number): Messages {
  const messages: Uint8Array[] = [];
  let [next, lost] = [from, false];
  for (const batch of batchesIn(bytes)) {
    const place = placeOf(batch);
    const opened = isControl(batch) ? nothing : open(batch);
    if ("why" in opened) lost = true;
    else
      for (const { offsetDelta, value } of opened.records)
        if (place.from + offsetDelta >= from && value !== null) messages.push(value);
    next = Math.max(next, place.to + 1);
  }
  if (next === from && bytes.length > 0) throw new Said("it sends what is no batch of records");
  return { messages, next, lost };
}

const nothing: Opened = { records: [], bytes: 0 };

function open(batch: Batch): Opened {
  try {
    return openBatch(batch, bounds);
  } catch (error) {
    if (error instanceof DamagedBatch) return { why: error.message };
    throw error;
  }
}
