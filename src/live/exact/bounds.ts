import type { DirtyBounds } from "../dirty.ts";

export interface ExactFeedBounds extends DirtyBounds {
  /** So many of the newest windows somebody gets who does not say from when on. */
  readonly newestWindows: number;
  /** Rows in one read of the store. */
  readonly readRowsMax: number;
  /** How long one statement of a read may take. */
  readonly readSecondsMax: number;
  /** What is kept of a rule's windows; beyond it the oldest are let go. */
  readonly mirrorBytesMax: number;
  /** How many windows that are gone are remembered, and how many that have closed. */
  readonly goneMax: number;
  readonly finalsMax: number;
  /** More windows than this that close at once are told of as changes. */
  readonly finalsAtOnce: number;
}

/** What a feed asks its process for. */
export interface FeedProcess {
  /** A number that no state of a rule has had. */
  readonly nextNumber: () => number;
  /** See `HubParts`. */
  readonly knowsRules: () => boolean;
}
