import { formatHeader } from "./record.ts";
import type { RawRecord } from "./record.ts";

/** A record as it lies in a batch. */
export interface BatchRecord extends RawRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
}

/**
 * The records of an open batch; keys and headers are passed over, and nothing is made of them: two bytes of a batch are
 * enough for a header, and millions of them would otherwise take the memory of every process that reads it.
 * @throws RangeError where they do not say what lies there.
 */
export function recordsIn(bytes: Buffer, count: number): readonly BatchRecord[] {
  const walk = new Walk(bytes);
  return Array.from({ length: count }, (_, index) => walk.record(index));
}

class Walk {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  record(index: number): BatchRecord {
    const length = this.#varint();
    const end = this.#at + length;
    // Its attributes say nothing yet.
    this.#at += 1;
    const timestampDelta = this.#varint();
    const offsetDelta = this.#varint();
    this.#pass();
    const value = this.#passed();
    const format = this.#format();
    if (this.#at !== end) throw new RangeError(`its record ${index} is not as long as it says (${length} bytes)`);
    return { offsetDelta, timestampDelta, value, format };
  }

  /** What the first header of that name says; undefined: there is none. */
  #format(): Buffer | null | undefined {
    let format: Buffer | null | undefined;
    for (let left = this.#varint(); left > 0; left--) {
      const isFormat = this.#isFormat(this.#pass());
      if (isFormat && format === undefined) format = this.#passed();
      else this.#pass();
    }
    return format;
  }

  /** Whether these bytes, which have just been passed, are the name of our header. */
  #isFormat(length: number): boolean {
    if (length !== formatHeader.length) return false;
    return formatHeader.compare(this.#bytes, this.#at - length, this.#at) === 0;
  }

  /** The bytes that are next, behind their length; null: there is none. A view. */
  #passed(): Buffer | null {
    const length = this.#pass();
    return length < 0 ? null : this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Passes bytes and answers their length. */
  #pass(): number {
    const length = this.#varint();
    if (length > 0) this.#at += length;
    if (length < -1 || this.#at > this.#bytes.length) throw new RangeError("it is cut off");
    return length;
  }

  /** Of 64 bits at most, which is exact up to 2^53: no time and no length is larger. */
  #varint(): number {
    // No pair: until this is compiled, each would be an object, and there may be millions.
    let value = 0;
    let scale = 1;
    for (let left = 10; left > 0; left--) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError("it is cut off");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    throw new RangeError("a number in it does not end");
  }
}
