import type { OffsetRange } from "../../event/position.ts";
import { offset, src } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import { pauseAfter } from "./client.ts";
import { Said, whatIsWrong } from "./faults.ts";
import { recordBounds } from "./partition-of.ts";
import type { Chunk } from "./partition-of.ts";
import { encodeValue } from "./record.ts";
import type { Sender } from "./sender.ts";
import { firstSlot } from "./slots.ts";

/** A chunk that is not answered yet. */
interface Waiting {
  readonly chunk: Chunk;
  /** By the monotonic clock. */
  readonly deadline: number;
  readonly resolve: (range: OffsetRange) => void;
  readonly reject: (error: WeirError) => void;
}

export interface LaneParts {
  readonly partition: number;
  /** Opens a way to the partition. Nothing was sent when it rejects. */
  readonly open: () => Promise<Sender>;
  readonly clock: Clock;
  /** How long one append may wait until it is sent, ms. */
  readonly deadlineMs: number;
  /** A record that was sent has so long at least, ms: one with a moment left would be kept, and nobody would know. */
  readonly sendLeastMs: number;
  /** For people, e.g. `Kafka at host:9092: partition 3 of events_raw`. */
  readonly name: string;
}

/** A client finds its way into the new one by itself. */
const wentBack = (record: number, last: number): string =>
  `a record was appended at ${record} after one at ${last}: the topic was deleted and made anew`;

const pauses = { minMs: 50, maxMs: 500 };

/**
 * The appends of one partition. One record is in flight at a time; what comes meanwhile is packed together into the next
 * (group commit). A chunk whose deadline comes before it was sent is answered with `log_unavailable` (nothing was kept), one
 * that was sent at the latest `sendLeastMs` behind its deadline, with `log_failed` when nobody knows.
 */
export class Lane {
  readonly #parts: LaneParts;
  readonly #waiting: Waiting[] = [];
  #inFlight: readonly Waiting[] = [];
  #sender: Sender | undefined;
  #opening: Promise<void> | undefined;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #fault: string | undefined;
  #closing = false;
  /** Of the last record that was acknowledged. */
  #last = -1;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** Why it can't append now, for people; undefined while all is well. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Resolves with its positions when the in-sync replicas have the chunk. */
  add(chunk: Chunk): Promise<OffsetRange> {
    return new Promise((resolve, reject) => {
      const deadline = this.#parts.clock.monotonic() + this.#parts.deadlineMs;
      this.#waiting.push({ chunk, deadline, resolve, reject });
      this.#wake();
    });
  }

  /** Finishes what waits, within its time, and lets the connection go. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#running;
    void this.#opening?.then(() => this.#drop());
    await this.#drop();
  }

  #wake(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Not at once: appends that come together share a record.
    this.#running = this.#parts.clock.turn().then(() => this.#run());
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#goesOn();) {
      const sender = await this.#connected();
      this.#expire();
      if (sender === undefined) await this.#pause(failures++);
      else if (this.#waiting.length > 0 && !(await this.#send(sender))) failures++;
      else failures = 0;
    }
    // In the same turn as the look for more: what comes in between would wait for the next append.
    this.#isRunning = false;
  }

  /** Until nothing waits and, unless it is being closed, the partition can be reached again. */
  #goesOn(): boolean {
    this.#expire();
    if (this.#waiting.length > 0) return true;
    return !this.#closing && (this.#fault !== undefined || this.#opening !== undefined);
  }

  /** Undefined: it failed, or somebody is to be answered before it is known. */
  async #connected(): Promise<Sender | undefined> {
    if (this.#sender !== undefined) return this.#sender;
    const { clock, deadlineMs } = this.#parts;
    const now = clock.monotonic();
    const due = this.#waiting[0]?.deadline ?? now + deadlineMs;
    const over = new AbortController();
    await Promise.race([(this.#opening ??= this.#open()), clock.sleep(Math.max(1, due - now), over.signal)]);
    over.abort();
    return this.#sender;
  }

  async #open(): Promise<void> {
    try {
      this.#sender = await this.#parts.open();
      this.#fault = undefined;
    } catch (error) {
      this.#fault = `${this.#parts.name}: ${whatIsWrong(error).reason}`;
    }
    this.#opening = undefined;
  }

  /** Sends what fits into one record. */
  async #send(sender: Sender): Promise<boolean> {
    const { clock, sendLeastMs } = this.#parts;
    this.#inFlight = this.#takeGroup();
    // The first has waited the longest.
    const left = Math.max(sendLeastMs, this.#inFlight[0]!.deadline - clock.monotonic());
    try {
      const record = await sender.send(encodeValue(this.#inFlight.map(({ chunk }) => chunk)), left);
      if (record <= this.#last) throw new Said(wentBack(record, this.#last));
      this.#acknowledge(record);
      return true;
    } catch (error) {
      const { reason } = whatIsWrong(error);
      this.#fault = `${this.#parts.name}: ${reason}`;
      for (const { reject } of this.#inFlight)
        reject(sender.keptNothing(error) ? this.#unavailable() : this.#unknown(error));
      // Whatever is still under way in it comes to nothing here; a later append must not be behind it.
      await this.#drop();
      return false;
    } finally {
      this.#inFlight = [];
    }
  }

  #acknowledge(record: number): void {
    this.#last = record;
    let first: number = firstSlot(record);
    for (const { chunk, resolve } of this.#inFlight) {
      resolve({ src: src(this.#parts.partition), from: offset(first), to: offset(first + chunk.count - 1) });
      first += chunk.count;
    }
  }

  #takeGroup(): readonly Waiting[] {
    let [bytes, events, taken] = [0, 0, 0];
    for (const { chunk } of this.#waiting) {
      bytes += chunk.bytes.length;
      events += chunk.count;
      if (taken > 0 && (bytes > recordBounds.bytesMax || events > recordBounds.eventsMax)) break;
      taken += 1;
    }
    return this.#waiting.splice(0, taken);
  }

  /** Answers those for whom it is too late. In order of their deadlines, as they came. */
  #expire(): void {
    const now = this.#parts.clock.monotonic();
    while (this.#waiting.length > 0 && this.#waiting[0]!.deadline <= now)
      this.#waiting.shift()!.reject(this.#unavailable());
  }

  /** While a connection is being made, that is what is waited for. */
  async #pause(failures: number): Promise<void> {
    if (this.#opening !== undefined) return;
    const { clock } = this.#parts;
    const due = this.#waiting[0]?.deadline ?? Infinity;
    await clock.sleep(Math.max(1, Math.min(pauseAfter(failures, pauses), due - clock.monotonic())));
  }

  async #drop(): Promise<void> {
    const sender = this.#sender;
    this.#sender = undefined;
    await sender?.close();
  }

  #unavailable(): WeirError {
    const why = this.#fault ?? `${this.#parts.name}: it does not answer`;
    return new WeirError("log_unavailable", why, { canRetry: true, retryAfterMs: 1000 });
  }

  #unknown(cause: unknown): WeirError {
    return new WeirError("log_failed", `${this.#fault}; whether the events were kept is unknown`, {
      canRetry: true,
      retryAfterMs: 1000,
      outcomeUnknown: true,
      cause,
    });
  }
}
