import type { Clock } from "../../src/lib/clock.ts";
import type { Scheduler } from "./scheduler.ts";

/** How a process ends: alone, or with the machine, which forgets what was not synced. */
export type Death = "process" | "machine";

/** Thrown where a process goes on that is dead: a real one would not. */
export class Killed extends Error {}

/** One process, from its start to its death. What it has planned does not happen any more when it is dead. */
export class Life {
  readonly #scheduler: Scheduler;
  readonly #onDeath: (death: Death, where: string) => void;
  readonly #ended = Promise.withResolvers<void>();
  #alive = true;

  constructor(scheduler: Scheduler, onDeath: (death: Death, where: string) => void) {
    this.#scheduler = scheduler;
    this.#onDeath = onDeath;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Resolves when it is dead, or has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  die(death: Death, where: string): void {
    if (!this.#alive) return;
    this.end();
    this.#onDeath(death, where);
  }

  /** The process has ended in order. */
  end(): void {
    this.#alive = false;
    this.#ended.resolve();
  }

  after(ms: number, run: () => void): () => void {
    return this.#scheduler.after(ms, () => {
      if (this.#alive) run();
    });
  }

  /** Never resolves when the process dies meanwhile. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }
}

/** The clock of one process. */
export class LifeClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #life: Life;
  readonly #wallOffset: () => number;

  /** `wallOffset`: how far the wall clock is off, ms; may change at any time. */
  constructor(scheduler: Scheduler, life: Life, wallOffset: () => number) {
    this.#scheduler = scheduler;
    this.#life = life;
    this.#wallOffset = wallOffset;
  }

  now(): number {
    return Math.floor(this.#scheduler.now + this.#wallOffset());
  }

  monotonic(): number {
    return this.#scheduler.now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = (): void => {
        cancel();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#life.after(ms, done);
      if (signal === undefined) return;
      signal.addEventListener("abort", done, { once: true });
      // Node keeps a signal of several as long as somebody listens to it, and with it all of a world that is over.
      void this.#life.ended.then(() => signal.removeEventListener("abort", done));
    });
  }

  turn(): Promise<void> {
    return this.#life.sleep(0);
  }

  every(ms: number, tick: () => void): () => void {
    let cancel = (): void => {};
    const again = (): void => {
      cancel = this.#life.after(ms, again);
      tick();
    };
    cancel = this.#life.after(ms, again);
    return () => cancel();
  }
}
