import { unpack } from "../event/packed.ts";
import type { Src } from "../event/position.ts";
import type { RejectedEvent } from "../store/rejects.ts";
import type { UnreadableAt } from "./batch.ts";
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

/**
 * What is no event, as it is put into quarantine: the text of it for a payload, and an empty id, under which nobody can send
 * it again by mistake.
 */
export function unreadableAsRejects(
  src: Src,
  unreadable: readonly UnreadableAt[],
  rejectedAt: number,
): readonly RejectedEvent[] {
  return unreadable.map(({ off, receivedAt, reason, text }) => ({
    ...{ event_id: "", event_type: "", user_id: "", timestamp: receivedAt, payload: text },
    ...{ src, off, receivedAt, rejectedAt, reason },
  }));
}
