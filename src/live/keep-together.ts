/** How to bound what is kept of watched rules together. */
export interface Bounded<Feed> {
  readonly bytesMax: number;
  readonly bytesOf: (feed: Feed) => number;
  /** Lets go of a rule's older windows, at least of one; without effect where there are none. */
  readonly shrink: (feed: Feed) => void;
  /** Ends the watching of a rule. */
  readonly refuse: (feed: Feed) => void;
}

/** First the older windows of the largest go, then those whose newest windows are the largest. */
export function keepTogether<Feed>(feeds: Iterable<Feed>, bounded: Bounded<Feed>): void {
  const { bytesMax, bytesOf } = bounded;
  const all = [...feeds];
  let over = all.reduce((sum, feed) => sum + bytesOf(feed), -bytesMax);
  while (over > 0) {
    const largestFirst = all.toSorted((a, b) => bytesOf(b) - bytesOf(a));
    const freed = shrunk(largestFirst, over, bounded);
    if (freed === 0) return refuseLargest(largestFirst, over + bytesMax / 2, bounded);
    over -= freed;
  }
}

/** @returns how many bytes were let go. */
function shrunk<Feed>(largestFirst: readonly Feed[], bytes: number, { bytesOf, shrink }: Bounded<Feed>): number {
  let freed = 0;
  for (const feed of largestFirst) {
    if (freed >= bytes) break;
    const before = bytesOf(feed);
    shrink(feed);
    freed += before - bytesOf(feed);
  }
  return freed;
}

/** So that there is room for a new window beside the newest of each of the others: else every new one would be too much. */
function refuseLargest<Feed>(largestFirst: readonly Feed[], bytes: number, { bytesOf, refuse }: Bounded<Feed>): void {
  let left = bytes;
  for (const feed of largestFirst) {
    if (left <= 0) return;
    left -= bytesOf(feed);
    refuse(feed);
  }
}
