import { parentPort, workerData } from "node:worker_threads";
import { databasePath } from "./files.ts";
import { faultOf } from "./fault.ts";
import type { FromReader, ReadQuery, ToReader } from "./messages.ts";
import { LogReader } from "./reader.ts";

/** The thread that reads what is no longer in memory, and that checkpoints, both beside the writer. */

if (parentPort === null) throw new Error("reader.worker.ts runs in a worker only");
const port = parentPort;
const { dir } = workerData as { dir: string };
const place = databasePath(dir);
const tell = (message: FromReader, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

let opened: LogReader | undefined;
/** Opened at the first use: before that the writer may still be checking the files. */
const reader = (): LogReader => (opened ??= new LogReader(dir));

port.on("message", (message: ToReader) => {
  if (message.kind === "read") return read(message.id, message.query);
  if (message.kind === "checkpoint") return checkpoint();
  opened?.close();
  tell({ kind: "closed" });
  port.close();
});

function read(id: number, query: ReadQuery): void {
  try {
    const records = reader().read(query);
    tell(
      { kind: "records", id, records },
      records.map((record) => record.body.buffer),
    );
  } catch (error) {
    tell({ kind: "failed", id, fault: faultOf(error, "reading", place) });
  }
}

function checkpoint(): void {
  try {
    reader().checkpoint();
    // What came in meanwhile is less; the writer, which stands still for its part, is left only the rest of that.
    tell({ kind: "checkpointed", walBytes: reader().checkpoint() });
  } catch (error) {
    tell({ kind: "checkpointFailed", fault: faultOf(error, "a checkpoint", place) });
  }
}
