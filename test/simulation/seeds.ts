/** A world that once went wrong, by the name of what was wrong with the product. Played in every run. */
export interface NamedSeed {
  readonly seed: number;
  readonly found: string;
}

/**
 * A seed means another world after a change of the simulation: what holds a bug down for good is the test of its own that
 * came with its mending. After such a change take the mending back for a moment and look for a seed that finds it again.
 */
export const namedSeeds: readonly NamedSeed[] = [
  { seed: 371, found: "live processing and a fill looked at a rule's groups at once, and it took more than it may" },
  {
    seed: 671,
    found: "a slow client that waited for its snapshot was not told of what a fill had completed meanwhile",
  },
  { seed: 943, found: "who subscribed right after a change of a rule was first shown windows of the version before" },
  { seed: 1072, found: "a row that was stored before its batch was told of never came to who subscribed in between" },
];
