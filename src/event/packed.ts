import { freeBytes } from "../lib/free-bytes.ts";
import type { Event } from "./event.ts";

/**
 * Events as bytes, the form in which they travel from ingest through the log to the store. Per event, back to back:
 *
 *     timestamp   int64, little endian, milliseconds since the epoch
 *     event_id    string      string = unsigned LEB128 length in bytes, then UTF-8
 *     event_type  string
 *     user_id     string
 *     payload     string
 *
 * This is also the order and encoding of ClickHouse's RowBinary, so that the store copies an event as it is.
 */
export interface PackedEvents {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Where one event lies in packed bytes: `[start, end)`, and its fields' `[start, end)` without the lengths. */
export interface PackedExtent {
  start: number;
  end: number;
  idStart: number;
  idEnd: number;
  timestamp: number;
}

/** Packs events in order; `bytes` grows as needed. One request at a time. */
export class PackedWriter {
  #bytes: Buffer;
  #length = 0;
  #count = 0;

  constructor(capacity = 4096) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
  }

  get count(): number {
    return this.#count;
  }

  add(event: Event): void {
    this.#reserve(
      8 + 4 * 5 + 3 * (event.event_id.length + event.event_type.length + event.user_id.length + event.payload.length),
    );
    this.#length = writeInt64(this.#bytes, this.#length, event.timestamp);
    this.#string(event.event_id);
    this.#string(event.event_type);
    this.#string(event.user_id);
    this.#string(event.payload);
    this.#count += 1;
  }

  /** How many bytes are packed so far. */
  get length(): number {
    return this.#length;
  }

  /** For one who packs by himself: the buffer, with room for `bytes` from `length` on. Valid until the next call of the writer. */
  room(bytes: number): Buffer {
    this.#reserve(bytes);
    return this.#bytes;
  }

  /** Takes one event that was written into `room`, up to `length`. */
  advance(length: number): void {
    this.#length = length;
    this.#count += 1;
  }

  /** Begins anew, in the same memory unless that has become larger than `keptBytesMax`. */
  restart(capacity: number, keptBytesMax: number): void {
    if (this.#bytes.length < capacity || this.#bytes.length > Math.max(keptBytesMax, capacity)) {
      freeBytes(this.#bytes);
      this.#bytes = Buffer.allocUnsafeSlow(capacity);
    }
    this.#length = 0;
    this.#count = 0;
  }

  /** The packed events, valid until the writer is used again. */
  finish(): PackedEvents {
    return { count: this.#count, bytes: this.#bytes.subarray(0, this.#length) };
  }

  #string(text: string): void {
    // The length is written for the usual case, one byte a character, and mended when the text turns out longer.
    const lengthBytes = lebLength(text.length);
    const at = this.#length + lengthBytes;
    const written = this.#bytes.write(text, at, "utf8");
    const shift = lebLength(written) - lengthBytes;
    if (shift > 0) this.#bytes.copyWithin(at + shift, at, at + written);
    writeLeb(this.#bytes, this.#length, written);
    this.#length = at + shift + written;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    freeBytes(this.#bytes);
    this.#bytes = larger;
  }
}

/** Calls `each` for every event in order, with one reused extent (copy what you keep). */
export function walkPacked(events: PackedEvents, each: (extent: PackedExtent, index: number) => void): void {
  const { bytes, count } = events;
  const extent: PackedExtent = { start: 0, end: 0, idStart: 0, idEnd: 0, timestamp: 0 };
  const cursor = { at: 0 };
  for (let index = 0; index < count; index++) {
    extent.start = cursor.at;
    extent.timestamp = readInt64(bytes, cursor.at);
    cursor.at += 8;
    const idLength = readLeb(bytes, cursor);
    extent.idStart = cursor.at;
    cursor.at += idLength;
    extent.idEnd = cursor.at;
    for (let field = 0; field < 3; field++) {
      const length = readLeb(bytes, cursor);
      cursor.at += length;
    }
    extent.end = cursor.at;
    each(extent, index);
  }
  if (cursor.at !== bytes.length)
    throw new RangeError(`packed events end at byte ${cursor.at}, not at ${bytes.length}`);
}

/** The events as objects; for tests, look-ups and bisection, not for the hot path. */
export function unpack(events: PackedEvents): Event[] {
  const buffer = Buffer.from(events.bytes.buffer, events.bytes.byteOffset, events.bytes.byteLength);
  const cursor = { at: 0 };
  const text = (): string => {
    const length = readLeb(buffer, cursor);
    cursor.at += length;
    return buffer.toString("utf8", cursor.at - length, cursor.at);
  };
  return Array.from({ length: events.count }, () => {
    const timestamp = readInt64(buffer, cursor.at);
    cursor.at += 8;
    return { timestamp, event_id: text(), event_type: text(), user_id: text(), payload: text() };
  });
}

/** Packs all of `events`. */
export function pack(events: Iterable<Event>): PackedEvents {
  const writer = new PackedWriter();
  for (const event of events) writer.add(event);
  return writer.finish();
}

function lebLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

function writeLeb(bytes: Uint8Array, at: number, value: number): void {
  let rest = value;
  let index = at;
  for (; rest >= 128; rest >>>= 7) bytes[index++] = (rest & 127) | 128;
  bytes[index] = rest;
}

function readLeb(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new RangeError("packed events are cut off");
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
}

// Timestamps lie between 1970 and 9999, so both halves are non-negative and the value is exact in a double.
function writeInt64(bytes: Buffer, at: number, value: number): number {
  bytes.writeUInt32LE(value % 0x1_0000_0000, at);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
  return at + 8;
}

function readInt64(bytes: Uint8Array, at: number): number {
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  const high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
  return (low >>> 0) + high * 0x1_0000_0000;
}
