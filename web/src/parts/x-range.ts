export interface Room {
  /** Beside the first and the last place, in seconds: half a bar, that it is whole. */
  readonly beside: number;
  /** What is shown at least, back from the last place, in seconds. */
  readonly least: number;
}

/** What a time axis shows of places (seconds, rising): all of them, and never so little that nothing could be read off it. */
export function xRange(xs: readonly number[], { beside, least }: Room): [from: number, to: number] {
  const [first = 0, last = 1] = [xs[0], xs.at(-1)];
  const from = Math.min(first, last - least) - beside;
  const to = last + beside;
  return from < to ? [from, to] : [from - 1, to + 1];
}
