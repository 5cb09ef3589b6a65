import { freeBytes } from "../../lib/free-bytes.ts";
import type { OffsetRange } from "../../event/position.ts";
import type { WeirError } from "../../lib/errors.ts";

/** An append that is not answered yet. */
export interface Waiting {
  readonly count: number;
  readonly bytes: number;
  readonly resolve: (ranges: readonly OffsetRange[]) => void;
  readonly reject: (error: WeirError) => void;
}

/** Appends packed back to back, in memory that can be handed to the writer's thread. */
export interface Group {
  readonly count: number;
  readonly body: ArrayBuffer;
  readonly waiting: readonly Waiting[];
}

const bytesAtFirst = 256 << 10;
/** What is kept for the next group; a larger one has memory of its own. */
const keptBytesMax = 8 << 20;

/** Gathers appends in memory that is used again and again, so that a request leaves nothing behind to be cleared away. */
export class OpenGroup {
  #bytes = Buffer.allocUnsafeSlow(bytesAtFirst);
  #length = 0;
  #count = 0;
  #waiting: Waiting[] = [];

  /** Bytes gathered. */
  get length(): number {
    return this.#length;
  }

  /** Copies the bytes: they are the caller's again. */
  add(bytes: Uint8Array, waiting: Waiting): void {
    this.#reserve(this.#length + bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
    this.#count += waiting.count;
    this.#waiting.push(waiting);
  }

  /** What was gathered, of its exact size; begins anew. */
  take(): Group {
    const group = { count: this.#count, body: this.#body(), waiting: this.#waiting };
    this.#length = 0;
    this.#count = 0;
    this.#waiting = [];
    return group;
  }

  /** Of small ones a copy; large memory goes as it is, and is not there twice. */
  #body(): ArrayBuffer {
    if (this.#bytes.byteLength <= keptBytesMax) return this.#bytes.buffer.slice(0, this.#length);
    const body = this.#bytes.buffer.transfer(this.#length);
    this.#bytes = Buffer.allocUnsafeSlow(bytesAtFirst);
    return body;
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.byteLength) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.byteLength * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    freeBytes(this.#bytes);
    this.#bytes = larger;
  }
}
