/** With less than this free on its disk the engine must not write. */
export const engineFreeMin = 16 << 20;
/** So much must be free before it writes again: not to turn at every byte. */
const enoughAgain = 24 << 20;

/**
 * Whether the engine's disk has room. The engine's library takes no notice of a write that fails: on a full disk an insert
 * is "done" with files that are cut off or empty, and a merge puts such files in the place of good ones. But it does look
 * at the sizes of its files as it starts: what is cut off it then leaves out, and what was merged into that is there again.
 * So whoever meets this turn to low starts the engine anew, and takes a write that has ended since for one in doubt.
 */
export class Room {
  readonly #freeBytes: () => number;
  #isLow = false;

  /** @param freeBytes what the disk has left; where that can't be told, it stays as it was. */
  constructor(freeBytes: () => number) {
    this.#freeBytes = freeBytes;
  }

  get isLow(): boolean {
    return this.#isLow;
  }

  /** Asks the disk. @returns what has changed. */
  look(): "fell" | "rose" | undefined {
    const free = this.#freeNow();
    if (free === undefined || (this.#isLow ? free < enoughAgain : free >= engineFreeMin)) return undefined;
    this.#isLow = !this.#isLow;
    return this.#isLow ? "fell" : "rose";
  }

  #freeNow(): number | undefined {
    try {
      return this.#freeBytes();
    } catch {
      return undefined;
    }
  }
}
