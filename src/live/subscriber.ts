/** Where pushes go. */
export interface Receiver {
  /** Whether the client takes more now. What is not sent to one that has a backlog is not written for it either. */
  takes(): boolean;
  push(text: string): void;
}

/** A client's interest in one rule. */
export interface Subscriber {
  readonly receiver: Receiver;
  intervalMs: number;
  /** Everything up to this sequence number has been sent; null: it waits for its snapshot. */
  sentSeq: number | null;
  /** Ms of the monotonic clock. */
  dueAt: number;
}
