/**
 * Which windows there are, by brute force: time zones are asked of Intl quarter by quarter of an hour. Shares no code with
 * the rule parser or the calendar of the product.
 */
import type { OracleRule } from "./model.ts";

export interface OracleWindow {
  /** Milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
}

export type WindowFields = Pick<OracleRule, "window_size" | "window_type" | "hop" | "timezone">;

/** Every window that holds the moment, at whose end anything may be answered. `step`: of that length instead. */
export function windowsAround(rule: WindowFields, at: number, step?: string): OracleWindow[] {
  const whole = spanAround(step ?? rule.window_size, rule.timezone, at);
  if (step !== undefined || rule.hop === undefined) return [whole];
  if (rule.window_type === "cumulative")
    return hopEnds(rule, whole)
      .filter((end) => end > at)
      .map((end) => ({ start: whole.start, end }));
  const [size, hop] = [milliseconds(rule.window_size)!, milliseconds(rule.hop)!];
  const windows: OracleWindow[] = [];
  for (let start = at - (at % hop); start > at - size; start -= hop)
    if (start >= 0) windows.push({ start, end: start + size });
  return windows;
}

/** The window of this length, or of the calendar, that holds the moment. */
export function spanAround(size: string, timezone: string | undefined, at: number): OracleWindow {
  const length = fixedLength(size, timezone);
  if (length !== undefined) return { start: at - (at % length), end: at - (at % length) + length };
  return calendarWindow(size, timezone ?? "UTC", at);
}

/** When events begin to be late: the earliest end of their windows. */
export function earliestEnd(rule: WindowFields, at: number): number {
  // A day of a zone is no fixed length, and knows where its first one begins.
  const hop = rule.hop === undefined ? undefined : fixedLength(rule.hop, rule.timezone);
  // In the first hours of 1970 also the end counts of what began before them, which is no window.
  if (hop !== undefined && at < 2 * 86_400_000) return at - (at % hop) + hop;
  return windowsAround(rule, at).reduce((least, { end }) => Math.min(least, end), Infinity);
}

/** The ends of the hops of a cumulative window. */
export function hopEnds({ hop, timezone }: WindowFields, { start, end }: OracleWindow): number[] {
  const ends: number[] = [];
  for (let at = start; at < end;) {
    at = spanEnd(hop!, timezone, start, at);
    ends.push(Math.min(at, end));
  }
  return ends;
}

function spanEnd(hop: string, timezone: string | undefined, start: number, at: number): number {
  const length = fixedLength(hop, timezone);
  if (length === undefined) return calendarWindow(hop, timezone!, at).end;
  return start + (Math.floor((at - start) / length) + 1) * length;
}

/** Undefined for what is the calendar's: days too, once there is a time zone. */
const fixedLength = (size: string, timezone: string | undefined): number | undefined =>
  timezone !== undefined && size === "1d" ? undefined : milliseconds(size);

/** Of a length in units of fixed size. */
export function milliseconds(size: string): number | undefined {
  const unit = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[size.slice(-1)];
  return unit === undefined ? undefined : Number(size.slice(0, -1)) * unit;
}

const quarter = 900_000;
const known = new Map<string, OracleWindow>();

/**
 * A day, week or month: as long as the zone's clocks show its dates. Nothing begins before the first midnight of 1970, and
 * what is earlier belongs to what begins there.
 */
function calendarWindow(unit: string, timezone: string, at: number): OracleWindow {
  const key = `${timezone} ${nameAt(unit, timezone, at)}`;
  const before = known.get(key);
  if (before !== undefined && at < before.end) return before;
  const start = Math.max(startOf(unit, timezone, at), firstMidnight(timezone));
  const name = nameAt(unit, timezone, start);
  let end = start + quarter;
  while (nameAt(unit, timezone, end) === name) end += quarter;
  known.set(key, { start, end });
  return { start, end };
}

function startOf(unit: string, timezone: string, at: number): number {
  const name = nameAt(unit, timezone, at);
  let start = at - (at % quarter);
  while (start > 0 && nameAt(unit, timezone, start - 1) === name) start -= quarter;
  return start;
}

const midnights = new Map<string, number>();

function firstMidnight(timezone: string): number {
  let at = midnights.get(timezone) ?? 0;
  while (dateAt(timezone, at) === dateAt(timezone, at - 1)) at += quarter;
  midnights.set(timezone, at);
  return at;
}

/** A name that a day, week or month has alone. */
function nameAt(unit: string, timezone: string, at: number): string {
  const date = dateAt(timezone, at);
  if (unit === "1d") return date;
  if (unit === "1mo") return date.slice(0, 7);
  const day = Date.parse(date);
  return `week of ${new Date(day - ((new Date(day).getUTCDay() + 6) % 7) * 86_400_000).toISOString()}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dateAt(timeZone: string, at: number): string {
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat("en-CA", { timeZone, dateStyle: "short" });
  formats.set(timeZone, format);
  return format.format(at);
}
