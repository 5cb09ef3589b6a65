/**
 * What a client's numbers count in, as one word: of which feed of which process, and from which window on (ms since the
 * epoch). Clients give it back as it is; one that was made up is at worst the epoch of another feed.
 */
export interface Epoch {
  /** Of the process; no other has had it. */
  readonly process: string;
  /** Of the feed, within the process. */
  readonly feed: number;
  readonly from: number;
}

export const epochText = ({ process, feed, from }: Epoch): string =>
  `${process}.${feed.toString(36)}.${from.toString(36)}`;

export function readEpoch(text: string): Epoch | undefined {
  const [, process, feed, from] = /^([0-9a-z]{1,32})\.([0-9a-z]{1,10})\.([0-9a-z]{1,10})$/.exec(text) ?? [];
  if (process === undefined || feed === undefined || from === undefined) return undefined;
  return { process, feed: Number.parseInt(feed, 36), from: Number.parseInt(from, 36) };
}
