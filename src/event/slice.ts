const quote = 34;
const backslash = 92;

/** Behind the white space that begins at `at`; `end` at the latest. */
export function behindSpace(bytes: Uint8Array, at: number, end = bytes.length): number {
  let next = at;
  while (next < end && isSpace(bytes[next]!)) next += 1;
  return next;
}

/**
 * The end of the JSON value that begins at `at`, found by its brackets and quotes alone: what lies between may still be no JSON.
 * -1 when it does not end at `end` at the latest; nothing behind that is looked at.
 */
export function behindValue(bytes: Uint8Array, at: number, end = bytes.length): number {
  const first = bytes[at]!;
  if (first === quote) return behindString(bytes, at, end);
  if (!isOpening(first)) return behindScalar(bytes, at, end);
  let depth = 0;
  for (let next = at; next < end; next++) {
    const byte = bytes[next]!;
    if (byte === quote) {
      const behind = behindString(bytes, next, end);
      if (behind < 0) return behind;
      next = behind - 1;
    } else if (isOpening(byte)) depth += 1;
    else if (isClosing(byte) && --depth === 0) return next + 1;
  }
  return -1;
}

function behindString(bytes: Uint8Array, at: number, end: number): number {
  for (let next = at + 1; next < end; next++) {
    if (bytes[next] === quote) return next + 1;
    if (bytes[next] === backslash) next += 1;
  }
  return -1;
}

/** A number, a literal, or nonsense: up to what can't belong to it, but at least one byte. */
function behindScalar(bytes: Uint8Array, at: number, end: number): number {
  let next = at + 1;
  while (next < end && !isSpace(bytes[next]!) && bytes[next] !== 44 && !isClosing(bytes[next]!)) next += 1;
  return next;
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

function isOpening(byte: number): boolean {
  return byte === 123 || byte === 91;
}

function isClosing(byte: number): boolean {
  return byte === 125 || byte === 93;
}
