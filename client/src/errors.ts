import type { ErrorBody } from "./wire.ts";

/** The codes of the server, and those of what happens before or instead of an answer. */
export type WeirErrorCode =
  | ErrorBody["error"]["code"]
  /** Nobody answers at the address, or the line was cut: it is not known whether the request took effect. */
  | "no_answer"
  /** What answers there is not Weir, or something stands in between. */
  | "strange_answer"
  /** More waits than the client may keep: wait for `send` before you send more. */
  | "queue_full"
  /** The events are durable, and were not counted within the time that a request may take. */
  | "not_counted"
  /** It was closed before. */
  | "closed"
  /** Where events come from has failed, or the caller's signal has aborted, before all were sent; that is the `cause`. */
  | "interrupted"
  /** Of a live subscription: what the server refused it for. */
  | "rule_deleted"
  | "invalid_message"
  | "too_many_subscriptions"
  | "too_large";

export interface WeirErrorFacts {
  /** Of HTTP; left out when there was no answer. */
  readonly status?: number;
  /** Facts, most often a list of problems. */
  readonly details?: unknown;
  /** How long the server asks to be left alone, ms. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** Everything that a server refuses, or that keeps it from answering. The message names the address or the offending value. */
export class WeirError extends Error {
  readonly code: WeirErrorCode;
  readonly status: number | undefined;
  readonly details: unknown;
  readonly retryAfterMs: number | undefined;

  constructor(code: WeirErrorCode, message: string, facts: WeirErrorFacts = {}) {
    super(message, facts.cause === undefined ? {} : { cause: facts.cause });
    this.name = "WeirError";
    this.code = code;
    this.status = facts.status;
    this.details = facts.details ?? null;
    this.retryAfterMs = facts.retryAfterMs;
  }

  /** Whether the same request may succeed later: nobody answered, there was too much to do, or something went wrong inside. */
  get canRetry(): boolean {
    if (this.status === undefined) return this.code === "no_answer";
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}
