import type { PackedEvents } from "../../src/event/packed.ts";
import { offset, src } from "../../src/event/position.ts";
import type { Offset, OffsetRange, Src } from "../../src/event/position.ts";
import { WeirError } from "../../src/lib/errors.ts";
import { freeBytes } from "../../src/lib/free-bytes.ts";
import type { Log, LogRecord, LogState, ReadOptions } from "../../src/log/log.ts";

export interface MemoryLogOptions {
  readonly bytesMax?: number;
  /** Resolves when an append may be called durable; at once by default. */
  readonly sync?: () => Promise<void>;
  /** False: counts positions and keeps nothing, for measurements. */
  readonly keep?: boolean;
  /** When a record is said to be made; by default now. */
  readonly now?: () => number;
}

export interface MemoryLog extends Log {
  /** The records that are durable, oldest first. */
  readonly records: readonly LogRecord[];
}

/**
 * A log of one partition in memory. It keeps its contract but for the crash: appends become durable in order, only durable records
 * are read, a full log refuses and takes again after a commit.
 */
export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  return new InMemory(options);
}

const partition = src(0);

class InMemory implements MemoryLog {
  readonly #options: MemoryLogOptions;
  #records: LogRecord[] = [];
  #next = 0;
  #durable = 0;
  #committed = 0;
  #bytes = 0;
  #closed = false;
  #last: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];

  constructor(options: MemoryLogOptions) {
    this.#options = options;
  }

  get records(): readonly LogRecord[] {
    return this.#records;
  }

  sources(): readonly Src[] {
    return [partition];
  }

  async append(events: PackedEvents): Promise<readonly OffsetRange[]> {
    if (this.#closed) throw new WeirError("stopping", "the log is closed", { canRetry: true });
    if (!this.state().accepting) throw new WeirError("log_full", "the log is full", { canRetry: true });
    const from = offset(this.#next);
    this.#next += events.count;
    const to = offset(this.#next - 1);
    const appendedAt = (this.#options.now ?? Date.now)();
    const kept = { count: events.count, bytes: new Uint8Array(events.bytes) };
    const synced = this.#options.sync?.() ?? Promise.resolve();
    this.#last = this.#last
      .then(() => synced)
      .then(() => this.#keep({ src: partition, from, to, appendedAt, events: kept }));
    await this.#last;
    return [{ src: partition, from, to }];
  }

  async read(from: { readonly src: Src; readonly off: Offset }, options: ReadOptions): Promise<readonly LogRecord[]> {
    if (!this.#has(from.off)) await this.#arrival(options);
    const found: LogRecord[] = [];
    let bytes = 0;
    let events = 0;
    for (const record of this.#records) {
      if (record.to < from.off) continue;
      if (bytes >= options.bytesMax || events >= options.eventsMax) break;
      found.push(record);
      bytes += record.events.bytes.length;
      events += record.events.count;
    }
    return found;
  }

  async ends(): Promise<ReadonlyMap<Src, Offset>> {
    return new Map([[partition, offset(this.#durable)]]);
  }

  async commit(_src: Src, next: Offset): Promise<void> {
    this.#committed = Math.max(this.#committed, next);
    // So that whoever looks at them all the same is found out.
    for (const record of this.#records) if (record.to < next) freeBytes(record.events.bytes);
    this.#records = this.#records.filter((record) => record.to >= next);
    this.#bytes = this.#records.reduce((sum, record) => sum + record.events.bytes.length, 0);
  }

  async committed(): Promise<Offset> {
    return offset(this.#committed);
  }

  state(): LogState {
    const bytesMax = this.#options.bytesMax ?? 1024 ** 3;
    return this.#bytes < bytesMax
      ? { bytes: this.#bytes, bytesMax, accepting: true }
      : { bytes: this.#bytes, bytesMax, accepting: false, reason: "the log is full" };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  #keep(record: LogRecord): void {
    this.#durable = record.to + 1;
    if (this.#options.keep === false) return;
    this.#records.push(record);
    this.#bytes += record.events.bytes.length;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #has(off: Offset): boolean {
    return this.#records.some((record) => record.to >= off);
  }

  #arrival(options: ReadOptions): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, options.waitMs);
      const wake = (): void => (clearTimeout(timer), resolve());
      options.signal?.addEventListener("abort", wake, { once: true });
      this.#waiting.push(wake);
    });
  }
}
