import { parseTimestamp } from "./timestamp.ts";

/** RFC 3339 in UTC with `Z`, without a fraction when it is zero. `at` is milliseconds since the epoch, within Date's range. */
export function formatTime(at: number): string {
  const text = new Date(at).toISOString();
  return at % 1000 === 0 ? `${text.slice(0, -5)}Z` : text;
}

/** The latest moment that can be asked for: the last of the year 9999, behind which times have more digits than clients can read. */
export const timeMax = 253_402_300_799_999;

/** Milliseconds since the epoch of an RFC 3339 time, or of such milliseconds in digits; undefined when it is neither. */
export function parseMoment(text: string): number | undefined {
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  // An offset's "+" that was not written as %2B arrives as a space; nothing else can be meant.
  const at = parseTimestamp(text.replace(/ (?=\d\d:\d\d$)/, "+"));
  return Number.isNaN(at) ? undefined : at;
}
