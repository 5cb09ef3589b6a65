import { faultOf } from "./fault.ts";
import type { AppendJob, Fault, FromWriter, ToWriter } from "./messages.ts";
import type { LogWriter } from "./writer.ts";

/** A checkpoint is asked for when so much was written since the last. */
const checkpointBytes = 16 << 20;
const trimDelayMs = 50;
/** So long after a scrub or a deletion could not be done, it is tried again. */
const againMs = 1000;

/** How the writer's thread is talked to. */
export interface WriterPort {
  /** What waits already, behind the message that is being taken. */
  next(): ToWriter | undefined;
  tell(message: FromWriter, transfer?: ArrayBuffer[]): void;
  /** Runs it once after `ms`. Returns how to prevent it. */
  later(ms: number, run: () => void): () => void;
  /** No message will be taken any more. */
  close(): void;
}

/** Opens the writer and says that it is ready, or why not. Undefined: it could not be opened. */
export function openWriterLoop(open: () => LogWriter, place: string, port: WriterPort): WriterLoop | undefined {
  try {
    const writer = open();
    port.tell({ kind: "ready", mark: writer.mark });
    return new WriterLoop(writer, place, port);
  } catch (error) {
    port.tell({ kind: "failed", ids: [], fault: faultOf(error, "opening the log", place) });
    port.close();
    return undefined;
  }
}

/** The work of the one writer: takes everything that waits, makes it durable in one transaction, answers all. */
export class WriterLoop {
  readonly #writer: LogWriter;
  readonly #place: string;
  readonly #port: WriterPort;
  #hasAsked = false;
  #stopTrim: (() => void) | undefined;
  #scrubs: Extract<ToWriter, { kind: "scrub" }>[] = [];
  #stopScrub: (() => void) | undefined;

  constructor(writer: LogWriter, place: string, port: WriterPort) {
    this.#writer = writer;
    this.#place = place;
    this.#port = port;
    if (writer.hasTrimWork) this.#planTrim();
  }

  /** Takes everything that waits at the port now: the appends together, then the rest in order. */
  take(first: ToWriter): void {
    const jobs: AppendJob[] = [];
    const rest: ToWriter[] = [];
    for (let message: ToWriter | undefined = first; message !== undefined; message = this.#port.next()) {
      if (message.kind === "append") jobs.push(message.job);
      else if (message.kind === "trim") this.#writer.trimTo(message.next);
      else rest.push(message);
    }
    if (jobs.length > 0) this.#write(jobs);
    else if (this.#writer.hasTrimWork) this.#planTrim();
    for (const message of rest) this.#handle(message);
  }

  #write(jobs: readonly AppendJob[]): void {
    try {
      const appended = this.#writer.write(jobs);
      const bodies = appended.map((job) => job.body);
      this.#port.tell({ kind: "done", appended, mark: this.#writer.mark }, bodies);
      this.#askForCheckpoint();
      if (this.#writer.hasTrimWork) this.#planTrim();
    } catch (error) {
      const ids = jobs.map((job) => job.id);
      const { fatal } = this.#fail(ids, error, "a commit");
      // What a full disk has refused: nobody else might ask again.
      if (!fatal && this.#writer.hasTrimWork) this.#planTrim(againMs);
    }
  }

  /** Deletion rides on the next append's transaction; when none comes soon, it gets one of its own. */
  #planTrim(ms = trimDelayMs): void {
    this.#stopTrim ??= this.#port.later(ms, () => {
      this.#stopTrim = undefined;
      if (this.#writer.hasTrimWork) this.#write([]);
    });
  }

  /** Those that wait are done by one, once deletion has come so far. */
  #planScrub(ms = trimDelayMs): void {
    this.#stopScrub ??= this.#port.later(ms, () => {
      this.#stopScrub = undefined;
      try {
        this.#scrub();
      } catch (error) {
        this.#fail([], error, "taking erased events off the disk");
      }
      if (this.#scrubs.length > 0) this.#planScrub(againMs);
    });
  }

  #scrub(): void {
    const all = this.#scrubs.reduce((next, scrub) => Math.max(next, scrub.next), 0);
    if (!this.#writer.scrub(all)) return;
    for (const { id } of this.#scrubs.splice(0)) this.#port.tell({ kind: "scrubbed", id });
  }

  #askForCheckpoint(): void {
    if (this.#hasAsked || this.#writer.walBytes < checkpointBytes) return;
    this.#hasAsked = true;
    this.#port.tell({ kind: "checkpoint" });
  }

  #handle(message: ToWriter): void {
    try {
      if (message.kind === "checkpointed") {
        this.#hasAsked = false;
        this.#writer.checkpointed(message.walBytes);
      } else if (message.kind === "scrub") {
        this.#scrubs.push(message);
        this.#planScrub();
      } else if (message.kind === "quiet") this.#writer.tidy();
      else if (message.kind === "close") this.#close();
    } catch (error) {
      this.#fail([], error, message.kind === "close" ? "closing" : "a checkpoint");
    }
    // Last: nothing that is told behind it is heard.
    if (message.kind === "close") this.#port.close();
  }

  #close(): void {
    this.#stopTrim?.();
    this.#stopScrub?.();
    if (this.#writer.hasTrimWork) this.#writer.write([]);
    this.#writer.close();
    this.#port.tell({ kind: "closed" });
  }

  #fail(ids: readonly number[], error: unknown, doing: string): Fault {
    const fault = faultOf(error, doing, this.#place);
    this.#port.tell({ kind: "failed", ids, fault });
    return fault;
  }
}
