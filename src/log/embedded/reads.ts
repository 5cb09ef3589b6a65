import { offset, src } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import type { WeirError } from "../../lib/errors.ts";
import type { LogRecord, ReadOptions } from "../log.ts";
import type { ReadQuery, StoredRecord } from "./messages.ts";
import { Tail } from "./tail.ts";

interface Reading {
  readonly resolve: (records: readonly LogRecord[]) => void;
  readonly reject: (error: WeirError) => void;
}

/** Reading: from memory what is there, from the reader's thread what is not, and waiting for what does not exist yet. */
export class Reads {
  readonly #ask: (id: number, query: ReadQuery) => void;
  readonly #newId: () => number;
  readonly #clock: Clock;
  readonly #tail: Tail;
  readonly #asked = new Map<number, Reading>();
  readonly #sleepers = new Set<() => void>();
  #next: number;
  #end: { readonly error: WeirError | undefined } | undefined;

  constructor(parts: {
    ask: (id: number, query: ReadQuery) => void;
    newId: () => number;
    clock: Clock;
    tailBytesMax: number;
    next: number;
  }) {
    this.#ask = parts.ask;
    this.#newId = parts.newId;
    this.#clock = parts.clock;
    this.#tail = new Tail(parts.tailBytesMax);
    this.#next = parts.next;
  }

  /** A record became durable. Wakes who waits for it. */
  push(record: LogRecord): void {
    this.#tail.push(record);
    this.#next = record.to + 1;
    this.#wake();
  }

  /** Records below `next` are handled; they need no memory any more. */
  dropBelow(next: number): void {
    this.#tail.dropBelow(next);
  }

  async read(from: number, options: ReadOptions): Promise<readonly LogRecord[]> {
    const deadline = this.#clock.monotonic() + options.waitMs;
    for (;;) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (from < this.#next) return this.#readNow(from, options);
      const left = deadline - this.#clock.monotonic();
      if (left <= 0 || options.signal?.aborted || this.#end !== undefined) return [];
      await this.#sleep(left, options.signal);
    }
  }

  /** The reader's thread has answered. */
  answered(id: number, records: readonly StoredRecord[]): void {
    this.#take(id)?.resolve(records.map(toLogRecord));
  }

  failed(id: number, error: WeirError): void {
    this.#take(id)?.reject(error);
  }

  /** No record will come any more: who waits gets nothing, or `error` when there is one, as does whoever asks later. */
  stop(error?: WeirError): void {
    this.#end = { error };
    this.#wake();
    if (error === undefined) return;
    for (const id of [...this.#asked.keys()]) this.failed(id, error);
  }

  async #readNow(from: number, options: ReadOptions): Promise<readonly LogRecord[]> {
    const recent = this.#tail.read(from, options);
    if (recent.length > 0) return recent;
    return new Promise((resolve, reject) => {
      const id = this.#newId();
      this.#asked.set(id, { resolve, reject });
      this.#ask(id, { from, end: this.#next, bytesMax: options.bytesMax, eventsMax: options.eventsMax });
    });
  }

  #take(id: number): Reading | undefined {
    const reading = this.#asked.get(id);
    this.#asked.delete(id);
    return reading;
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const wake = (): void => stop.abort();
    this.#sleepers.add(wake);
    signal?.addEventListener("abort", wake, { once: true });
    await this.#clock.sleep(ms, stop.signal);
    signal?.removeEventListener("abort", wake);
    this.#sleepers.delete(wake);
  }

  #wake(): void {
    for (const wake of this.#sleepers) wake();
  }
}

function toLogRecord({ first, count, appendedAt, body }: StoredRecord): LogRecord {
  return {
    src: src(0),
    from: offset(first),
    to: offset(first + count - 1),
    appendedAt,
    events: { count, bytes: body },
  };
}
