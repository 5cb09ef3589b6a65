/** Where pushes go. */
export interface Receiver {
  /** Sends, unless the client has a backlog: then false, and what was not sent is offered again later. */
  offer(text: string): boolean;
}

/** A client's interest in one rule. */
export interface Subscriber {
  readonly receiver: Receiver;
  intervalMs: number;
  /** Everything up to this sequence number has been sent; null: it waits for its snapshot. */
  sentSeq: number | null;
  /** Ms since the epoch. */
  dueAt: number;
}
