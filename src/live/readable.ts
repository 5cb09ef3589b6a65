/** What can be read; the reader keeps its notes in it. */
export interface ReadableFeed {
  /** A read is under way or queued. */
  reading: boolean;
  /** Failures of the store in a row. */
  failures: number;
  /** Not read before this moment, ms of the monotonic clock. */
  readAgainAt: number;
  /** Whether anybody wants to know. */
  readonly isWanted: boolean;
}
