import { WeirError } from "../lib/errors.ts";
import { freeBytes, freeIfWhole } from "../lib/free-bytes.ts";

export interface BodyLimits {
  /** Bytes once decoded; checked while they arrive. */
  readonly bytesMax: number;
  /** Called with the size of each piece before it is kept; may refuse by throwing. */
  readonly grow: (bytes: number) => void;
}

/** Up to here a body stays in the pieces that it came in. */
export const smallBytesMax = 2 * 1024 * 1024;

/** Of a large body that is decoded. */
const copyBytes = 64 * 1024;

let scratch = Buffer.alloc(0);

/**
 * The bytes of one body while they come. A large body is copied into memory of its own, which is freed with it: as
 * pieces it would stay for the garbage collector, and a few refused bodies would be hundreds of megabytes.
 */
export class GatheredBody {
  readonly #bytesMax: number;
  readonly #expected: number;
  #pieces: Buffer[] = [];
  #large: Buffer | undefined;
  #length = 0;

  /** At most `bytesMax` are added; `expected`, the bytes that are announced, saves copying where it is true. */
  constructor(bytesMax: number, expected = 0) {
    this.#bytesMax = bytesMax;
    this.#expected = Math.min(expected, bytesMax);
  }

  get length(): number {
    return this.#length;
  }

  /** Answers whether the piece was copied; else it is kept, and no longer the caller's. */
  add(piece: Buffer): boolean {
    const length = this.#length + piece.length;
    const isKept = this.#large === undefined && length <= smallBytesMax;
    if (isKept) this.#pieces.push(piece);
    else piece.copy(this.#room(length), this.#length);
    this.#length = length;
    return !isKept;
  }

  /** All of them, until this or another body is asked for its own, or released. */
  bytes(): Buffer {
    if (this.#large) return this.#large.subarray(0, this.#length);
    const [first] = this.#pieces;
    if (first && this.#pieces.length === 1) return first;
    if (scratch.length < this.#length) scratch = Buffer.allocUnsafeSlow(Math.min(smallBytesMax, this.#length * 2));
    copyAll(this.#pieces, scratch);
    return scratch.subarray(0, this.#length);
  }

  /**
   * The pieces that `bytes` would join, each to be used until the next is asked for; they stay readable when the body is released
   * meanwhile: a decoder may be reading one in a thread of its own, which nobody can wait for.
   */
  *pieces(): Generator<Buffer> {
    if (this.#large === undefined) return yield* this.#pieces;
    const copy = Buffer.allocUnsafeSlow(copyBytes);
    for (let at = 0; this.#large !== undefined && at < this.#length; at += copyBytes) {
      const length = this.#large.copy(copy, 0, at, Math.min(at + copyBytes, this.#length));
      yield copy.subarray(0, length);
    }
  }

  /** Nobody looks at it any more, nor at its pieces: all that it takes is given back at once. */
  free(): void {
    for (const piece of this.#pieces) freeIfWhole(piece);
    this.release();
  }

  /** The same where somebody may still be reading one of the `pieces`, which are left to the collector. */
  release(): void {
    if (this.#large) freeBytes(this.#large);
    this.#large = undefined;
    this.#pieces = [];
    this.#length = 0;
  }

  /**
   * What is only reserved costs nothing: the system gives memory when it is written to. In few large steps, since what
   * is smaller comes from the allocator's heap and stays there when it is freed.
   */
  #room(needed: number): Buffer {
    const old = this.#large;
    if (old && needed <= old.length) return old;
    const wanted = Math.max(needed, this.#expected || Math.min(this.#bytesMax, 16 * needed));
    const large = Buffer.allocUnsafeSlow(wanted);
    copyAll(old ? [old.subarray(0, this.#length)] : this.#pieces, large);
    for (const piece of this.#pieces) freeIfWhole(piece);
    if (old) freeBytes(old);
    this.#pieces = [];
    return (this.#large = large);
  }
}

function copyAll(pieces: readonly Buffer[], into: Buffer): void {
  let at = 0;
  for (const piece of pieces) at += piece.copy(into, at);
}

export function tooLarge(bytesMax: number): WeirError {
  return new WeirError("body_too_large", `the body is larger than ${bytesMax} bytes, decoded`, {
    details: { bytesMax },
  });
}
