import type { BacklogBounds, MessageBounds } from "./decide.ts";
import type { ExactFeedBounds } from "./exact/bounds.ts";
import type { FeedBounds } from "./feed.ts";
import type { RefusalBounds } from "./refusals.ts";

/** Every bound of the live feed. */
export interface LiveLimits extends BacklogBounds, MessageBounds, FeedBounds, ExactFeedBounds, RefusalBounds {
  readonly connectionsMax: number;
  readonly subscriptionsMax: number;
  /** Between two pushes of a rule to a client that asks for nothing else. */
  readonly intervalMs: number;
  /** The same in the mode delta. */
  readonly exactIntervalMs: number;
  /** Who is watched exactly is told after so long that nothing has changed. */
  readonly heartbeatMs: number;
  /** A rule that nobody watches exactly any more is remembered for so long, for those who come back. */
  readonly lingerMs: number;
  /** What is kept of all watched rules' windows together, in each mode. */
  readonly mirrorBytesAllMax: number;
  /** What may wait in all sockets together; above it nothing is sent, and above twice as much the slowest are closed. */
  readonly backlogBytesAllMax: number;
  /** How often it is looked whether anything is to be sent. */
  readonly tickMs: number;
  /** When something was counted, it is looked at once, but no sooner than so long after it was for something else that was counted. */
  readonly tickGapMs: number;
  /** How often rules are looked at for changes, and backlogs for clients that never read. */
  readonly sweepMs: number;
  /** Reads of the store at a time, in either mode together; the store has room for them (docs/decisions/0039). */
  readonly readsMax: number;
  /** Reads for one rule in a row before the others get their turn. */
  readonly readsInARow: number;
  /** Between two reads for one rule. */
  readonly readGapMs: number;
  /** Reads that took so long are long: see `FeedReader`. */
  readonly slowReadMs: number;
}

export const defaultLimits: LiveLimits = {
  connectionsMax: 20_000,
  subscriptionsMax: 1000,
  messagesPerSecond: 100,
  messagesBurst: 1000,
  intervalMs: 5000,
  tickMs: 25,
  tickGapMs: 10,
  sweepMs: 250,
  readsMax: 4,
  readsInARow: 8,
  readGapMs: 50,
  slowReadMs: 1000,
  readSecondsMax: 20,
  refusedMs: 10_000,
  suspectedMs: 60_000,
  newestWindows: 60,
  readRowsMax: 5000,
  rowsKept: 5000,
  rowsMax: 20_000,
  pushBytesMax: 4 * 1024 * 1024,
  heldBytesKept: 4 * 1024 * 1024,
  heldBytesMax: 16 * 1024 * 1024,
  windowsMax: 10_000,
  spanWindowsMax: 1000,
  backlogBytesMax: 256 * 1024,
  backlogBytesFatal: 8 * 1024 * 1024,
  backlogMsMax: 20_000,
  exactIntervalMs: 250,
  heartbeatMs: 5000,
  lingerMs: 60_000,
  mirrorBytesMax: 4 * 1024 * 1024,
  mirrorBytesAllMax: 128 * 1024 * 1024,
  backlogBytesAllMax: 256 * 1024 * 1024,
  goneMax: 1000,
  finalsMax: 1000,
  finalsAtOnce: 100,
};
