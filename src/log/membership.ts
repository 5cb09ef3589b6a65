import type { Src } from "../event/position.ts";

/** A process that counts partitions of a log which it shares with others. */
export interface Member {
  /**
   * From now on these are ours, and no others. Resolves when those that are not named have been let go: finished or, after
   * `withinMs`, given up. Those that are new are taken up behind it. The same again changes nothing, but what was
   * taken from us is taken up anew.
   */
  assigned(ours: readonly Src[], withinMs: number): Promise<void>;
}

/**
 * Divides the partitions of a log among the processes that count it.
 *
 * What is said here is who is to try, and never a proof: who may write is decided by the store's claims, and how far a
 * partition is by its marks. A membership may name a partition to two for a while; that costs time, not truth.
 *
 * The membership owes: a partition of a process that is gone is another's after a while; one that is moved in order is let go before
 * another gets it. The caller owes: it joins once.
 */
export interface Membership {
  /**
   * Resolves when this process has been told for the first time which partitions are its own; they may be none.
   * @throws WeirError `stopping` once it is to leave, `invalid_config` where waiting can't help.
   */
  join(member: Member): Promise<void>;
  /** Another process has claimed the partition in the store. It is assigned again once it is known to be ours after that. */
  taken(src: Src): void;
  /** Whatever is let go has been let go: others get the partitions at once. Within a few seconds, and never rejects. */
  leave(): Promise<void>;
}

/** Of a log that other processes count as well. */
export interface SharedLog {
  /** The same for all processes that count it together, and for no others. */
  readonly identity: string;
  readonly membership: Membership;
}
