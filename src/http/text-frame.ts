/** A text as it goes over a WebSocket: one final frame, not masked, as servers send them. Source: RFC 6455, section 5.2. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.byteLength(text);
  const head = headOf(payload);
  const frame = Buffer.allocUnsafe(head.length + payload);
  head.copy(frame);
  frame.write(text, head.length);
  return frame;
}

const finalText = 0x81;
/** Above it two bytes say the length, or eight. */
const shortMax = 125;
const mediumMax = 0xff_ff;

function headOf(payload: number): Buffer {
  if (payload <= shortMax) return Buffer.from([finalText, payload]);
  if (payload <= mediumMax) return Buffer.from([finalText, 126, payload >> 8, payload & 0xff]);
  const head = Buffer.alloc(10);
  head.writeUInt8(finalText, 0);
  head.writeUInt8(127, 1);
  head.writeBigUInt64BE(BigInt(payload), 2);
  return head;
}

const keptMax = 8;
/** Of their texts together; the newest is kept however long it is. */
const keptCharsMax = 4 * 1024 * 1024;

/**
 * Frames of texts that many get: made once, and the same bytes wait in every socket. A few are kept, since one client after the
 * other gets the same few texts: the windows that have closed, then what has changed, or a snapshot from one of several moments.
 */
export class TextFrames {
  readonly #framed: (text: string) => Buffer;
  /** The newest last. */
  readonly #kept = new Map<string, Buffer>();
  #chars = 0;

  /** `framed`: how a text is framed; left out: for a WebSocket. */
  constructor(framed = textFrame) {
    this.#framed = framed;
  }

  of(text: string): Buffer {
    return this.#kept.get(text) ?? this.#add(text, this.#framed(text));
  }

  #add(text: string, frame: Buffer): Buffer {
    this.#kept.set(text, frame);
    this.#chars += text.length;
    for (const oldest of this.#kept.keys()) {
      if (oldest === text || (this.#kept.size <= keptMax && this.#chars <= keptCharsMax)) break;
      this.#kept.delete(oldest);
      this.#chars -= oldest.length;
    }
    return frame;
  }
}
