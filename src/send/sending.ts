import type { Sender } from "../../client/src/weir.ts";
import type { Clock } from "../lib/clock.ts";
import { closed } from "./closing.ts";
import type { Refusals } from "./refusals.ts";
import type { Row } from "./row.ts";
import type { Made } from "./row-event.ts";
import { Settled } from "./settled.ts";
import { untilStopped } from "./until-stopped.ts";

export interface SendingParts {
  readonly sender: Pick<Sender, "send" | "close" | "counts">;
  readonly refusals: Pick<Refusals, "add" | "addOfServer">;
  /** Rows before it are passed over; from 1. */
  readonly fromRow: number;
  /** Rows that are refused don't stop it. */
  readonly skips: boolean;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** How a sending has ended. */
export interface Ended {
  /** That were read and not passed over. */
  readonly rows: number;
  readonly accepted: number;
  readonly seconds: number;
  /** The first one that has not been settled, from 1. */
  readonly nextRow: number;
  readonly isComplete: boolean;
  /** Why it could not go on. */
  readonly failure: unknown;
  /** By the signal. */
  readonly wasStopped: boolean;
}

/** When asked to stop, what is under way may take so long. */
const graceMs = 3000;

/** Sends rows until they are over, one is refused (if that counts), the server can't take them, or somebody wants an end. */
export class Sending {
  readonly #parts: SendingParts;
  readonly #startedAt: number;
  readonly #settled: Settled;
  readonly #tellings = new Set<Promise<void>>();
  #read = 0;
  #passedOver = 0;
  /** Nothing more is to be read, whatever comes. */
  readonly #ending = new AbortController();
  /** Aborts with it, and when somebody wants an end. */
  readonly signal: AbortSignal;
  #failure: unknown;
  #endedAt = 0;

  constructor(parts: SendingParts) {
    this.#parts = parts;
    this.signal = AbortSignal.any([parts.signal, this.#ending.signal]);
    this.#settled = new Settled(parts.fromRow - 1);
    this.#startedAt = parts.clock.monotonic();
  }

  get hasStopped(): boolean {
    return this.#failure !== undefined || this.signal.aborted;
  }

  /** Events that have an outcome. */
  get done(): number {
    const { accepted, refused } = this.#parts.sender.counts;
    return accepted + refused;
  }

  /** How much of what was read has an outcome, 0 to 1: thousands of rows may wait for theirs. */
  get doneShare(): number {
    return this.#read === 0 ? 0 : 1 - this.#tellings.size / this.#read;
  }

  /** Reads on as long as there is room for what was read. @throws whatever reading does */
  async rows(batches: AsyncIterable<readonly Row[]>, make: (row: Row) => Made): Promise<void> {
    for await (const rows of untilStopped(batches, this.signal, this.#parts.clock))
      for (const row of rows) {
        if (this.hasStopped) return;
        await this.#send(row, make);
      }
  }

  /** What is the matter when it was stopped is nothing else's fault. */
  fail(error: unknown): void {
    if (!this.signal.aborted) this.#failure ??= error;
  }

  /** Resolves when everything that was sent has its outcome; soon, when it is to end. */
  async close(): Promise<void> {
    const { sender, signal } = this.#parts;
    await closed(sender, signal, graceMs);
    await Promise.all(this.#tellings);
    this.#endedAt = this.#parts.clock.monotonic();
  }

  ended(): Ended {
    const { sender, signal, fromRow } = this.#parts;
    const isComplete = !this.hasStopped && this.#settled.count >= this.#read;
    return {
      rows: this.#read - this.#passedOver,
      accepted: sender.counts.accepted,
      seconds: Math.round((this.#endedAt - this.#startedAt) / 10) / 100,
      nextRow: Math.max(fromRow, this.#settled.count + 1),
      isComplete,
      failure: this.#failure,
      wasStopped: signal.aborted,
    };
  }

  async #send(row: Row, make: (row: Row) => Made): Promise<void> {
    const { sender, refusals, fromRow } = this.#parts;
    this.#read += 1;
    if (this.#read < fromRow) {
      this.#passedOver += 1;
      return;
    }
    const settle = this.#settled.begin();
    const made = make(row);
    if ("problems" in made) {
      this.#refuse(settle, () => refusals.add(row, made.problems));
      return;
    }
    // A sender that was closed takes nothing more, and `failure` says why it was. With a server that is away there may be no place for long.
    const sent = await sender.send(made.event, { signal: this.signal }).catch((error: unknown) => this.fail(error));
    if (sent === undefined) return;
    const telling = sent.outcome.then((outcome) => {
      this.#tellings.delete(telling);
      if (outcome.status === "accepted") settle();
      else if (outcome.status === "refused") this.#refuse(settle, () => refusals.addOfServer(row, outcome.problems));
      else this.#giveUp(outcome.error);
    });
    this.#tellings.add(telling);
  }

  #refuse(settle: () => void, note: () => void): void {
    try {
      note();
    } catch (error) {
      // It is kept nowhere, and so not done with.
      this.#giveUp(error);
      return;
    }
    if (this.#parts.skips) settle();
    else this.#ending.abort();
  }

  /** The rest is not tried for as long each. */
  #giveUp(error: unknown): void {
    if (this.#failure !== undefined || this.#parts.signal.aborted) return;
    this.#failure = error;
    this.#ending.abort();
    void this.#parts.sender.close({ withinMs: 0 });
  }
}
