import type { Surroundings } from "../surroundings.ts";
import type { Problem, WeirEvent } from "../wire.ts";

/** An event as programs have it: without an id it gets one, without a time it is of now. */
export type NewEvent = Omit<WeirEvent, "event_id" | "timestamp" | "payload"> & {
  readonly event_id?: string;
  readonly timestamp?: WeirEvent["timestamp"] | Date;
  /** Any but a list. An interface of a program, which has no index signature, is no `Record`. */
  readonly payload?: object;
};

/** What became of an event. */
export type Outcome =
  /** It is durable, or counted where that was asked for; once, however often it was sent. */
  | { readonly status: "accepted" }
  /** It breaks the contract: sending it again is of no use. */
  | { readonly status: "refused"; readonly problems: readonly Problem[] }
  /** Given up. It may have been stored; sending it again with the same `event_id` and `timestamp` counts it no second time. */
  | { readonly status: "failed"; readonly error: Error };

/** An event as a line of NDJSON. */
export interface Written {
  readonly eventId: string;
  readonly text: string;
  /** Of the line in UTF-8, with its end. */
  readonly bytes: number;
}

const encoder = new TextEncoder();

/** An event that can't be sent, and why. */
export interface Unwritable {
  /** Empty where it has none. */
  readonly eventId: string;
  /** Of what is wrong in it; empty where it is the event itself. */
  readonly path: string;
  readonly why: string;
}

/** Writes an event with its id, which stays the same however often it is sent. Programs without types give anything. */
export function writeEvent(event: NewEvent, { newId, now }: Pick<Surroundings, "newId" | "now">): Written | Unwritable {
  if (typeof event !== "object" || event === null || Array.isArray(event))
    return { eventId: "", path: "", why: "is not an object" };
  let givenId: string | undefined;
  try {
    givenId = event.event_id;
    const eventId = givenId ?? newId();
    const whole = { ...event, event_id: eventId, timestamp: event.timestamp ?? now() };
    const text = JSON.stringify(whole);
    // As null it would be another value, and nobody would know. Few events have a null to be looked at.
    const lost = text.includes("null") ? lostIn(whole) : undefined;
    return lost ? { eventId, ...lost } : { eventId, text, bytes: encoder.encode(text).length + 1 };
  } catch (error) {
    const why = `can't be written as JSON: ${error instanceof Error ? error.message : String(error)}`;
    return { eventId: givenId ?? "", path: "", why };
  }
}

/** The first number or time of a value that JSON makes null of, and where it is: `payload.prices[2]`. */
function lostIn(value: unknown): Omit<Unwritable, "eventId"> | undefined {
  // As objects, too, and of another window.
  if (/^\[object (?:Number|Date)\]$/.test(Object.prototype.toString.call(value)))
    return Number.isFinite(Number(value))
      ? undefined
      : { path: "", why: `is ${String(value)}, which JSON does not have` };
  if (typeof value !== "object" || value === null) return undefined;
  if ("toJSON" in value && typeof value.toJSON === "function") return lostIn(value.toJSON());
  for (const [key, inner] of Object.entries(value)) {
    const lost = lostIn(inner);
    if (lost === undefined) continue;
    const within = lost.path === "" || lost.path.startsWith("[") ? lost.path : `.${lost.path}`;
    return { ...lost, path: `${Array.isArray(value) ? `[${key}]` : key}${within}` };
  }
  return undefined;
}
