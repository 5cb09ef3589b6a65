import { WeirError } from "../../lib/errors.ts";
import type { ErrorCode } from "../../lib/errors.ts";

/** How far the log goes: offsets `[base, next)` are kept, everything below `committed` is handled. */
export interface Mark {
  readonly base: number;
  readonly next: number;
  readonly committed: number;
  /** What the kept records take, bytes. */
  readonly bytes: number;
}

/** A packed group of appends on its way to one row. `body` is transferred, to the writer and back. */
export interface AppendJob {
  readonly id: number;
  readonly count: number;
  readonly appendedAt: number;
  /** The body's bytes are the first so many of `body`. */
  readonly length: number;
  readonly body: ArrayBuffer;
}

/** A job that is durable now, and the offset of its first event. */
export interface AppendedJob extends AppendJob {
  readonly first: number;
}

/** One row as read back, checked. */
export interface StoredRecord {
  readonly first: number;
  readonly count: number;
  readonly appendedAt: number;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** An error between threads. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly outcomeUnknown: boolean;
  /** The log can't go on after it. */
  readonly fatal: boolean;
}

export type ToWriter =
  | { readonly kind: "append"; readonly job: AppendJob }
  | { readonly kind: "trim"; readonly next: number }
  | { readonly kind: "checkpointed"; readonly walBytes: number }
  | { readonly kind: "scrub"; readonly id: number; readonly next: number }
  | { readonly kind: "quiet" }
  | { readonly kind: "close" };

export type FromWriter =
  | { readonly kind: "ready"; readonly mark: Mark }
  | { readonly kind: "done"; readonly appended: readonly AppendedJob[]; readonly mark: Mark }
  | { readonly kind: "failed"; readonly ids: readonly number[]; readonly fault: Fault }
  | { readonly kind: "scrubbed"; readonly id: number }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "closed" };

export interface ReadQuery {
  readonly from: number;
  /** Where to stop: the database may already hold what no append has been answered for. */
  readonly end: number;
  readonly bytesMax: number;
  readonly eventsMax: number;
}

export type ToReader =
  | { readonly kind: "read"; readonly id: number; readonly query: ReadQuery }
  | { readonly kind: "checkpoint" }
  | { readonly kind: "close" };

export type FromReader =
  | { readonly kind: "records"; readonly id: number; readonly records: readonly StoredRecord[] }
  | { readonly kind: "failed"; readonly id: number; readonly fault: Fault }
  | { readonly kind: "checkpointed"; readonly walBytes: number }
  | { readonly kind: "checkpointFailed"; readonly fault: Fault }
  | { readonly kind: "closed" };

/** The fault as the error that a caller of the log gets. */
export function faultError(fault: Fault): WeirError {
  const canRetry = fault.code === "log_full" || fault.code === "log_unavailable";
  return new WeirError(fault.code, fault.message, {
    canRetry,
    outcomeUnknown: fault.outcomeUnknown,
    ...(canRetry ? { retryAfterMs: 1000 } : {}),
  });
}
