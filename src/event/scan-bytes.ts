/* The bytes of JSON, and steps over them that `scanner.ts` is made of. Small, so that the compiler can put them in line. */

/** Answered instead of a place: this is for the thorough way. */
export const bail = -1;

export const quote = 34;
export const backslash = 92;
export const minus = 45;
export const dot = 46;
export const comma = 44;
export const colon = 58;
export const zero = 48;
export const openObject = 123;
export const closeObject = 125;
export const openArray = 91;
export const closeArray = 93;

export function space(input: Uint8Array, start: number): number {
  return input[start]! > 32 ? start : behindSpaces(input, start);
}

function behindSpaces(input: Uint8Array, start: number): number {
  let at = start;
  for (let byte = input[at]; byte === 32 || byte === 10 || byte === 13 || byte === 9; byte = input[at]) at += 1;
  return at;
}

/**
 * Skips bytes that stand for themselves in a text, four at a time: no quote, no backslash, no control character. What is
 * behind is still to be looked at byte by byte. No word begins at or behind `wordsEnd`.
 */
export function behindPlain(view: DataView, start: number, wordsEnd: number): number {
  let at = start;
  for (; at < wordsEnd; at += 4) {
    const word = view.getInt32(at, true);
    const quotes = word ^ 0x22222222;
    const backslashes = word ^ 0x5c5c5c5c;
    // The highest bit of a byte is set if it is below 32, or 0 in one of the two; bytes of 128 and more never count.
    const odd =
      ((word - 0x20202020) & ~word) | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes);
    if ((odd & 0x80808080) !== 0) break;
  }
  return at;
}

/** The closing quote of a text without escapes and control characters. */
export function textEnd(input: Uint8Array, start: number): number {
  for (let at = start; ; at++) {
    const byte = input[at]!;
    if (byte === quote) return at;
    if (!(byte >= 32) || byte === backslash) return bail;
  }
}

/** The end of an integer of at most 15 digits, in the way that it is written canonically (so no -0, no zero in front). */
export function integerEnd(input: Uint8Array, start: number): number {
  const first = input[start] === minus ? start + 1 : start;
  let at = first;
  while (isDigit(input[at])) at += 1;
  const digits = at - first;
  if (digits === 0 || digits > 15) return bail;
  if (input[first] === zero && (digits > 1 || first !== start)) return bail;
  return at;
}

export function readInteger(input: Uint8Array, start: number, end: number): number {
  if (input[start] === minus) return NaN;
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + input[at]! - zero;
  return value;
}

export function startsWithZeros(input: Uint8Array, at: number, count: number): boolean {
  for (let index = 0; index < count; index++) if (input[at + index] !== zero) return false;
  return true;
}

/** What may stand behind a number; an exponent or letters may not. */
export function isNumberEnd(byte: number | undefined): boolean {
  return (
    byte === comma ||
    byte === closeObject ||
    byte === closeArray ||
    byte === 32 ||
    byte === 10 ||
    byte === 13 ||
    byte === 9
  );
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 57;
}

/** Quote, backslash, b, f, n, r, t: canonical JSON has them as they are. `\/` and `\u0041` it writes in another way. */
export function isPlainEscape(byte: number): boolean {
  return (
    byte === quote || byte === backslash || byte === 98 || byte === 102 || byte === 110 || byte === 114 || byte === 116
  );
}

export function putTimestamp(output: Uint8Array, at: number, timestamp: number): number {
  const high = Math.floor(timestamp / 0x1_0000_0000);
  const low = timestamp - high * 0x1_0000_0000;
  output[at] = low;
  output[at + 1] = low >>> 8;
  output[at + 2] = low >>> 16;
  output[at + 3] = low >>> 24;
  output[at + 4] = high;
  output[at + 5] = high >>> 8;
  output[at + 6] = high >>> 16;
  output[at + 7] = high >>> 24;
  return at + 8;
}

export function putText(output: Uint8Array, start: number, input: Uint8Array, from: number, to: number): number {
  return putBytes(output, putLength(output, start, to - from), input, from, to);
}

export function putBytes(output: Uint8Array, start: number, input: Uint8Array, from: number, to: number): number {
  let end = start;
  for (let at = from; at < to; at++) output[end++] = input[at]!;
  return end;
}

export function putLength(output: Uint8Array, start: number, length: number): number {
  let at = start;
  let rest = length;
  for (; rest >= 128; rest >>>= 7) output[at++] = (rest & 127) | 128;
  output[at++] = rest;
  return at;
}
