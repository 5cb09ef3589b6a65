import { parentPort, workerData } from "node:worker_threads";
import { databasePath } from "./files.ts";
import type { FromReader, ToReader } from "./messages.ts";
import { openReaderFiles } from "./reader-files.ts";
import { ReaderLoop } from "./reader-loop.ts";
import { LogReader } from "./reader.ts";

/** The thread that reads what is no longer in memory, and that checkpoints, both beside the writer. */

if (parentPort === null) throw new Error("reader.worker.ts runs in a worker only");
const port = parentPort;
const { dir } = workerData as { dir: string };

const loop = new ReaderLoop(() => new LogReader(openReaderFiles(dir)), databasePath(dir), {
  tell: (message: FromReader, transfer = []) => port.postMessage(message, transfer),
  close: () => port.close(),
});
port.on("message", (message: ToReader) => loop.take(message));
