/** What can be read; the reader keeps its notes in it. Moments are ms of the monotonic clock. */
export interface ReadableFeed {
  /** A read is under way or queued. */
  reading: boolean;
  /** Failures of the store in a row. */
  failures: number;
  /** Since when a reading is asked for that has not been made; null: none is. */
  askedAt: number | null;
  /** Its last reading took long or failed: it leaves room for the others. */
  isSlow: boolean;
  /** Not read before this moment. */
  readAgainAt: number;
  /** Whether anybody wants to know. */
  readonly isWanted: boolean;
}
