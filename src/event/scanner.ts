import { eventLimits } from "./limits.ts";
import type { EventRules } from "./limits.ts";
import type { PackedWriter } from "./packed.ts";
import {
  backslash,
  bail,
  behindPlain,
  closeArray,
  closeObject,
  colon,
  comma,
  dot,
  integerEnd,
  isDigit,
  isNumberEnd,
  isPlainEscape,
  minus,
  openArray,
  openObject,
  putBytes,
  putLength,
  putText,
  putTimestamp,
  quote,
  readInteger,
  space,
  startsWithZeros,
  textEnd,
  zero,
} from "./scan-bytes.ts";
import { idKey, keyAt, keyLengths, payloadKey, timestampKey, typeKey, userKey } from "./scan-keys.ts";
import { readTimestamp } from "../lib/timestamp.ts";

/** What stands before the payload at most: timestamp, three texts with their lengths, the payload's length. */
const headBytesMax = 8 + 3 * (2 + eventLimits.textCharsMax) + 5;
const keysPerObjectMax = 32;
const nothing = new Uint8Array(0);

/**
 * The fast way of an event: checks its JSON bytes and packs them in one pass, without making strings or objects.
 *
 * It takes only what is plain: no escape in keys and in the three texts, no number that JSON would write in another way, no
 * repeated key, no key with a dot or a digit in front, nothing wrong. For everything else it says so, and the thorough way
 * (`check.ts`) decides. Whatever it takes, it packs byte for byte as the thorough way does: a property test holds both together.
 */
export class EventScanner {
  readonly #writer: PackedWriter;
  #input: Uint8Array = nothing;
  #view: DataView = new DataView(nothing.buffer);
  /** A word may begin before it. */
  #wordsEnd = 0;
  #rules: EventRules = { timestampMax: 0 };
  #output: Buffer = Buffer.alloc(0);
  /** The payload's text is the input but for what was cut out; up to `#kept` it is in the output, up to `#end`. */
  #kept = 0;
  #end = 0;
  #isCut = false;
  /** Hashes of the keys of all objects that are open, the innermost last. */
  readonly #hashes = new Int32Array(keysPerObjectMax * (eventLimits.payloadDepthMax + 1));
  #open = 0;
  #keys = 0;

  constructor(writer: PackedWriter) {
    this.#writer = writer;
  }

  /** What the next calls of `scan` read. `input` must be valid UTF-8. */
  use(input: Uint8Array, rules: EventRules): void {
    this.#input = input;
    this.#view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    this.#wordsEnd = input.length - 3;
    this.#rules = rules;
  }

  /**
   * Packs the event that begins at `start` and ends at `limit` at the latest.
   * @returns the place behind its `}`, or -1 when it must go the thorough way; then nothing is written.
   */
  scan(start: number, limit = this.#input.length): number {
    const input = this.#input;
    const view = this.#view;
    if (input[start] !== openObject) return bail;
    const base = this.#begin(input.length - start);
    let idAt = 0;
    let idEnd = 0;
    let typeAt = 0;
    let typeEnd = 0;
    let userAt = 0;
    let userEnd = 0;
    let timestamp = NaN;
    let payloadAt = 0;
    let payloadEnd = 0;
    let at = space(input, start + 1);
    for (;;) {
      if (input[at] !== quote) return bail;
      const key = keyAt(view, at + 1, input.length);
      if (key === 0) return bail;
      at = space(input, at + keyLengths[key]! + 2);
      if (input[at] !== colon) return bail;
      at = space(input, at + 1);
      if (key === payloadKey) {
        if (payloadEnd !== 0 || input[at] !== openObject) return bail;
        payloadAt = at;
        this.#kept = at;
        at = this.#object(at + 1, 1);
        if (at === bail) return bail;
        payloadEnd = at;
      } else if (input[at] === quote) {
        const from = at + 1;
        const end = textEnd(input, behindPlain(view, from, this.#wordsEnd));
        if (end === bail || end === from || end - from > eventLimits.textCharsMax) return bail;
        at = end + 1;
        if (key === timestampKey) {
          if (!Number.isNaN(timestamp)) return bail;
          timestamp = readTimestamp(input, from, end);
          if (!(timestamp >= 0 && timestamp <= this.#rules.timestampMax)) return bail;
        } else if (key === idKey) {
          if (idEnd !== 0) return bail;
          idAt = from;
          idEnd = end;
        } else if (key === typeKey) {
          if (typeEnd !== 0) return bail;
          typeAt = from;
          typeEnd = end;
        } else {
          if (userEnd !== 0) return bail;
          userAt = from;
          userEnd = end;
        }
      } else {
        const from = at;
        at = integerEnd(input, at);
        if (at === bail) return bail;
        if (key === timestampKey) {
          if (!Number.isNaN(timestamp)) return bail;
          timestamp = readInteger(input, from, at);
          if (!(timestamp >= 0 && timestamp <= this.#rules.timestampMax)) return bail;
        } else if (key === userKey) {
          if (userEnd !== 0) return bail;
          userAt = from;
          userEnd = at;
        } else return bail;
      }
      at = space(input, at);
      const behind = input[at];
      if (behind === comma) at = space(input, at + 1);
      else if (behind === closeObject) break;
      else return bail;
    }
    if (at >= limit || idEnd === 0 || typeEnd === 0 || userEnd === 0 || Number.isNaN(timestamp)) return bail;
    const spareAt = base + headBytesMax;
    if (this.#isCut) this.#cut(payloadEnd, payloadEnd);
    const payloadLength = this.#isCut ? this.#end - spareAt : payloadEnd === 0 ? 2 : payloadEnd - payloadAt;
    if (idEnd - idAt + typeEnd - typeAt + userEnd - userAt + payloadLength > eventLimits.eventBytesMax) return bail;
    const output = this.#output;
    let end = putTimestamp(output, base, timestamp);
    end = putText(output, end, input, idAt, idEnd);
    end = putText(output, end, input, typeAt, typeEnd);
    end = putText(output, end, input, userAt, userEnd);
    end = putLength(output, end, payloadLength);
    if (this.#isCut) output.copyWithin(end, spareAt, spareAt + payloadLength);
    else if (payloadEnd !== 0) putBytes(output, end, input, payloadAt, payloadEnd);
    else {
      output[end] = openObject;
      output[end + 1] = closeObject;
    }
    this.#writer.advance(end + payloadLength);
    return at + 1;
  }

  #begin(inputLeft: number): number {
    const base = this.#writer.length;
    // What is taken is never longer than its JSON text, so the rest of the input bounds the payload.
    this.#output = this.#writer.room(headBytesMax + Math.min(inputLeft, eventLimits.eventBytesMax) + 8);
    this.#end = base + headBytesMax;
    this.#isCut = false;
    this.#open = 0;
    this.#keys = 0;
    return base;
  }

  /** Walks over the object whose `{` is before `start`; answers the place behind its `}`. */
  #object(start: number, depth: number): number {
    const input = this.#input;
    if (depth > eventLimits.payloadDepthMax) return bail;
    const first = this.#open;
    let at = this.#space(start);
    if (input[at] === closeObject) return at + 1;
    for (;;) {
      if (input[at] !== quote) return bail;
      at = this.#key(at + 1, first);
      if (at === bail) return bail;
      at = this.#space(at);
      if (input[at] !== colon) return bail;
      at = this.#value(this.#space(at + 1), depth);
      if (at === bail) return bail;
      at = this.#space(at);
      const behind = input[at];
      if (behind === closeObject) break;
      if (behind !== comma) return bail;
      at = this.#space(at + 1);
    }
    this.#open = first;
    return at + 1;
  }

  /** Walks over a key, from behind its first quote, and refuses one that its object has already (or one of the same hash). */
  #key(start: number, first: number): number {
    const input = this.#input;
    const head = input[start]!;
    if (head >= 48 && head <= 57) return bail;
    let hash = 0;
    let at = start;
    for (; ; at++) {
      const byte = input[at]!;
      if (byte === quote) break;
      // Also true at the end of the input, where there is no byte.
      if (!(byte >= 32) || byte === backslash || byte === dot) return bail;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (at - start > eventLimits.payloadKeyBytesMax) return bail;
    return this.#isNew(hash, first) ? at + 1 : bail;
  }

  #isNew(hash: number, first: number): boolean {
    const hashes = this.#hashes;
    const open = this.#open;
    if (open - first >= keysPerObjectMax || ++this.#keys > eventLimits.payloadKeysMax) return false;
    for (let index = first; index < open; index++) if (hashes[index] === hash) return false;
    hashes[open] = hash;
    this.#open = open + 1;
    return true;
  }

  #value(at: number, depth: number): number {
    const byte = this.#input[at]!;
    if (byte === quote) return this.#text(at + 1);
    if (byte === openObject) return this.#object(at + 1, depth + 1);
    if (byte === openArray) return this.#array(at + 1, depth + 1);
    if (byte === 116) return this.#literal(at, literalTrue);
    if (byte === 102) return this.#literal(at, literalFalse);
    if (byte === 110) return this.#literal(at, literalNull);
    return this.#number(at);
  }

  #array(start: number, depth: number): number {
    const input = this.#input;
    if (depth > eventLimits.payloadDepthMax) return bail;
    let at = this.#space(start);
    if (input[at] === closeArray) return at + 1;
    for (;;) {
      at = this.#value(at, depth);
      if (at === bail) return bail;
      at = this.#space(at);
      const behind = input[at];
      if (behind === closeArray) break;
      if (behind !== comma) return bail;
      at = this.#space(at + 1);
    }
    return at + 1;
  }

  /** Walks over a text from behind its first quote; takes the escapes that canonical JSON writes in the same way. */
  #text(start: number): number {
    const input = this.#input;
    for (let at = behindPlain(this.#view, start, this.#wordsEnd); ; at++) {
      const byte = input[at]!;
      if (byte === quote) return at + 1;
      if (!(byte >= 32)) return bail;
      if (byte === backslash && !isPlainEscape(input[++at]!)) return bail;
    }
  }

  #literal(start: number, literal: Uint8Array): number {
    for (let index = 0; index < literal.length; index++) if (this.#input[start + index] !== literal[index]) return bail;
    return start + literal.length;
  }

  /** Walks over a number of at most 15 digits: these come through a double unchanged. Trailing zeros of a fraction are left out. */
  #number(start: number): number {
    const input = this.#input;
    const whole = integerEnd(input, start);
    if (whole === bail) return this.#smallNegative(start);
    if (input[whole] !== dot) return isNumberEnd(input[whole]) ? whole : bail;
    return this.#fraction(start, whole);
  }

  /** `-0.5`: its whole part is no integer by itself. */
  #smallNegative(start: number): number {
    const input = this.#input;
    if (input[start] !== minus || input[start + 1] !== zero || input[start + 2] !== dot) return bail;
    return this.#fraction(start, start + 2);
  }

  #fraction(start: number, point: number): number {
    const input = this.#input;
    let at = point + 1;
    let significant = point + 1;
    for (; isDigit(input[at]); at++) if (input[at] !== zero) significant = at + 1;
    if (at === point + 1 || !isNumberEnd(input[at]) || at - start > 16) return bail;
    const isWhole = significant === point + 1;
    const isZeroWhole =
      input[point - 1] === zero && (point - start === 1 || (point - start === 2 && input[start] === minus));
    // -0.0 is written 0, and what is below 0.000001 with an exponent.
    if (isZeroWhole && (isWhole ? input[start] === minus : startsWithZeros(input, point + 1, 6))) return bail;
    if (significant < at) this.#cut(isWhole ? point : significant, at);
    return at;
  }

  /** Behind the white space at `start`, which is cut out. */
  #space(start: number): number {
    if (this.#input[start]! > 32) return start;
    const at = space(this.#input, start);
    if (at > start) this.#cut(start, at);
    return at;
  }

  /** Leaves `[from, to)` out of the payload. */
  #cut(from: number, to: number): void {
    const length = from - this.#kept;
    // What finds no room is longer than an event may be, which is found by its length.
    if (this.#end + length <= this.#output.length) putBytes(this.#output, this.#end, this.#input, this.#kept, from);
    this.#end += length;
    this.#kept = to;
    this.#isCut = true;
  }
}

const literalTrue = Buffer.from("true");
const literalFalse = Buffer.from("false");
const literalNull = Buffer.from("null");
