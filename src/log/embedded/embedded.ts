import { mkdirSync } from "node:fs";
import type { PackedEvents } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import type { Offset, OffsetRange, Src } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { freeBytesOf } from "../../lib/disk.ts";
import { messageOf, WeirError } from "../../lib/errors.ts";
import { boundFor } from "../../lib/last-room.ts";
import type { Log, LogRecord, LogState, ReadOptions } from "../log.ts";
import { Drainage } from "./drainage.ts";
import { Groups } from "./groups.ts";
import { Link } from "./link.ts";
import type { Ears, Thread } from "./link.ts";
import { faultError } from "./messages.ts";
import type { AppendedJob, Fault, FromReader, FromWriter, Mark, ToReader, ToWriter } from "./messages.ts";
import { Reads } from "./reads.ts";
import { Scrubs } from "./scrubs.ts";
import { Space } from "./space.ts";

export interface EmbeddedLogOptions {
  /** Folder of the log's files; made when it is not there. One process at a time: `lockDataDir`. */
  readonly dir: string;
  /** The most that records which are not committed may take, bytes. */
  readonly bytesMax: number;
  /** Appends are refused while the disk has less than this left, bytes. */
  readonly freeBytesMin: number;
  readonly clock: Clock;
  /** Called once when the log can't go on: the process should stop, for whether the disk kept its word is unknown. */
  readonly onFailure?: (error: WeirError) => void;
  /** The database never grows beyond this, bytes; the default is a little more than what fits into `bytesMax`. */
  readonly fileBytesMax?: number;
  /** The most that may wait to become durable, bytes; default 128 MiB. */
  readonly inFlightBytesMax?: number;
  /** What is kept in memory for readers that keep up, bytes; default 32 MiB. */
  readonly tailBytesMax?: number;
  /** What the disk of `dir` has left, bytes; default: asks the system. */
  readonly freeBytes?: () => number;
  /** The scripts of the two threads; tests put failing ones here. */
  readonly scripts?: { readonly writer?: URL; readonly reader?: URL };
  /** What runs the two loops; default: a worker thread each, on the files in `dir`. */
  readonly threads?: LogThreads;
}

export interface LogThreads {
  writer(ears: Ears<FromWriter>): Thread<ToWriter>;
  reader(ears: Ears<FromReader>): Thread<ToReader>;
}

const source = src(0);
const quietMs = 5_000;
const retryAfterMs = 1_000;
/** There is room again when so much of a full log is free: less would be taken at once by the first who come back. */
const roomShare = 1 / 16;

/**
 * Opens the durable log of one machine: SQLite in a thread that writes, another thread that reads and checkpoints.
 * @throws WeirError `log_damaged` with the place, before anything is changed; `log_failed` when the disk refuses.
 */
export function openEmbeddedLog(options: EmbeddedLogOptions): Promise<Log> {
  const threads = options.threads ?? workerThreads(options);
  return new Promise((resolve, reject) => {
    let log: EmbeddedLog | undefined;
    const writer = threads.writer({
      heard: (message) => {
        if (message.kind === "ready") resolve((log = new EmbeddedLog(options, threads, writer, message.mark)));
        else if (log !== undefined) log.heardWriter(message);
        else if (message.kind === "failed") void writer.terminate().then(() => reject(faultError(message.fault)));
      },
      died: (reason) =>
        log === undefined ? reject(faultError(death("writing", reason))) : log.fail(death("writing", reason)),
    });
  });
}

function workerThreads({ dir, bytesMax, scripts, ...options }: EmbeddedLogOptions): LogThreads {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const fileBytesMax = options.fileBytesMax ?? bytesMax * 1.25 + (64 << 20);
  const own = (name: string): URL => new URL(name, import.meta.url);
  return {
    writer: (ears) =>
      new Link({ ...ears, script: scripts?.writer ?? own("writer.worker.ts"), workerData: { dir, fileBytesMax } }),
    reader: (ears) => new Link({ ...ears, script: scripts?.reader ?? own("reader.worker.ts"), workerData: { dir } }),
  };
}

const death = (thread: string, reason: string): Fault => ({
  code: "log_failed",
  message: `the log's ${thread} thread ended: ${reason}`,
  outcomeUnknown: true,
  fatal: true,
});

class EmbeddedLog implements Log {
  readonly #options: EmbeddedLogOptions;
  readonly #inFlightBytesMax: number;
  readonly #writer: Thread<ToWriter>;
  readonly #reader: Thread<ToReader>;
  readonly #groups: Groups;
  readonly #reads: Reads;
  readonly #scrubs = new Scrubs();
  readonly #space: Space;
  readonly #drainage: Drainage;
  readonly #stopTicking: () => void;
  #mark: Mark;
  #committed: number;
  #lastId = 0;
  #activity: "busy" | "calm" | "tidied" = "tidied";
  #failure: WeirError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: EmbeddedLogOptions, threads: LogThreads, writer: Thread<ToWriter>, mark: Mark) {
    const { clock, dir } = options;
    const newId = (): number => ++this.#lastId;
    this.#options = options;
    this.#inFlightBytesMax = options.inFlightBytesMax ?? 128 << 20;
    this.#mark = mark;
    this.#committed = mark.committed;
    this.#writer = writer;
    this.#reader = threads.reader({
      heard: (message) => this.#heardReader(message),
      died: (reason) => this.fail(death("reading", reason)),
    });
    this.#groups = new Groups({
      send: (job) => writer.post({ kind: "append", job }, [job.body]),
      newId,
      now: () => clock.now(),
      soon: (run) => void clock.turn().then(run),
    });
    this.#reads = new Reads({
      ask: (id, query) => this.#reader.post({ kind: "read", id, query }),
      newId,
      clock,
      tailBytesMax: options.tailBytesMax ?? 32 << 20,
      next: mark.next,
    });
    this.#space = new Space({ ...options, freeBytes: options.freeBytes ?? (() => freeBytesOf(dir)) });
    this.#drainage = new Drainage(clock);
    this.#stopTicking = clock.every(quietMs, () => this.#tick());
  }

  sources(): readonly Src[] {
    return [source];
  }

  async append(events: PackedEvents): Promise<readonly OffsetRange[]> {
    const refusal = this.#refusal(events.bytes.byteLength);
    if (refusal !== undefined) throw refusal;
    if (events.count === 0) return [];
    this.#activity = "busy";
    return this.#groups.add(events);
  }

  async read(from: { readonly src: Src; readonly off: Offset }, options: ReadOptions): Promise<readonly LogRecord[]> {
    mustBeSource(from.src);
    return this.#reads.read(from.off, options);
  }

  async ends(): Promise<ReadonlyMap<Src, Offset>> {
    return new Map([[source, offset(this.#mark.next)]]);
  }

  /** A group has its time before it is durable. */
  givenThrough(from: Src): number {
    mustBeSource(from);
    return Math.min(this.#options.clock.now(), this.#groups.oldestAt);
  }

  // Resolves before it is durable: after a crash an earlier one is found, which is as good, and nobody waits for the disk.
  async commit(from: Src, next: Offset): Promise<void> {
    mustBeSource(from);
    if (next > this.#mark.next)
      throw new WeirError("internal", `commit of ${next} goes beyond the end of the log, ${this.#mark.next}`);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw stopping();
    if (next <= this.#committed) return;
    this.#committed = next;
    this.#activity = "busy";
    this.#reads.dropBelow(next);
    this.#writer.post({ kind: "trim", next });
  }

  async committed(from: Src): Promise<Offset> {
    mustBeSource(from);
    return offset(this.#mark.committed);
  }

  async scrub(from: Src, next: Offset): Promise<void> {
    mustBeSource(from);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw stopping();
    const id = ++this.#lastId;
    const done = this.#scrubs.add(id);
    this.#writer.post({ kind: "scrub", id, next });
    return done;
  }

  state(bytes = Infinity): LogState {
    const refusal = this.#refusal(0, bytes);
    const { bytesMax } = this.#options;
    const kept = { bytes: this.#mark.bytes, bytesMax };
    if (refusal === undefined) return { ...kept, accepting: true };
    return { ...kept, accepting: false, reason: refusal.message, retryAfterMs: refusal.retryAfterMs ?? retryAfterMs };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** What the writer's thread says. */
  heardWriter(message: FromWriter): void {
    if (message.kind === "done") this.#done(message.appended, message.mark);
    else if (message.kind === "failed") this.#failed(message.ids, message.fault);
    else if (message.kind === "scrubbed") this.#scrubs.done(message.id);
    else if (message.kind === "checkpoint") this.#reader.post({ kind: "checkpoint" });
  }

  /** The log can't go on: says so to everybody who waits, and to the process. */
  fail(fault: Fault): void {
    if (this.#failure !== undefined) return;
    const error = faultError(fault);
    this.#failure = error;
    this.#groups.abandon(error, this.#notAccepting(error));
    this.#reads.stop(error);
    this.#scrubs.stop(error);
    this.#options.onFailure?.(error);
  }

  #heardReader(message: FromReader): void {
    if (message.kind === "records") this.#reads.answered(message.id, message.records);
    else if (message.kind === "failed") this.#reads.failed(message.id, faultError(message.fault));
    else if (message.kind === "checkpointed") this.#writer.post(message);
    else if (message.kind === "checkpointFailed") this.#failedCheckpoint(message.fault);
  }

  // A full disk passes; the writer asks again later, since its log has not become shorter.
  #failedCheckpoint(fault: Fault): void {
    if (fault.fatal) this.fail(fault);
    else this.#writer.post({ kind: "checkpointed", walBytes: 0 });
  }

  #done(appended: readonly AppendedJob[], mark: Mark): void {
    const added = appended.reduce((sum, { length }) => sum + length, 0);
    this.#drainage.drained(this.#mark.bytes + added - mark.bytes);
    this.#mark = mark;
    for (const job of appended) {
      this.#reads.push(toRecord(job));
      this.#groups.done(job);
    }
  }

  #failed(ids: readonly number[], fault: Fault): void {
    if (fault.fatal) return this.fail(fault);
    const error = faultError(fault);
    for (const id of ids) this.#groups.failed(id, error);
  }

  #refusal(bytes: number, ofRequest = bytes): WeirError | undefined {
    if (this.#closing !== undefined) return stopping();
    if (this.#failure !== undefined) return this.#notAccepting(this.#failure);
    const inFlight = this.#groups.bytes;
    const full = this.#full(inFlight, bytes, ofRequest);
    if (full instanceof WeirError) return full;
    if (full !== undefined) {
      const retryAfterMs = this.#roomAfterMs(inFlight + bytes, ofRequest);
      return new WeirError("log_full", full, { canRetry: true, retryAfterMs });
    }
    if (inFlight === 0 || inFlight + bytes <= boundFor(ofRequest, this.#inFlightBytesMax, inFlight)) return undefined;
    return unavailable(`${inFlight} bytes wait to become durable, at most ${this.#inFlightBytesMax} may`);
  }

  /** Where the folder has gone, so has what was kept in it, whatever SQLite writes on into. */
  #full(inFlight: number, bytes: number, ofRequest: number): string | WeirError | undefined {
    try {
      return this.#space.refusal(this.#mark.bytes + inFlight, bytes, ofRequest);
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
      const message = `the folder is not there any more: ${messageOf(cause)}`;
      if (code === "ENOENT") this.fail({ code: "log_failed", message, outcomeUnknown: true, fatal: true });
      if (this.#failure !== undefined) return this.#notAccepting(this.#failure);
      return unavailable(`the disk does not say what it has left (${code})`);
    }
  }

  #roomAfterMs(wanted: number, ofRequest: number): number {
    const { bytesMax } = this.#options;
    const { bytes } = this.#mark;
    return this.#drainage.msUntil(bytes + wanted - boundFor(ofRequest, bytesMax, bytes) + bytesMax * roomShare);
  }

  #notAccepting(failure: WeirError): WeirError {
    return unavailable(`the log has failed and takes nothing until it is opened again: ${failure.message}`);
  }

  // Once after a stretch without appends and commits, not again until there were some.
  #tick(): void {
    if (this.#activity === "calm" && this.#failure === undefined) this.#writer.post({ kind: "quiet" });
    this.#activity = this.#activity === "busy" ? "calm" : "tidied";
  }

  async #close(): Promise<void> {
    this.#stopTicking();
    this.#scrubs.stop(stopping());
    await this.#groups.drained();
    this.#reads.stop();
    // The reader first: the last connection to close makes the database one file again, and only the writer may.
    if (this.#failure === undefined) await this.#reader.end({ kind: "close" });
    if (this.#failure === undefined) await this.#writer.end({ kind: "close" });
    await Promise.all([this.#reader.terminate(), this.#writer.terminate()]);
  }
}

function toRecord({ first, count, appendedAt, length, body }: AppendedJob): LogRecord {
  const events = { count, bytes: new Uint8Array(body, 0, length) };
  return { src: source, from: offset(first), to: offset(first + count - 1), appendedAt, events };
}

function mustBeSource(asked: Src): void {
  if (asked !== source) throw new WeirError("internal", `the embedded log has no partition ${asked}, only ${source}`);
}

const stopping = (): WeirError =>
  new WeirError("stopping", "the log is being closed", { canRetry: true, retryAfterMs });
const unavailable = (message: string): WeirError =>
  new WeirError("log_unavailable", message, { canRetry: true, retryAfterMs });
