/**
 * What a body holds by the contract of `POST /ingest`, read in the simplest way: the whole of it with the platform's own
 * parser. Shares no code with the server, and is the judge of what it takes and what it refuses.
 */
import type { WireEvent } from "../ledger.ts";
import { contractTime } from "./contract-time.ts";
import { exactJson, exactMark, type Json, payloadIsTaken } from "./contract-payload.ts";

export type Form = "json" | "ndjson" | "cloudevent" | "cloudevents" | "binary";

export interface Asked {
  readonly form: Form;
  readonly partial: boolean;
  /** The latest time that is taken. */
  readonly timestampMax: number;
  /** Of binary mode: the attributes that came as headers. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** An event that the contract takes. Without a time it happened on arrival, which the client does not know. */
export type Taken = Omit<WireEvent, "timestamp"> & { readonly timestamp: string | undefined };

/** The events of a body that must be stored; undefined when the request must be refused. */
export function contractOf(body: Uint8Array, asked: Asked): readonly Taken[] | undefined {
  const text = utf8(body);
  const values = text === undefined ? undefined : valuesOf(text, asked);
  if (values === undefined || values.length === 0 || values.length > 10_000) return undefined;
  const events = values.map((value) =>
    eventOf(asked.form === "json" || asked.form === "ndjson" ? value : unwrapped(value), asked),
  );
  const good = events.filter((event) => event !== undefined);
  return asked.partial || good.length === events.length ? good : undefined;
}

function utf8(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** What no event is made of. */
const broken = Symbol("not JSON");

function valuesOf(text: string, { form, attributes }: Asked): readonly unknown[] | undefined {
  if (form === "ndjson") return linesOf(text).map((line) => parsed(line));
  if (form === "binary") return dataOf(text, attributes ?? {});
  const value = parsed(text);
  if (Array.isArray(value)) return form === "cloudevent" ? undefined : value;
  return isObject(value) && form !== "cloudevents" ? [value] : undefined;
}

const linesOf = (text: string): string[] => text.split("\n").filter((line) => /[^ \t\r]/.test(line));

function dataOf(text: string, attributes: Readonly<Record<string, string>>): readonly unknown[] | undefined {
  const data = /^[ \t\r\n]*$/.test(text) ? null : parsed(text);
  return data === broken ? undefined : [{ ...attributes, data }];
}

function parsed(text: string): unknown {
  try {
    return exactJson(text);
  } catch {
    return broken;
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The event in a CloudEvent; anything else is no event. */
function unwrapped(value: unknown): unknown {
  if (!isObject(value) || value["specversion"] !== "1.0" || "data_base64" in value) return broken;
  const event: Record<string, unknown> = {};
  for (const [key, attribute] of renamed) if (Object.hasOwn(value, attribute)) event[key] = value[attribute];
  if (event["payload"] === null) delete event["payload"];
  event["timestamp"] ??= onArrival;
  return event;
}

const onArrival = Symbol("the time of arrival");
const renamed = [
  ["event_id", "id"],
  ["event_type", "type"],
  ["user_id", "subject"],
  ["timestamp", "time"],
  ["payload", "data"],
] as const;

const keys = new Set(["event_id", "event_type", "user_id", "timestamp", "payload"]);

function eventOf(value: unknown, { timestampMax }: Asked): Taken | undefined {
  if (!isObject(value) || !Object.keys(value).every((key) => keys.has(key))) return undefined;
  const { event_id, event_type, user_id, timestamp, payload = {} } = value;
  const user = typeof user_id === "number" && Number.isSafeInteger(user_id) ? String(user_id) : user_id;
  if (!isName(event_id) || !isName(event_type) || !isName(user)) return undefined;
  const time = timestamp === onArrival ? undefined : contractTime(timestamp);
  if (time !== undefined && !(time >= 0 && time <= timestampMax)) return undefined;
  if (!isObject(payload) || !payloadIsTaken(payload, event_id + event_type + user)) return undefined;
  const at = time === undefined ? undefined : new Date(time).toISOString();
  return { event_id, event_type, user_id: user, timestamp: at, payload };
}

function isName(value: unknown): value is string {
  if (typeof value !== "string" || value.startsWith(exactMark)) return false;
  return value !== "" && [...value].length <= 256 && value.isWellFormed();
}
