import type { Offset, Src } from "../../event/position.ts";

/**
 * What is known of where partitions end. A broker that has missed an election may say less than another one has said; and whoever
 * took that for the end would leave events out, which are neither below it nor still to be read.
 */
export class KnownEnds {
  readonly #known = new Map<Src, Offset>();

  /** Everything below is durable. */
  note(partition: Src, end: Offset): void {
    if (end > this.of(partition)) this.#known.set(partition, end);
  }

  /** @throws Error when a partition ends before what is known of it. */
  check(found: ReadonlyMap<Src, Offset>): void {
    for (const [partition, end] of found) {
      if (end < this.of(partition))
        throw new Error(`partition ${partition} ends at ${end}, but had ${this.of(partition)} before`);
      this.note(partition, end);
    }
  }

  of(partition: Src): number {
    return this.#known.get(partition) ?? 0;
  }
}
