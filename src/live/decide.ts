/** How a subscription stands: what it has been sent, and when it may be sent something again. */
export interface SubscriptionState {
  /** Everything up to this sequence number has been sent; null: it waits for its snapshot. */
  readonly sentSeq: number | null;
  /** Ms of the monotonic clock. */
  readonly dueAt: number;
}

export interface FeedState {
  /** Whether what is held is what the store had when it was last asked and nothing was touched since, or it was just asked. */
  readonly fresh: boolean;
  readonly seq: number;
}

/** wait: nothing to do now; read: the store is to be asked first; snapshot, changes: send. */
export type Delivery = "wait" | "read" | "snapshot" | "changes";

/** What a subscription is to get now. */
export function decideDelivery(subscription: SubscriptionState, feed: FeedState, now: number): Delivery {
  if (subscription.sentSeq === null) return feed.fresh ? "snapshot" : "read";
  if (now < subscription.dueAt) return "wait";
  if (!feed.fresh) return "read";
  return feed.seq > subscription.sentSeq ? "changes" : "wait";
}

/** When the next push may go out: after the interval, on a common raster, so that subscribers of a rule share reads and frames. */
export function nextDue(now: number, intervalMs: number): number {
  const raster = intervalMs >= 1000 ? 250 : 50;
  return Math.ceil((now + intervalMs) / raster) * raster;
}

export interface BacklogBounds {
  /** Above this nothing more is sent until it has drained. */
  readonly backlogBytesMax: number;
  /** Above this the client is closed. */
  readonly backlogBytesFatal: number;
  /** How long a backlog may stay above the first bound. */
  readonly backlogMsMax: number;
  /** It is looked at so often at least, unless the server stands still. */
  readonly sweepMs: number;
}

export interface Backlog {
  /** Since when the backlog has been above the first bound, ms of the monotonic clock; null: it is not. */
  readonly since: number | null;
  /** When it was looked at, while it is above. */
  readonly at: number;
  readonly verdict: "open" | "skip" | "close";
}

/** Of all that keep up, the same. */
export const openBacklog: Backlog = { since: null, at: 0, verdict: "open" };

/** Whether a client takes more, from the bytes that it has not read, and how it stood when it was looked at before. */
export function judgeBacklog(before: Backlog, backlogBytes: number, now: number, bounds: BacklogBounds): Backlog {
  if (backlogBytes <= bounds.backlogBytesMax) return openBacklog;
  // While the server itself stood still, nobody was sent what he would have read.
  const stoodStillMs = Math.max(0, now - before.at - 2 * bounds.sweepMs);
  const since = before.since === null ? now : before.since + stoodStillMs;
  const hopeless = backlogBytes > bounds.backlogBytesFatal || now - since >= bounds.backlogMsMax;
  return { since, at: now, verdict: hopeless ? "close" : "skip" };
}

export interface MessageBounds {
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
}

export interface MessageBudget {
  readonly left: number;
  /** Ms of the monotonic clock. */
  readonly at: number;
}

/** As how many messages one counts that names so many rules: each of them is work. */
export function messageCost(rules: number): number {
  return Math.max(1, rules / 10);
}

/** Takes a message out of a budget that refills steadily; undefined when there is too little left. */
export function spendMessage(
  budget: MessageBudget,
  cost: number,
  now: number,
  { messagesPerSecond, messagesBurst }: MessageBounds,
): MessageBudget | undefined {
  const refilled = budget.left + ((now - budget.at) / 1000) * messagesPerSecond;
  const left = Math.min(messagesBurst, refilled) - cost;
  return left < 0 ? undefined : { left, at: now };
}
