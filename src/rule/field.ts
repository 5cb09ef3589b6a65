import { suggest } from "../lib/suggest.ts";
import { type Reading, read, wrong } from "./reading.ts";
import type { FieldRef } from "./rule.ts";

const segmentsMax = 16;
const segmentBytesMax = 128;
// Far above what 16 segments of 128 bytes need, escapes included; it only keeps the reading of nonsense cheap.
const textLengthMax = 16_384;
const suggestionLengthMax = 100;
const plainKey = /[\p{L}\p{N}_$@-]+/uy;
const quotedKey = /\["(?:[^"\\]|\\.)*"\]/uy;

type Column = Exclude<FieldRef["kind"], "payload">;
const columns: readonly Column[] = ["event_type", "user_id"];

/**
 * Reads `event_type`, `user_id` or a payload path such as `payload.items.price` or `payload["odd key"]`; of the two only
 * those that are `allowed`.
 */
export function parseField(text: string, allowed: readonly Column[] = columns): Reading<FieldRef> {
  const column = allowed.find((name) => name === text);
  if (column !== undefined) return read({ kind: column });
  if (text.length > textLengthMax) return wrong(`is longer than ${textLengthMax} characters`);
  if (text === "payload") return wrong("is the whole payload; name a value in it, such as payload.price");
  if (!/^payload[.[]/.test(text))
    return wrong(`must be ${allowed.join(", ")} or a payload path such as payload.price${didYouMean(text, allowed)}`);
  const path = readPath(text);
  return path.ok ? read({ kind: "payload", path: path.value }) : path;
}

/** The text of a field, in its one canonical form: the key of group values in answers. */
export function formatField(field: FieldRef): string {
  return field.kind === "payload" ? `payload${field.path.map(formatSegment).join("")}` : field.kind;
}

/** What to put behind the message on a text that names no field. */
function didYouMean(text: string, allowed: readonly Column[]): string {
  if (text.length > suggestionLengthMax || columns.some((name) => name === text)) return "";
  const first = /^[^.[]*/.exec(text)![0];
  const path = suggest(first, ["payload"]) === undefined ? `payload.${text}` : `payload${text.slice(first.length)}`;
  const meant = suggest(text, allowed) ?? (path !== "payload" && readPath(path).ok ? path : undefined);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

function readPath(text: string): Reading<readonly string[]> {
  const path: string[] = [];
  for (let at = "payload".length; at < text.length;) {
    const segment = text[at] === "." ? plainSegment(text, at) : quotedSegment(text, at);
    if (segment === null) return wrong(`can't be read from character ${at + 1} on; write keys as .key or ["odd key"]`);
    if (!segment.key.isWellFormed()) return wrong("holds half of a surrogate pair");
    if (Buffer.byteLength(segment.key) > segmentBytesMax)
      return wrong(`has a key of more than ${segmentBytesMax} bytes`);
    path.push(segment.key);
    at = segment.end;
  }
  return path.length <= segmentsMax ? read(path) : wrong(`has ${path.length} keys; a path has at most ${segmentsMax}`);
}

interface Segment {
  readonly key: string;
  readonly end: number;
}

function plainSegment(text: string, at: number): Segment | null {
  const key = matchAt(plainKey, text, at + 1);
  return key === null ? null : { key, end: at + 1 + key.length };
}

function quotedSegment(text: string, at: number): Segment | null {
  const found = matchAt(quotedKey, text, at);
  if (found === null) return null;
  try {
    const key: unknown = JSON.parse(found.slice(1, -1));
    return typeof key === "string" ? { key, end: at + found.length } : null;
  } catch {
    return null; // an escape that JSON does not know, or a raw control character
  }
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

function formatSegment(key: string): string {
  return matchAt(plainKey, key, 0) === key ? `.${key}` : `[${JSON.stringify(key)}]`;
}
