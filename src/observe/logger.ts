import { Writable } from "node:stream";
import { pino } from "pino";
import type { DestinationStream, Logger } from "pino";
import pretty from "pino-pretty";
import { WeirError } from "../lib/errors.ts";
import type { ErrorCode } from "../lib/errors.ts";

export type { Logger } from "pino";

export interface LoggerOptions {
  readonly level: string;
  /** auto: pretty when `terminal`, else JSON. */
  readonly format: "auto" | "json" | "pretty";
  /** Whether people read along. */
  readonly terminal: boolean;
  /** Where lines go; default: standard error, so that standard output has the ready line alone. */
  readonly destination?: DestinationStream;
}

/**
 * The server's logger. A line is written before the call returns, so that the last one before a crash is there. Errors
 * are logged under `err` with code, message, stack and causes, but never with `details`: these quote what was sent. So do
 * the store's texts of what it refuses, of which the code alone is logged.
 */
export function createLogger({ level, format, terminal, destination }: LoggerOptions): Logger {
  const asPretty = format === "pretty" || (format === "auto" && terminal);
  const stream = asPretty
    ? pretty({
        colorize: terminal,
        ignore: "pid,hostname",
        translateTime: "SYS:HH:MM:ss.l",
        sync: true,
        destination: destination ?? neverFailing(toStderr()),
      })
    : (destination ?? toStderr());
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorFacts },
    },
    stream,
  );
}

/** Of lines that can't be written, bytes: they come when there is room again, and of more the newest are lost. */
const waitingBytesMax = 1 << 20;

/** A file on a full disk takes no line: of that nothing but the log is to suffer. */
function toStderr() {
  return pino.destination({ dest: 2, sync: true, maxLength: waitingBytesMax }).on("error", () => {});
}

/** What pretty lines go through ends for good at the first failure of what is behind it. */
const neverFailing = (outlet: DestinationStream): Writable =>
  new Writable({
    write: (line: Buffer, _encoding, done) => {
      outlet.write(line.toString());
      done();
    },
  });

interface ErrorFacts {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  readonly stack?: string;
  readonly cause?: ErrorFacts;
}

const causesMax = 5;

function errorFacts(error: unknown, depth = 0): ErrorFacts {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  return {
    type: error.name,
    ...codeOf(error),
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || depth === causesMax ? {} : { cause: causeFacts(error, depth) }),
  };
}

function causeFacts(error: Error, depth: number): ErrorFacts {
  const { cause } = error;
  const quotes = error instanceof WeirError && ofTheEngine.has(error.code) && cause instanceof Error;
  return quotes ? { type: cause.name, ...codeOf(cause) } : errorFacts(cause, depth + 1);
}

const ofTheEngine: ReadonlySet<string> = new Set<ErrorCode>(["store_refused", "store_damaged"]);

function codeOf(error: Error): { code?: string } {
  if (error instanceof WeirError) return { code: error.code };
  return "code" in error && typeof error.code === "string" ? { code: error.code } : {};
}
