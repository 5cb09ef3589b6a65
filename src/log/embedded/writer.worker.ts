import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { databasePath } from "./files.ts";
import { faultOf } from "./fault.ts";
import type { AppendJob, FromWriter, ToWriter } from "./messages.ts";
import { LogWriter } from "./writer.ts";

/** The thread of the one writer: takes everything that waits, makes it durable in one transaction, answers all. */

/** A checkpoint is asked for when so much was written since the last. */
const checkpointBytes = 16 << 20;
const trimDelayMs = 50;

if (parentPort === null) throw new Error("writer.worker.ts runs in a worker only");
const port = parentPort;
const { dir, fileBytesMax } = workerData as { dir: string; fileBytesMax: number };
const place = databasePath(dir);
const tell = (message: FromWriter, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

let hasAsked = false;
let trimTimer: NodeJS.Timeout | undefined;

start();

function start(): void {
  try {
    const writer = new LogWriter(dir, fileBytesMax);
    port.on("message", (first: ToWriter) => take(writer, first));
    tell({ kind: "ready", mark: writer.mark });
    if (writer.hasTrimWork) planTrim(writer);
  } catch (error) {
    tell({ kind: "failed", ids: [], fault: faultOf(error, "opening the log", place) });
    port.close();
  }
}

/** Takes everything that waits at the port now: the appends together, then the rest in order. */
function take(writer: LogWriter, first: ToWriter): void {
  const jobs: AppendJob[] = [];
  const rest: ToWriter[] = [];
  for (let message: ToWriter | undefined = first; message !== undefined; message = nextMessage()) {
    if (message.kind === "append") jobs.push(message.job);
    else if (message.kind === "trim") writer.trimTo(message.next);
    else rest.push(message);
  }
  if (jobs.length > 0) write(writer, jobs);
  else if (writer.hasTrimWork) planTrim(writer);
  for (const message of rest) handle(writer, message);
}

const nextMessage = (): ToWriter | undefined => receiveMessageOnPort(port)?.message as ToWriter | undefined;

function write(writer: LogWriter, jobs: readonly AppendJob[]): void {
  try {
    const appended = writer.write(jobs);
    tell(
      { kind: "done", appended, mark: writer.mark },
      appended.map((job) => job.body),
    );
    askForCheckpoint(writer);
    if (writer.hasTrimWork) planTrim(writer);
  } catch (error) {
    fail(
      jobs.map((job) => job.id),
      error,
      "a commit",
    );
  }
}

/** Deletion rides on the next append's transaction; when none comes soon, it gets one of its own. */
function planTrim(writer: LogWriter): void {
  trimTimer ??= setTimeout(() => {
    trimTimer = undefined;
    if (writer.hasTrimWork) write(writer, []);
  }, trimDelayMs);
}

function askForCheckpoint(writer: LogWriter): void {
  if (hasAsked || writer.walBytes < checkpointBytes) return;
  hasAsked = true;
  tell({ kind: "checkpoint" });
}

function handle(writer: LogWriter, message: ToWriter): void {
  try {
    if (message.kind === "checkpointed") {
      hasAsked = false;
      writer.checkpointed(message.walBytes);
    } else if (message.kind === "quiet") writer.tidy();
    else if (message.kind === "close") close(writer);
  } catch (error) {
    fail([], error, message.kind === "close" ? "closing" : "a checkpoint");
  }
}

function close(writer: LogWriter): void {
  clearTimeout(trimTimer);
  try {
    if (writer.hasTrimWork) writer.write([]);
    writer.close();
    tell({ kind: "closed" });
  } finally {
    port.close();
  }
}

function fail(ids: readonly number[], error: unknown, doing: string): void {
  tell({ kind: "failed", ids, fault: faultOf(error, doing, place) });
}
