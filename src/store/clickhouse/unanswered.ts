import type { Clock } from "../../lib/clock.ts";

/** A request that somebody waits for. */
export interface Expected {
  /** Aborts when the answer is known to be lost. */
  readonly signal: AbortSignal;
  /** Its head has come: the statement may have ended, and what is left has its time. */
  heard(): void;
  /** To be called when it has come, or nobody waits any more. */
  end(): void;
}

export interface UnansweredOptions {
  /** Which of these the server works on now, asked on another line. */
  readonly running: (ids: readonly string[], signal: AbortSignal) => Promise<ReadonlySet<string>>;
  readonly clock: Clock;
  /** Hears of each answer that is given up. */
  readonly lost: (id: string, afterMs: number) => void;
  /** How long a request may take before it is asked after; one that carries rows, longer by the time that their way may take. */
  readonly patienceMs?: number;
}

interface Waiting {
  since: number;
  patienceMs: number;
  /** Its head is there, so that the server need not be asked. */
  isHeard: boolean;
  readonly lost: AbortController;
  /** How often in a row the server did not have it. */
  missed: number;
}

const lookEveryMs = 2_000;
const missedMax = 2;
/** What is slower than this can't be told from a dead line, if something between the two takes a request whole before it passes it on. */
const bytesPerMsMin = 500;
/** For the body of an answer: the largest have some 30 MB. */
const bodyMsMax = 60_000;

/**
 * Notices answers that got lost. A line between two machines can die without a word, and who waits on it would wait for as long
 * as a request may take, with a partition that stands still. So the server is asked, on another line, for what has been
 * unanswered for long: what it does not have two times in a row it has ended, or never got. Giving up is safe also where that
 * is wrong: a write is in doubt then, which is settled before anything else is made of its partition.
 */
export class Unanswered {
  readonly #options: UnansweredOptions;
  readonly #waiting = new Map<string, Waiting>();
  #isLooking = false;

  constructor(options: UnansweredOptions) {
    this.#options = options;
  }

  /** Begins to look; until the returned function is called. */
  start(): () => void {
    return this.#options.clock.every(lookEveryMs, () => void this.#look());
  }

  /** `bytes`: what the request carries. */
  expect(id: string, bytes: number): Expected {
    const { clock, patienceMs = 10_000 } = this.#options;
    const lost = new AbortController();
    const patience = patienceMs + bytes / bytesPerMsMin;
    const waiting = { since: clock.monotonic(), patienceMs: patience, isHeard: false, lost, missed: 0 };
    this.#waiting.set(id, waiting);
    const heard = (): void =>
      void Object.assign(waiting, { since: clock.monotonic(), patienceMs: bodyMsMax, isHeard: true });
    return { signal: lost.signal, heard, end: () => void this.#waiting.delete(id) };
  }

  async #look(): Promise<void> {
    const now = this.#options.clock.monotonic();
    const late = [...this.#waiting].filter(([, { since, patienceMs }]) => now - since >= patienceMs);
    for (const [id, waiting] of late) if (waiting.isHeard) this.#giveUp(id, waiting);
    const overdue = late.filter(([, { isHeard }]) => !isHeard);
    if (overdue.length === 0 || this.#isLooking) return;
    this.#isLooking = true;
    try {
      const ids = overdue.map(([id]) => id);
      this.#judge(overdue, await this.#options.running(ids, AbortSignal.timeout(lookEveryMs)));
    } catch {
      // A server that does not answer is no proof of anything.
    } finally {
      this.#isLooking = false;
    }
  }

  #judge(overdue: readonly (readonly [string, Waiting])[], running: ReadonlySet<string>): void {
    for (const [id, waiting] of overdue) {
      waiting.missed = running.has(id) ? 0 : waiting.missed + 1;
      if (waiting.isHeard) continue;
      if (waiting.missed >= missedMax && this.#waiting.get(id) === waiting) this.#giveUp(id, waiting);
    }
  }

  #giveUp(id: string, { since, lost }: Waiting): void {
    this.#waiting.delete(id);
    this.#options.lost(id, this.#options.clock.monotonic() - since);
    lost.abort();
  }
}
