/** A client's line, as far as it is looked at by itself. */
export interface Reader {
  /** What it was sent and has not read. */
  readonly backlogBytes: number;
  /** Judges it, and tells it what it could not take before. @returns whether it is to be looked at again. */
  look(): boolean;
  close(reason: "too_slow"): void;
}

/**
 * What waits in all sockets together, so that it has a bound: measured now and then, and added up in between. Nearly every line
 * takes what it is sent at once: of ten thousand only those are looked at that did not.
 */
export class Outbox {
  readonly #bytesMax: number;
  /** Those that have not read all that they were sent, or are still to be told something. */
  readonly #behind = new Set<Reader>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  /** So many bytes were just sent to the reader. */
  sent(reader: Reader, bytes: number): void {
    this.#bytes += bytes;
    if (reader.backlogBytes > 0) this.#behind.add(reader);
  }

  /** It is looked at until it says that this is enough. */
  follow(reader: Reader): void {
    this.#behind.add(reader);
  }

  forget(reader: Reader): void {
    this.#behind.delete(reader);
  }

  /** Looks at those that are behind. Beyond twice the bound those go that read the least. */
  sweep(): void {
    for (const reader of this.#behind) if (!reader.look()) this.#behind.delete(reader);
    const readers = Array.from(this.#behind, (reader) => ({ reader, bytes: reader.backlogBytes }));
    this.#bytes = readers.reduce((sum, { bytes }) => sum + bytes, 0);
    let over = this.#bytes - 2 * this.#bytesMax;
    if (over <= 0) return;
    for (const { reader, bytes } of readers.toSorted((a, b) => b.bytes - a.bytes)) {
      if (over <= 0) return;
      reader.close("too_slow");
      over -= bytes;
    }
  }
}
