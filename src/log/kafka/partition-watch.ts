import type { Clock } from "../../lib/clock.ts";

export interface PartitionWatchParts {
  /** How many partitions the topic has now. */
  readonly count: () => Promise<number>;
  /** How many it had at the start. */
  readonly known: number;
  /** Hears once of each number that is larger than all before. */
  readonly grown: (count: number) => void;
  readonly clock: Clock;
}

const lookEveryMs = 30_000;

/** Looks now and then whether somebody has added partitions to a topic in use. Answers how to end that. */
export function watchPartitions({ count, known, grown, clock }: PartitionWatchParts): () => void {
  let most = known;
  const look = async (): Promise<void> => {
    const now = await count();
    if (now <= most) return;
    most = now;
    grown(now);
  };
  // Who can't be asked now is asked again.
  return clock.every(lookEveryMs, () => void look().catch(() => {}));
}
