/**
 * Reads an RFC 3339 time (`2026-01-13T10:00:00.250+01:00`) from `bytes[start, end)`.
 *
 * Any offset is taken, `-00:00` too; fractions of a second are cut to milliseconds; `T` and `Z` may be small; at
 * most 64 characters in all. A leap second, `23:59:60` in UTC at the end of a month, is the first second of the next day, as in POSIX time.
 *
 * @returns milliseconds since the epoch, negative before 1970; NaN when it is not such a time or the day is in no calendar.
 */
export function readTimestamp(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 20 || end - start > charsMax || !separatorsFit(bytes, start)) return NaN;
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  const hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  // A NaN among them makes every comparison false.
  if (
    !(
      year >= 0 &&
      month >= 1 &&
      month <= 12 &&
      day >= 1 &&
      day <= daysOf(year, month) &&
      hour <= 23 &&
      minute <= 59 &&
      second <= 60
    )
  )
    return NaN;
  const local = (((daysBefore(year, month) + day - 1) * 24 + hour) * 60 + minute) * 60_000 + second * 1000;
  const utc = local + shiftOf(bytes, start + 19, end);
  return second === 60 && !isMonthStart(utc) ? NaN : utc;
}

const charsMax = 64;

/** The same, from a text. */
export function parseTimestamp(text: string): number {
  // A character beyond Latin-1 becomes some byte; the bound on the length keeps such a text from being copied.
  if (text.length > charsMax || /[^\x20-\x7e]/.test(text)) return NaN;
  const bytes = Buffer.from(text, "latin1");
  return readTimestamp(bytes, 0, bytes.length);
}

/**
 * What the fraction and the offset add, ms; NaN when they are wrong or something stands behind them. A small number: what does not fit
 * into 31 bits is returned on the heap, and this is done for every event.
 */
function shiftOf(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  let millis = 0;
  if (bytes[at] === dot) {
    let scale = 100;
    const first = ++at;
    for (; at < end && isDigit(bytes[at]!); at++, scale = Math.floor(scale / 10)) millis += (bytes[at]! - zero) * scale;
    if (at === first) return NaN;
  }
  return millis - readOffset(bytes, at, end) * 60_000;
}

/** Minutes east of UTC; NaN when it is not an offset that ends at `end`. */
function readOffset(bytes: Uint8Array, at: number, end: number): number {
  const sign = bytes[at]!;
  if (end - at === 1) return (sign | 32) === smallZ ? 0 : NaN;
  if (end - at !== 6 || bytes[at + 3] !== colon || (sign !== plus && sign !== dash)) return NaN;
  const hours = twoDigits(bytes, at + 1);
  const minutes = twoDigits(bytes, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return NaN;
  return (hours * 60 + minutes) * (sign === dash ? -1 : 1);
}

const zero = 48;
const dash = 45;
const plus = 43;
const dot = 46;
const colon = 58;
const smallT = 116;
const smallZ = 122;

function separatorsFit(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at + 4] === dash &&
    bytes[at + 7] === dash &&
    (bytes[at + 10]! | 32) === smallT &&
    bytes[at + 13] === colon &&
    bytes[at + 16] === colon
  );
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= 57;
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const high = bytes[at]!;
  const low = bytes[at + 1]!;
  return isDigit(high) && isDigit(low) ? (high - zero) * 10 + low - zero : NaN;
}

const monthDays = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const daysBeforeMonth = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysOf(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : monthDays[month]!;
}

/** Days from the epoch to the first of the month. */
function daysBefore(year: number, month: number): number {
  const y = year - 1;
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) - 477;
  return (year - 1970) * 365 + leapDays + daysBeforeMonth[month]! + (month > 2 && isLeap(year) ? 1 : 0);
}

function isMonthStart(utc: number): boolean {
  const date = new Date(Math.floor(utc / 1000) * 1000);
  return date.getUTCDate() === 1 && utc - Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) < 1000;
}
