import { unpack } from "../event/packed.ts";
import type { Src } from "../event/position.ts";
import type { RejectedEvent } from "../store/rejects.ts";
import type { Refused } from "./sift.ts";

/** Refused events as they are put into quarantine. */
export function asRejects(src: Src, refused: readonly Refused[], rejectedAt: number): readonly RejectedEvent[] {
  return refused.map(({ piece, index, reason }) => {
    const { from, receivedAt, events, ends } = piece;
    const bytes = events.bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index]);
    const [event] = unpack({ count: 1, bytes });
    return { ...event!, src, off: from + index, receivedAt, rejectedAt, reason };
  });
}
