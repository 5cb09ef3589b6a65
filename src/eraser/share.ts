import type { Erasure, ErasureState } from "../erasure/register.ts";
import type { Clock } from "../lib/clock.ts";
import { patienceMs } from "./holdup.ts";

/** That other processes have the same register. */
export interface Sharing {
  /** This process, under a name that it has after a restart, too. */
  readonly process: string;
  /** Who has the archive, if anybody has: erasures go through it. */
  readonly archivist: () => Promise<string | undefined>;
}

export interface Portion {
  /** Ids of the erasures that this process is to go on with. */
  readonly ours: ReadonlySet<string>;
  /** Who alone could go on and does not, if that is so. */
  readonly waitingFor?: string;
}

/**
 * Which erasures this process carries out, of those that all have: where there is an archive, all or none; else those that it
 * was asked for, and those that nobody goes on with. That two carry out one of them does no harm, as each step can be done
 * twice, so that nothing is to be agreed on.
 */
export class Share {
  readonly #clock: Clock;
  readonly #sharing: Sharing | undefined;
  /** Since when each has stood as it does, as far as this process has seen; ms of the monotonic clock. */
  #standing: ReadonlyMap<string, { readonly state: ErasureState; readonly since: number }> = new Map();

  /** Without others all are ours. */
  constructor(clock: Clock, sharing: Sharing | undefined) {
    this.#clock = clock;
    this.#sharing = sharing;
  }

  async of(unfinished: readonly Erasure[]): Promise<Portion> {
    if (this.#sharing === undefined) return { ours: idsOf(unfinished) };
    const now = this.#clock.monotonic();
    this.#look(unfinished, now);
    if (unfinished.length === 0) return { ours: new Set() };
    const { process, archivist } = this.#sharing;
    const stale = unfinished.filter(({ id }) => now - this.#standing.get(id)!.since >= patienceMs);
    const having = await archivist();
    if (having === process) return { ours: idsOf(unfinished) };
    if (having !== undefined) return { ours: new Set(), ...(stale.length === 0 ? {} : { waitingFor: having }) };
    return { ours: idsOf([...unfinished.filter(({ askedOf }) => askedOf === process), ...stale]) };
  }

  #look(unfinished: readonly Erasure[], now: number): void {
    const before = this.#standing;
    this.#standing = new Map(
      unfinished.map(({ id, state }) => {
        const known = before.get(id);
        return [id, known?.state === state ? known : { state, since: now }];
      }),
    );
  }
}

const idsOf = (erasures: readonly Erasure[]): ReadonlySet<string> => new Set(erasures.map(({ id }) => id));
