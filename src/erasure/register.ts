/**
 * waiting     what was accepted before it is not all counted yet
 * removing    its events are known by their positions, and are being taken out of the raw rows
 * rebuilding  no raw row has them any more; the windows of the rules are made anew without them
 * purging     nothing that is answered has them any more; what was deleted is being taken off the disk
 * done
 */
export type ErasureState = "waiting" | "removing" | "rebuilding" | "purging" | "done";

/** What an erasure goes by. */
export type ErasedBy = "user_id" | "event_id";

/** The erasing of somebody's events: what was asked for, and how far it is. Kept for ever as the proof that it was done. */
export interface Erasure {
  readonly id: string;
  readonly by: ErasedBy;
  /** Whose events; none any more once the events are known by their positions. */
  readonly values: readonly string[];
  /** What stays of each value: a text that only who knows the value can find it by. */
  readonly digests: readonly string[];
  /** Per partition: events from this offset on came later and stay. */
  readonly below: Readonly<Record<number, number>>;
  readonly state: ErasureState;
  /** How many events it takes out; null while they are not known. */
  readonly events: number | null;
  /** The process that was asked for it; missing: it is the only one. */
  readonly askedOf?: string;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
  /** When no raw row had its events any more, and when it was done; null before. */
  readonly removedAt: number | null;
  readonly finishedAt: number | null;
}

/** How many steps an erasure has taken. Where nothing was found, the first leads to the clearing of the disk. */
export function stepOf({ state, events }: Pick<Erasure, "state" | "events">): number {
  return state === "purging" && events === 0 ? 1 : states.indexOf(state);
}

const states: readonly ErasureState[] = ["waiting", "removing", "rebuilding", "purging", "done"];

/**
 * Where erasures are kept.
 *
 * The register owes: a resolved `put` survives a crash; the values that an erasure no longer has are not kept by it (what
 * the place itself forgets later, its journal for instance, is for the documentation). Of several who put the same step of an
 * erasure one is kept, and no erasure goes back.
 *
 * Errors: WeirError `registry_unavailable`.
 */
export interface ErasureRegister {
  /** Stores a new erasure, or a later state of one. */
  put(erasure: Erasure): Promise<void>;
  get(id: string): Promise<Erasure | undefined>;
  /** The latest that were asked for, newest first. */
  latest(limit: number): Promise<readonly Erasure[]>;
  /** Those that are not done, oldest first. */
  unfinished(): Promise<readonly Erasure[]>;
  close(): Promise<void>;
}

/** A register that several processes have. */
export interface SharedErasures extends ErasureRegister {
  /** The process that has the archive, if any has: erasures go through it. */
  archivist(): Promise<string | undefined>;
  /** Makes the process the one that has the archive, if none has. Answers who has it then. */
  becomeArchivist(process: string): Promise<string>;
}
