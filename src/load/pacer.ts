import type { Sender } from "../../client/src/weir.ts";
import type { Clock } from "../lib/clock.ts";
import { closed } from "../send/closing.ts";
import type { Standing } from "../send/progress.ts";
import type { Generator } from "./generator.ts";
import { Latencies } from "./latencies.ts";
import type { OwnCount } from "./own-count.ts";

export interface Pace {
  /** A second; 0: as fast as it goes. */
  readonly rate: number;
  readonly seconds: number;
  /** Ends it instead of the time. */
  readonly events: number | null;
}

export interface PacerParts {
  readonly sender: Pick<Sender, "send" | "close" | "counts">;
  readonly generator: Generator;
  readonly own: OwnCount;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What became of a run. */
export interface Paced {
  /** That were sent, repeated ones too. */
  readonly events: number;
  readonly repeated: number;
  readonly late: number;
  readonly accepted: number;
  readonly refused: number;
  readonly failed: number;
  readonly seconds: number;
  readonly per_second: number;
  /** From when an event was due to its outcome. */
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
  /** Why events had to be given up. */
  readonly failure: unknown;
}

const tickMs = 5;
const graceMs = 10_000;

/** Sends what is made when it is due, and measures how long each took. */
export class Pacer {
  readonly #parts: PacerParts;
  readonly #latencies = new Latencies();
  readonly #tellings = new Set<Promise<void>>();
  #startedAt = 0;
  #sent = 0;
  #repeated = 0;
  #late = 0;
  #failure: unknown;

  constructor(parts: PacerParts) {
    this.#parts = parts;
  }

  standing(pace: Pace): Standing {
    const { accepted, refused, failed } = this.#parts.sender.counts;
    return { what: "load", done: accepted + refused, refused, share: this.#share(accepted + refused + failed, pace) };
  }

  /** Of what has been sent, thousands may have no outcome yet. */
  #share(settled: number, pace: Pace): number {
    const { rate, seconds, events } = pace;
    if (this.#isOver(pace)) return settled / Math.max(1, this.#sent);
    const total = events ?? rate * seconds;
    const ofEvents = total > 0 ? settled / total : 0;
    // The time ends it also where there are fewer by then.
    return events === null ? Math.max(ofEvents, this.#elapsed() / (seconds * 1000)) : ofEvents;
  }

  async run(pace: Pace): Promise<Paced> {
    const { sender, clock, signal } = this.#parts;
    this.#startedAt = clock.monotonic();
    while (!signal.aborted && this.#failure === undefined && !this.#isOver(pace)) {
      const dueMs = (this.#sent * 1000) / pace.rate;
      if (pace.rate > 0 && this.#elapsed() < dueMs) await clock.sleep(tickMs, signal);
      else await this.#send(pace.rate > 0 ? this.#startedAt + dueMs : clock.monotonic());
    }
    const { accepted, refused, failed } = await closed(sender, signal, graceMs);
    await Promise.all(this.#tellings);
    const seconds = Math.round(this.#elapsed()) / 1000;
    return {
      events: this.#sent,
      repeated: this.#repeated,
      late: this.#late,
      accepted,
      refused,
      failed,
      seconds,
      per_second: Math.round(this.#sent / Math.max(0.001, seconds)),
      p50_ms: this.#latencies.quantile(0.5),
      p99_ms: this.#latencies.quantile(0.99),
      failure: this.#failure,
    };
  }

  #elapsed(): number {
    return this.#parts.clock.monotonic() - this.#startedAt;
  }

  #isOver({ rate, seconds, events }: Pace): boolean {
    if (events !== null) return this.#sent >= events;
    // A server that does not keep up gets no longer for it; the last events may be due a moment before the end.
    return (
      this.#elapsed() >= seconds * 1000 + 100 ||
      (rate > 0 ? this.#sent >= rate * seconds : this.#elapsed() >= seconds * 1000)
    );
  }

  async #send(dueAt: number): Promise<void> {
    const { sender, generator, own, clock, signal } = this.#parts;
    const { event, timestamp, happening, isRepeat, isLate } = generator.next(clock.now());
    // While the server is away there may be no place for long, and somebody wants an end.
    const sent = await sender.send(event, { signal }).catch((error: unknown) => {
      if (!signal.aborted) this.#failure ??= error;
    });
    if (sent === undefined) return;
    this.#sent += 1;
    if (isRepeat) this.#repeated += 1;
    else if (isLate) this.#late += 1;
    const telling = sent.outcome.then((outcome) => {
      this.#tellings.delete(telling);
      this.#latencies.add(clock.monotonic() - dueAt);
      if (outcome.status === "accepted" && !isRepeat) own.add(happening, timestamp);
      if (outcome.status === "failed" && this.#failure === undefined) {
        this.#failure = outcome.error;
        void sender.close({ withinMs: 0 });
      }
    });
    this.#tellings.add(telling);
  }
}
