import type { Clock } from "../../lib/clock.ts";

const measuredMs = 10_000;
const sliceMs = 1000;
/** What a refused client is told to wait: not less than a header can say, not so long that it would find the log long empty. */
const waitMs = { least: 1000, most: 10_000 };

interface Slice {
  readonly startedAt: number;
  bytes: number;
}

/** How fast the log is being emptied, to say when there will be room again. */
export class Drainage {
  readonly #clock: Pick<Clock, "monotonic">;
  #slices: Slice[] = [];

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** So much was deleted from the log. */
  drained(bytes: number): void {
    if (bytes <= 0) return;
    const now = this.#clock.monotonic();
    const last = this.#slices.at(-1);
    if (last && now - last.startedAt < sliceMs) last.bytes += bytes;
    else this.#slices.push({ startedAt: now, bytes });
    this.#forgetOld(now);
  }

  /** Until so much more will have been deleted at the pace of the last ten seconds, ms; at most ten seconds, also when nothing moves. */
  msUntil(bytes: number): number {
    const now = this.#clock.monotonic();
    this.#forgetOld(now);
    const [first] = this.#slices;
    if (first === undefined) return waitMs.most;
    const drained = this.#slices.reduce((sum, slice) => sum + slice.bytes, 0);
    const tookMs = Math.max(now - first.startedAt, sliceMs);
    return Math.min(Math.max((bytes / drained) * tookMs, waitMs.least), waitMs.most);
  }

  #forgetOld(now: number): void {
    const old = this.#slices.findIndex(({ startedAt }) => now - startedAt < measuredMs);
    this.#slices = old < 0 ? [] : this.#slices.slice(old);
  }
}
