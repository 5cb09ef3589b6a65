import type { Problem } from "../lib/errors.ts";
import { isObject, type JsonObject } from "../lib/is-object.ts";
import { formatTime } from "../lib/rfc3339.ts";
import { suggest } from "../lib/suggest.ts";
import type { Event } from "./event.ts";
import { eventLimits } from "./limits.ts";
import type { EventRules } from "./limits.ts";
import { markNumbers, placeBeyond, unmarkNumbers } from "./exact.ts";
import { checkPayload, childPath } from "./payload.ts";
import { shortened } from "./shortened.ts";
import { parseTimestamp } from "../lib/timestamp.ts";

/** Paths are within the event: `timestamp`, `payload.price`; empty for the event as a whole. */
export type CheckedEvent =
  | { readonly ok: true; readonly event: Event }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const textKeys = ["event_id", "event_type"] as const;
const eventKeys: readonly string[] = ["event_id", "event_type", "user_id", "timestamp", "payload"];

/**
 * Checks one parsed event by every rule of the contract and makes its canonical form; lists all its mistakes, at least one when not ok.
 * `exactPayload` reads the payload again with its large numbers marked (`exact.ts`); it is called only when parsing has
 * damaged some.
 */
export function checkEvent(value: unknown, rules: EventRules, exactPayload: () => unknown): CheckedEvent {
  if (!isObject(value))
    return { ok: false, problems: [{ path: "", message: "must be an object", value: shortened(value) }] };
  const check = new Check();
  check.keys(value);
  for (const key of textKeys) check.text(value, key, value[key]);
  const userId = check.userId(value);
  const timestamp = check.timestamp(value, rules);
  const payload = check.payload(value, exactPayload);
  if (check.problems.length > 0) return { ok: false, problems: check.problems };
  const event: Event = {
    event_id: String(value["event_id"]),
    event_type: String(value["event_type"]),
    user_id: userId,
    timestamp,
    payload,
  };
  const bytes = bytesOf(event);
  if (bytes <= eventLimits.eventBytesMax) return { ok: true, event };
  return {
    ok: false,
    problems: [{ path: "", message: `is ${bytes} bytes large; an event may have ${eventLimits.eventBytesMax}` }],
  };
}

/** Checks one event from its own JSON text. Throws SyntaxError when it is not JSON. */
export function checkEventText(json: string, rules: EventRules): CheckedEvent {
  return checkEvent(JSON.parse(json), rules, () => payloadOf(JSON.parse(markNumbers(json))));
}

function payloadOf(value: unknown): unknown {
  return isObject(value) ? value["payload"] : undefined;
}

class Check {
  readonly problems: Problem[] = [];

  keys(value: JsonObject): void {
    for (const key in value) {
      if (eventKeys.includes(key) || this.problems.length >= 10) continue;
      const meant = suggest(key, eventKeys);
      this.#add(
        String(shortened(key)),
        meant
          ? `is not a key of an event; did you mean ${meant}?`
          : `is not a key of an event; known are ${eventKeys.join(", ")}`,
      );
    }
  }

  text(event: JsonObject, key: string, value: unknown): void {
    if (!(key in event)) return this.#add(key, "is required");
    if (typeof value !== "string") return this.#add(key, "must be a text", value);
    if (value.length === 0) return this.#add(key, "must not be empty", value);
    if (charsOf(value) > eventLimits.textCharsMax)
      return this.#add(key, `has ${charsOf(value)} characters; it may have ${eventLimits.textCharsMax}`, value);
    if (!value.isWellFormed()) this.#add(key, "holds a lone surrogate, which is not Unicode text", value);
  }

  userId(event: JsonObject): string {
    const value = event["user_id"];
    if (typeof value !== "number") {
      this.text(event, "user_id", value);
      // An object may have a `toString` of its own that is no function; it is refused, whatever its text would be.
      return typeof value === "string" ? value : "";
    }
    if (!Number.isSafeInteger(value)) this.#add("user_id", "must be a text or an integer within ±(2^53-1)", value);
    return String(value);
  }

  timestamp(event: JsonObject, rules: EventRules): number {
    const value = event["timestamp"];
    if (value === undefined) return (this.#add("timestamp", "is required"), NaN);
    const at = typeof value === "string" ? parseTimestamp(value) : Number.isInteger(value) ? Number(value) : NaN;
    if (Number.isNaN(at))
      this.#add(
        "timestamp",
        "must be a time as in RFC 3339 (2026-01-13T10:00:00Z) or whole milliseconds since 1970",
        value,
      );
    else if (at < 0) this.#add("timestamp", "is before 1970", value);
    else if (at > rules.timestampMax)
      this.#add(
        "timestamp",
        `is too far ahead; the latest that is taken now is ${formatTime(rules.timestampMax)}`,
        value,
      );
    return at;
  }

  /** The canonical text. */
  payload(event: JsonObject, exactPayload: () => unknown): string {
    const value = event["payload"];
    if (value === undefined) return "{}";
    if (!isObject(value)) return (this.#add("payload", "must be an object", value), "{}");
    const findings = checkPayload(value);
    this.problems.push(...findings.problems);
    if (findings.problems.length > 0) return "{}";
    return findings.big ? this.#exact(exactPayload()) : JSON.stringify(value);
  }

  #exact(marked: unknown): string {
    const exact = unmarkNumbers(JSON.stringify(marked));
    if (exact.ok) return exact.text;
    const path = (placeBeyond(marked) ?? []).reduce<string>(childPath, "payload");
    this.#add(path, "is an integer beyond 64 bits; write it as a text or with an exponent", exact.number);
    return "{}";
  }

  #add(path: string, message: string, value?: unknown): void {
    this.problems.push(value === undefined ? { path, message } : { path, message, value: shortened(value) });
  }
}

/** Unicode code points, as JSON Schema counts. */
function charsOf(text: string): number {
  if (text.length <= eventLimits.textCharsMax) return text.length;
  let chars = 0;
  for (let at = 0; at < text.length; chars++) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return chars;
}

/** UTF-8 bytes; for an event that is small in any case an upper bound, which costs nothing. */
function bytesOf(event: Event): number {
  const bound = 3 * (event.event_id.length + event.event_type.length + event.user_id.length + event.payload.length);
  if (bound <= eventLimits.eventBytesMax) return bound;
  return (
    Buffer.byteLength(event.event_id) +
    Buffer.byteLength(event.event_type) +
    Buffer.byteLength(event.user_id) +
    Buffer.byteLength(event.payload)
  );
}
