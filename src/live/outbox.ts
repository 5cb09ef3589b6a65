/** What waits in all sockets together, so that it has a bound: measured now and then, and added up in between. */
export class Outbox {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isFull(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  sent(bytes: number): void {
    this.#bytes += bytes;
  }

  /** @returns how many bytes more than twice the bound wait: somebody has to go. */
  measured(bytes: number): number {
    this.#bytes = bytes;
    return Math.max(0, bytes - 2 * this.#bytesMax);
  }
}
