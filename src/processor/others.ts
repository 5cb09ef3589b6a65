import type { Offset, OffsetRange, Src } from "../event/position.ts";
import { after, before, offset } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../log/log.ts";
import type { Store } from "../store/store.ts";
import type { ProgressWriter } from "./ports.ts";

export interface OthersDeps {
  readonly log: Pick<Log, "sources" | "ends">;
  readonly store: Pick<Store, "marks">;
  readonly progress: Pick<ProgressWriter, "isAwaited" | "advance" | "caughtUp" | "working">;
  readonly clock: Clock;
  readonly isOurs: (src: Src) => boolean;
}

/** What is known of a partition that is not ours. */
interface Known {
  next: Offset;
  /** Everything received before this time (ms) is counted. */
  through: number;
  /** Where the log ended at a time: once that is counted, all is that was received before. */
  end: { readonly at: number; readonly off: Offset } | null;
}

/** How often it is looked while nobody waits. */
const lookEveryMs = 1000;
/** An end that is not reached after so long is a lag to tell of. */
const lateMs = 3000;

/**
 * How far the partitions are that other processes count, read from the store's marks now and then: whoever waits here for
 * events there is answered, and what is watched live here is read again. Which windows were touched, marks do not say.
 */
export class Others {
  readonly #deps: OthersDeps;
  readonly #known = new Map<Src, Known>();
  #lookedAt = -Infinity;

  constructor(deps: OthersDeps) {
    this.#deps = deps;
  }

  /** Up to where a partition was stored and rolled up when it was last looked. */
  written(partition: number): Offset {
    return this.#known.get(partition as Src)?.next ?? offset(0);
  }

  /** Everything of it that was received before this time (ms) was counted when it was last looked; 0: nobody knows. */
  through(src: Src): number {
    return this.#known.get(src)?.through ?? 0;
  }

  /** It was ours until now. */
  follow(src: Src, next: Offset, through: number): void {
    this.#known.set(src, { next, through, end: null });
  }

  /** It is ours now. */
  forget(src: Src): void {
    this.#known.delete(src);
  }

  /** Looks, if it is time to. */
  async look(): Promise<void> {
    const { log, progress, clock, isOurs } = this.#deps;
    const due = progress.isAwaited() || clock.monotonic() - this.#lookedAt >= lookEveryMs;
    const others = log.sources().filter((src) => !isOurs(src));
    if (!due || others.length === 0) return;
    this.#lookedAt = clock.monotonic();
    const at = clock.now();
    const ends = await log.ends();
    for (const src of others) await this.#lookAt(src, { at, off: ends.get(src) ?? offset(0) });
  }

  async #lookAt(src: Src, end: NonNullable<Known["end"]>): Promise<void> {
    const { store, isOurs } = this.#deps;
    const known = this.#known.get(src) ?? { next: offset(0), through: 0, end: null };
    known.end ??= end;
    const marks = await store.marks(0, src, known.next);
    // It may have become ours while we were asking.
    if (isOurs(src)) return;
    this.#known.set(src, known);
    this.#tell(src, known, marks, end.at);
  }

  #tell(src: Src, known: Known, marks: readonly OffsetRange[], now: number): void {
    const { progress } = this.#deps;
    const from = known.next;
    known.next = marks.reduce((next, { to }) => (to >= next ? after(to) : next), from);
    const reached = known.end !== null && known.next >= known.end.off;
    const late = !reached && known.end !== null && now - known.end.at >= lateMs;
    if (reached) known.through = known.end!.at;
    if (known.next > from)
      progress.advance(known.next, known.through, { range: { src, from, to: before(known.next) }, seconds: null });
    progress.caughtUp(src, known.next, known.through);
    if (late) progress.working(src, known.end!.at);
    if (reached) known.end = null;
  }
}
