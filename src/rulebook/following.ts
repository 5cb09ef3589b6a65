import type { Clock } from "../lib/clock.ts";

/** How long the registry rests that could not be read after a change. */
const againMs = 1000;

/**
 * Reads the rules after changes of others, one reading at a time, until it has: of a change nobody is told twice, and a process
 * that only answers does not ask for the rules by itself.
 */
export class Following {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #read: () => Promise<void>;
  readonly #closed = new AbortController();
  /** Whether there are changes that nobody has begun to read. */
  #isBehind = false;
  /** The reading of changes, while there are any. */
  #reading: Promise<void> | undefined;

  constructor(clock: Pick<Clock, "sleep">, read: () => Promise<void>) {
    this.#clock = clock;
    this.#read = read;
  }

  changed(): void {
    this.#isBehind = true;
    this.#reading ??= this.#catchUp();
  }

  /** Resolves when nothing is being read any more. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#reading;
  }

  async #catchUp(): Promise<void> {
    const { signal } = this.#closed;
    while (this.#isBehind && !signal.aborted) {
      this.#isBehind = false;
      try {
        await this.#read();
      } catch {
        // The registry is away, and says so itself: what is known stays in force.
        this.#isBehind = true;
        await this.#clock.sleep(againMs, signal);
      }
    }
    this.#reading = undefined;
  }
}
