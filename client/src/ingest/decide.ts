import { pauseMs } from "../backoff.ts";
import type { Backoff } from "../backoff.ts";
import type { WeirError } from "../errors.ts";
import type { Problem } from "../wire.ts";

/** What to do when a request was not taken. */
export type Next =
  | { readonly do: "retry"; readonly afterMs: number }
  /** Something in it is wrong or too large: each half by itself. */
  | { readonly do: "split" }
  /** It is one event, and that is why. */
  | { readonly do: "refuse"; readonly problems: readonly Problem[] }
  | { readonly do: "fail" };

export interface Attempt {
  readonly events: number;
  /** Failed attempts in a row, this one too. */
  readonly failures: number;
  /** Since the first attempt, ms. */
  readonly elapsedMs: number;
}

export interface Patience extends Backoff {
  /** How long a request is tried again, ms. */
  readonly retryForMs: number;
}

/** Decides after a failed attempt. A server that says when to come back is believed; `random`: 0 ≤ n < 1. */
export function afterFailure(error: WeirError, attempt: Attempt, patience: Patience, random: number): Next {
  if (error.canRetry) {
    const afterMs = Math.max(error.retryAfterMs ?? 0, pauseMs(attempt.failures, patience, random));
    return attempt.elapsedMs + afterMs > patience.retryForMs ? { do: "fail" } : { do: "retry", afterMs };
  }
  if (!isOfTheEvents(error)) return { do: "fail" };
  return attempt.events > 1 ? { do: "split" } : { do: "refuse", problems: [{ path: "", message: error.message }] };
}

const codesOfEvents: readonly string[] = ["invalid_json", "invalid_events", "too_many_events", "body_too_large"];

const isOfTheEvents = ({ code, status }: WeirError): boolean => status === 413 || codesOfEvents.includes(code);

export interface Gathered {
  readonly events: number;
  readonly bytes: number;
  /** Of the event that has waited longest, ms. */
  readonly waitedMs: number;
  /** Somebody waits for all to be sent. */
  readonly isUrgent: boolean;
}

export interface BatchBounds {
  readonly batchEventsMax: number;
  readonly batchBytesMax: number;
  readonly batchDelayMs: number;
}

/** In how many ms what has been gathered is to be sent; 0: now; undefined: there is nothing. */
export function sendIn(gathered: Gathered, bounds: BatchBounds): number | undefined {
  if (gathered.events === 0) return undefined;
  const isFull = gathered.events >= bounds.batchEventsMax || gathered.bytes >= bounds.batchBytesMax;
  return isFull || gathered.isUrgent ? 0 : Math.max(0, bounds.batchDelayMs - gathered.waitedMs);
}

/** How many of the first events make a request: one at least. */
export function batchSize(sizes: readonly { readonly bytes: number }[], bounds: BatchBounds): number {
  let bytes = 0;
  for (let count = 0; count < Math.min(sizes.length, bounds.batchEventsMax); count++) {
    bytes += sizes[count]!.bytes;
    if (bytes > bounds.batchBytesMax && count > 0) return count;
  }
  return Math.min(sizes.length, bounds.batchEventsMax);
}
