import type { Clock } from "../lib/clock.ts";

export interface DiskOptions {
  /** What the disk of the data folder has left, bytes. May throw. */
  readonly freeBytes: () => number;
  /** With less than this free no event is taken. */
  readonly stopBytes: number;
  readonly log: (level: "info" | "warn", message: string, facts: Readonly<Record<string, unknown>>) => void;
}

const lookEveryMs = 5_000;
/** So many times the mark at which ingest stops are enough, and so many are so again: not to turn at every byte. */
const [enough, enoughAgain] = [2, 2.2];

/** Warns before the disk is so full that no event is taken, while there is time to make room. */
export class Disk {
  readonly #options: DiskOptions;
  #isLow = false;

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  /** Looks now and then. Returns how to stop. */
  start(clock: Clock): () => void {
    this.remark();
    return clock.every(lookEveryMs, () => void this.remark());
  }

  /** Bytes; NaN where the disk does not say. */
  free(): number {
    try {
      return this.#options.freeBytes();
    } catch {
      return NaN;
    }
  }

  /** For people; undefined: it has room, or nobody knows. Says so in the log when that turns. */
  remark(): string | undefined {
    const { stopBytes, log } = this.#options;
    const free = this.free();
    if (Number.isNaN(free)) return undefined;
    const wasLow = this.#isLow;
    this.#isLow = free < stopBytes * (wasLow ? enoughAgain : enough);
    const what = `the disk of the data folder has ${inMiB(free)} left; at ${inMiB(stopBytes)} no event is taken any more`;
    if (this.#isLow && !wasLow) log("warn", what, { free, stop: stopBytes });
    if (wasLow && !this.#isLow) log("info", "the disk of the data folder has room again", { free, stop: stopBytes });
    return this.#isLow ? what : undefined;
  }
}

const inMiB = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`;
