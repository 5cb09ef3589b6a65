import type { Surroundings } from "../surroundings.ts";
import type { Problem, WeirEvent } from "../wire.ts";

/** An event as programs have it: without an id it gets one, without a time it is of now. */
export type NewEvent = Omit<WeirEvent, "event_id" | "timestamp"> & {
  readonly event_id?: string;
  readonly timestamp?: WeirEvent["timestamp"] | Date;
};

/** What became of an event. */
export type Outcome =
  /** It is durable, or counted where that was asked for; once, however often it was sent. */
  | { readonly status: "accepted" }
  /** It breaks the contract: sending it again is of no use. */
  | { readonly status: "refused"; readonly problems: readonly Problem[] }
  /** Given up. It may have been stored; sending it again with the same `event_id` counts it no second time. */
  | { readonly status: "failed"; readonly error: Error };

/** An event as a line of NDJSON. */
export interface Written {
  readonly eventId: string;
  readonly text: string;
  /** Of the line in UTF-8, with its end. */
  readonly bytes: number;
}

const encoder = new TextEncoder();

/** Writes an event with its id, which stays the same however often it is sent. A text is why it can't be written. */
export function writeEvent(event: NewEvent, { newId, now }: Pick<Surroundings, "newId" | "now">): Written | string {
  try {
    const eventId = event.event_id ?? newId();
    const text = JSON.stringify({ ...event, event_id: eventId, timestamp: event.timestamp ?? now() });
    return { eventId, text, bytes: encoder.encode(text).length + 1 };
  } catch (error) {
    return `can't be written as JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}
