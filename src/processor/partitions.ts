import type { Src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import type { Member } from "../log/membership.ts";
import { Tenure } from "./tenure.ts";
import type { TenureDeps } from "./tenure.ts";
import type { Partition } from "./partition.ts";

/**
 * `taken`: another process has it, and this one goes on without it until it is told anew that it is its own. `broken`: nobody can read
 * on in it until somebody decides how, and each who tried would end the same; all else goes on. `fatal`: the process can't go on.
 */
export type Befallen = "taken" | "broken" | "fatal";

export interface PartitionsDeps extends Omit<TenureDeps, "src" | "before" | "ended" | "takenUp"> {
  readonly clock: Clock;
  /** A partition was taken up: what others did to it before is to be read again. */
  readonly takenUp: (src: Src) => void;
  /** What a failure that has ended a partition means for the process. */
  readonly befell: (src: Src, error: unknown) => Befallen;
  /** The partition is not ours any more. */
  readonly letGo: (src: Src) => void;
}

/**
 * The partitions that this process counts, taken up and let go while it runs. A partition is taken up again only when
 * nothing of the time before is under way any more: what comes late would else be written under the new claim.
 */
export class Partitions implements Member {
  readonly #deps: PartitionsDeps;
  readonly #tenures = new Map<Src, Tenure>();
  /** When the last tenure of each partition that was given up has ended. */
  readonly #ended = new Map<Src, Promise<unknown>>();
  /** Those of ours that are not taken up again. */
  readonly #broken = new Set<Src>();
  #drained: Promise<void> | undefined;
  readonly #failure = Promise.withResolvers<never>();

  constructor(deps: PartitionsDeps) {
    this.#deps = deps;
    this.#failure.promise.catch(() => {});
  }

  /** Rejects when something has befallen a partition that the process can't go on with. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  /** The partition, once it is taken up and as long as it is ours. */
  get(src: number): Partition | undefined {
    return this.#tenures.get(src as Src)?.partition;
  }

  /** Those that are taken up. */
  list(): readonly (readonly [Src, Partition])[] {
    return [...this.#tenures].flatMap(([src, { partition }]) => (partition === undefined ? [] : [[src, partition]]));
  }

  /** How many are taken up, or are being. */
  get count(): number {
    return this.#tenures.size;
  }

  /** Those of ours in which nobody can read on. */
  broken(): readonly Src[] {
    return [...this.#broken];
  }

  /** See `Member.assigned`. */
  async assigned(ours: readonly Src[], withinMs: number): Promise<void> {
    // What is given to us while all is let go is not taken up.
    if (this.#drained !== undefined) return this.#drained;
    const wanted = new Set(ours);
    for (const src of this.#broken) if (!wanted.has(src)) this.#broken.delete(src);
    const going = [...this.#tenures.keys()].filter((src) => !wanted.has(src));
    await Promise.all(going.map((src) => this.#letGo(src, withinMs)));
    if (this.#drained !== undefined && ours.length > 0) return this.#drained;
    for (const src of ours) if (!this.#tenures.has(src) && !this.#broken.has(src)) this.#begin(src);
  }

  /** Resolves when all that are ours now have been taken up, or are not ours any more. */
  async allTakenUp(): Promise<void> {
    await Promise.race([this.failed, Promise.all(this.#tenures.values().map((tenure) => tenure.ready))]);
  }

  /**
   * Another process has it: it is found out by other work than the partition's own. That is not begun before the partition is taken
   * up; of one that is being taken up (again) such work, which is waited for, says nothing.
   */
  lose(src: Src, error: unknown): void {
    const tenure = this.#tenures.get(src);
    if (tenure?.partition === undefined) return;
    tenure.abandon();
    this.#hasEnded(src, tenure, error);
  }

  /** Finishes what has begun, for at most so long. */
  async drain(withinMs: number): Promise<void> {
    await (this.#drained = this.assigned([], withinMs));
  }

  #begin(src: Src): void {
    const tenure = new Tenure({
      ...this.#deps,
      src,
      before: this.#ended.get(src) ?? Promise.resolve(),
      takenUp: () => this.#deps.takenUp(src),
      ended: (error) => this.#hasEnded(src, tenure, error),
    });
    this.#tenures.set(src, tenure);
    this.#ended.set(src, tenure.over);
    tenure.begin();
  }

  async #letGo(src: Src, withinMs: number): Promise<void> {
    const tenure = this.#tenures.get(src)!;
    const settled = new AbortController();
    tenure.drain();
    await Promise.race([tenure.over, this.#deps.clock.sleep(withinMs, settled.signal)]);
    settled.abort();
    tenure.abandon();
    this.#forget(src, tenure);
  }

  /** By itself; undefined: in order. */
  #hasEnded(src: Src, tenure: Tenure, error: unknown): void {
    this.#forget(src, tenure);
    const meaning = error === undefined ? undefined : this.#deps.befell(src, error);
    if (meaning === "fatal") this.#failure.reject(error);
    if (meaning === "broken") this.#broken.add(src);
  }

  #forget(src: Src, tenure: Tenure): void {
    if (this.#tenures.get(src) !== tenure) return;
    this.#tenures.delete(src);
    if (tenure.partition !== undefined) this.#deps.letGo(src);
  }
}
