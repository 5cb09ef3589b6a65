import { isUtf8 } from "node:buffer";
import type { EventRules } from "../event/limits.ts";
import { behindSpace, behindValue } from "../event/slice.ts";
import { WeirError } from "../lib/errors.ts";
import { cloudDataCheck, cloudEventCheck } from "./cloudevents.ts";
import type { CloudAttributes } from "./cloudevents.ts";
import { Collector, ReadMemory } from "./collector.ts";
import type { CheckText, ReadEvents } from "./collector.ts";

/**
 * The forms of a body: an array of events or one; a JSON event a line; one CloudEvent; an array of CloudEvents; the data
 * of one CloudEvent, whose attributes came beside it.
 */
export type Form = "json" | "ndjson" | "cloudevent" | "cloudevents" | { readonly dataOf: CloudAttributes };

export interface ReadRules extends EventRules {
  readonly eventsMax: number;
  /** The time of arrival, for forms that may leave the timestamp out; milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Reads the events of a body. `body` is not kept; `accepted` is valid until `memory` is used again.
 *
 * A body is never parsed as a whole: events are cut out first and parsed one by one, so that neither a deep nor a wide body makes more of itself in
 * memory than one event.
 *
 * @throws WeirError `invalid_json`, `empty_batch`, `too_many_events`; broken events are no error but an outcome.
 */
export function readEvents(body: Buffer, form: Form, rules: ReadRules, memory = new ReadMemory()): ReadEvents {
  if (!isUtf8(body)) throw new WeirError("invalid_json", "the body is not valid UTF-8");
  if (typeof form === "object") return readData(body, form.dataOf, rules, memory);
  const start = behindSpace(body, hasMark(body) ? 3 : 0);
  if (start === body.length) throw new WeirError("empty_batch", "the body is empty");
  const collector = new Collector(body, rules, rules.eventsMax, memory);
  if (form === "ndjson") readLines(body, start, collector);
  else if (form === "json") readJson(body, start, collector);
  else readThorough(body, start, collector, form === "cloudevents", cloudEventCheck(rules.now));
  return collector.finish();
}

function readJson(body: Buffer, start: number, collector: Collector): void {
  if (body[start] === openArray) return readArray(body, start, collector);
  if (body[start] !== openObject) throw notThis(start, "an array of events, or one event");
  const end = behindSpace(body, one(body, start, collector));
  if (body[end] === openObject)
    throw notJson(end, "another event follows the end; an event a line is application/x-ndjson");
  expectEnd(body, end);
}

function readThorough(body: Buffer, start: number, collector: Collector, batch: boolean, check: CheckText): void {
  if (batch && body[start] !== openArray)
    throw notThis(start, "an array of CloudEvents (one alone is application/cloudevents+json)");
  if (!batch && body[start] !== openObject)
    throw notThis(start, "one CloudEvent (an array of them is application/cloudevents-batch+json)");
  if (batch) readArray(body, start, collector, check);
  else expectEnd(body, one(body, start, collector, check));
}

/** A CloudEvent may come without data: its body is empty then. */
function readData(body: Buffer, attributes: CloudAttributes, rules: ReadRules, memory: ReadMemory): ReadEvents {
  const start = behindSpace(body, hasMark(body) ? 3 : 0);
  const data = start === body.length ? noData : body.subarray(start);
  const collector = new Collector(data, rules, rules.eventsMax, memory);
  expectEnd(data, one(data, 0, collector, cloudDataCheck(attributes, rules.now)));
  return collector.finish();
}

const noData = Buffer.from("null");

function readArray(body: Buffer, start: number, collector: Collector, check?: CheckText): void {
  let at = behindSpace(body, start + 1);
  if (body[at] === closeArray) return expectEnd(body, at + 1);
  for (;;) {
    at = behindSpace(body, one(body, at, collector, check));
    const byte = body[at];
    if (byte === closeArray) return expectEnd(body, at + 1);
    if (byte !== comma)
      throw notJson(
        at,
        at < body.length ? "an event must be followed by a comma or the end of the array" : "the array has no end",
      );
    at = behindSpace(body, at + 1);
    if (body[at] === closeArray) throw notJson(at, "an event must follow the comma before");
  }
}

/** Takes the event at `at`; answers the place behind it. */
function one(body: Buffer, at: number, collector: Collector, check?: CheckText): number {
  if (!check) {
    const end = collector.fast(at, body.length);
    if (end >= 0) return end;
  }
  const found = at < body.length ? behindValue(body, at) : at;
  const end = found < 0 ? body.length : found;
  try {
    collector.thorough(at, end, undefined, check);
  } catch (error) {
    if (error instanceof SyntaxError) throw notJsonWithin(body, at, end, error);
    throw error;
  }
  return end;
}

/** A line that is not JSON is a broken event like any other: it is named by its number, and `partial` accepts the others. */
function readLines(body: Buffer, start: number, collector: Collector): void {
  let line = 1;
  for (let at = 0; at < start; at++) if (body[at] === lineFeed) line += 1;
  for (let from = start; from < body.length; line++) {
    const found = body.indexOf(lineFeed, from);
    const end = found < 0 ? body.length : found;
    const at = behindSpace(body, from, end);
    if (at < end) readLine(body, at, end, line, collector);
    from = end + 1;
  }
}

/** Never looks behind the line: many that are not closed would be as many ways through all that follows. */
function readLine(body: Buffer, at: number, end: number, line: number, collector: Collector): void {
  const behind = behindValue(body, at, end);
  const isAlone = behind >= 0 && behindSpace(body, behind, end) === end;
  if (isAlone && collector.fast(at, end) >= 0) return;
  try {
    collector.thorough(at, end, line);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { reason, place } = faultOf(error);
    const where = place === undefined ? "" : `, at its character ${place + 1}`;
    collector.refuse({ path: "", message: `is not JSON: ${reason}${where}` }, line);
  }
}

const openArray = 91;
const closeArray = 93;
const openObject = 123;
const comma = 44;
const lineFeed = 10;

/** The UTF-8 byte order mark, which some tools put in front. */
function hasMark(body: Buffer): boolean {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
}

function expectEnd(body: Buffer, at: number): void {
  const end = behindSpace(body, at);
  if (end < body.length) throw notJson(end, "something follows the end");
}

/** The reason that `JSON.parse` gives, and the place in characters when it knows it. */
function faultOf({ message }: SyntaxError): { readonly reason: string; readonly place: number | undefined } {
  const place = / (?:in|after) JSON at position (\d+)/.exec(message)?.[1];
  const reason = message
    .replace(/ in JSON at position \d+.*$/s, "")
    .replace(/ after JSON at position \d+.*$/s, " behind its end")
    .replace(/ is not valid JSON$/, "");
  return { reason: reason.slice(0, 200), place: place === undefined ? undefined : Number(place) };
}

function notJsonWithin(body: Buffer, at: number, end: number, cause: SyntaxError): WeirError {
  const { reason, place } = faultOf(cause);
  if (place === undefined) return notJson(at, `the event that begins here has a mistake: ${reason}`, cause);
  const before = body.toString("utf8", at, end).slice(0, place);
  return notJson(at + Buffer.byteLength(before), reason, cause);
}

function notJson(at: number, reason: string, cause?: unknown): WeirError {
  return new WeirError("invalid_json", `the body is not JSON: at byte ${at}: ${reason}`, {
    details: { byte: at },
    cause,
  });
}

function notThis(at: number, expected: string): WeirError {
  return new WeirError("invalid_json", `the body is not what its content type says: ${expected}`, {
    details: { byte: at },
  });
}
