import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { databasePath } from "./files.ts";
import type { FromWriter, ToWriter } from "./messages.ts";
import { openWriterFiles } from "./writer-files.ts";
import { openWriterLoop } from "./writer-loop.ts";
import { LogWriter } from "./writer.ts";

/** The thread of the one writer. */

if (parentPort === null) throw new Error("writer.worker.ts runs in a worker only");
const port = parentPort;
const { dir, fileBytesMax } = workerData as { dir: string; fileBytesMax: number };

const loop = openWriterLoop(() => new LogWriter(openWriterFiles(dir, fileBytesMax)), databasePath(dir), {
  next: () => receiveMessageOnPort(port)?.message as ToWriter | undefined,
  tell: (message: FromWriter, transfer = []) => port.postMessage(message, transfer),
  later: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  close: () => port.close(),
});
if (loop !== undefined) port.on("message", (first: ToWriter) => loop.take(first));
