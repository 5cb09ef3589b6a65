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

/** Frames of texts that many get one after the other: made once, and the same bytes wait in every socket. */
export class TextFrames {
  #text = "";
  #frame = textFrame("");

  of(text: string): Buffer {
    if (text !== this.#text) {
      this.#frame = textFrame(text);
      this.#text = text;
    }
    return this.#frame;
  }
}
