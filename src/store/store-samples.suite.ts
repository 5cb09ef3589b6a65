import type { Event } from "../event/event.ts";
import { pack, walkPacked } from "../event/packed.ts";
import type { OffsetRange } from "../event/position.ts";
import { offset, src } from "../event/position.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { tumbling } from "../rule/window.ts";
import type { RawPiece } from "./store.ts";

export const start = Date.UTC(2026, 0, 13, 10);

export const event = (event_id: string, more: Partial<Event> = {}): Event => ({
  event_id,
  event_type: "click",
  user_id: "user",
  timestamp: start,
  payload: "{}",
  ...more,
});

export const range = (partition: number, from: number, to: number): OffsetRange => ({
  src: src(partition),
  from: offset(from),
  to: offset(to),
});

export function piece(from: number, events: readonly Event[], skip: readonly number[] = []): RawPiece {
  const packed = pack(events);
  const ends = new Uint32Array(packed.count);
  walkPacked(packed, (extent, index) => {
    ends[index] = extent.end;
  });
  const skipped = skip.length === 0 ? null : new Uint8Array(packed.count);
  for (const index of skip) skipped![index] = 1;
  return { from: offset(from), receivedAt: start + 1000, events: packed, ends, skip: skipped };
}

export const countByType: CheckedRule = {
  spec: { rule_id: "r", window_size: "1m", metric: "count", group_by: ["event_type"], active: true },
  window: tumbling({ unit: "second", count: 60 }),
  metric: "count",
  groupBy: [{ kind: "event_type" }],
  having: [],
  latenessSeconds: 0,
  latePolicy: "count",
};
