import { isUtf8 } from "node:buffer";

/** Sees the pieces of a stream, and knows whether all of them so far are UTF-8; a character may end in the next piece. */
export class Utf8Watch {
  #isBroken = false;
  #begun: Buffer = Buffer.alloc(0);

  get isBroken(): boolean {
    return this.#isBroken;
  }

  see(piece: Buffer): void {
    if (this.#isBroken) return;
    const bytes = this.#begun.length === 0 ? piece : Buffer.concat([this.#begun, piece]);
    const whole = bytes.length - unfinished(bytes);
    this.#isBroken = !isUtf8(bytes.subarray(0, whole));
    this.#begun = Buffer.from(bytes.subarray(whole));
  }

  /** Nothing follows. */
  end(): void {
    this.#isBroken ||= this.#begun.length > 0;
  }
}

/** Bytes at the end that begin a character and don't end it. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte >> 6 === 0b10) continue;
    const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return wanted > back ? back : 0;
  }
  return 0;
}
