import { faultOf } from "./fault.ts";
import type { FromReader, ReadQuery, ToReader } from "./messages.ts";
import type { LogReader } from "./reader.ts";

/** How the reader's thread is talked to. */
export interface ReaderPort {
  tell(message: FromReader, transfer?: ArrayBuffer[]): void;
  /** No message will be taken any more. */
  close(): void;
}

/** Reads what is no longer in memory, and checkpoints, both beside the writer. */
export class ReaderLoop {
  readonly #open: () => LogReader;
  readonly #place: string;
  readonly #port: ReaderPort;
  #opened: LogReader | undefined;

  /** Opened at the first use: before that the writer may still be checking the files. */
  constructor(open: () => LogReader, place: string, port: ReaderPort) {
    this.#open = open;
    this.#place = place;
    this.#port = port;
  }

  take(message: ToReader): void {
    if (message.kind === "read") return this.#read(message.id, message.query);
    if (message.kind === "checkpoint") return this.#checkpoint();
    this.#opened?.close();
    this.#port.tell({ kind: "closed" });
    this.#port.close();
  }

  #reader(): LogReader {
    return (this.#opened ??= this.#open());
  }

  #read(id: number, query: ReadQuery): void {
    try {
      const records = this.#reader().read(query);
      const bodies = records.map((record) => record.body.buffer);
      this.#port.tell({ kind: "records", id, records }, bodies);
    } catch (error) {
      this.#port.tell({ kind: "failed", id, fault: faultOf(error, "reading", this.#place) });
    }
  }

  #checkpoint(): void {
    try {
      this.#reader().checkpoint();
      // What came in meanwhile is less; the writer, which stands still for its part, is left only the rest of that.
      this.#port.tell({ kind: "checkpointed", walBytes: this.#reader().checkpoint() });
    } catch (error) {
      this.#port.tell({ kind: "checkpointFailed", fault: faultOf(error, "a checkpoint", this.#place) });
    }
  }
}
