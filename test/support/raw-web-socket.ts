import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A WebSocket client that sends any bytes, also those that are no frames. */
export class RawWebSocket {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #isEnded = false;
  #heard: () => void = () => {};
  /** The texts that came, one behind the other. */
  texts = "";
  /** Of the close frame that came; 1005: it had none. */
  closeCode: number | undefined;
  closeReason = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", () => {});
    socket.on("close", () => ((this.#isEnded = true), this.#heard()));
  }

  /** Connects to `ws://host:port/path` given as an `http` address. */
  static async open(url: string): Promise<RawWebSocket> {
    const { hostname, port, pathname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    const [head] = (await once(socket, "data")) as [Buffer];
    if (!head.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(head.toString("latin1"));
    return new RawWebSocket(socket);
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** How it went on: the text came, the other side closed, or neither within the time. */
  async until(text: string, timeoutMs: number): Promise<"seen" | "closed" | "silent"> {
    const endsAt = performance.now() + timeoutMs;
    for (;;) {
      if (this.texts.includes(text)) return "seen";
      if (this.#isEnded || this.closeCode !== undefined) return "closed";
      const left = endsAt - performance.now();
      if (left <= 0) return "silent";
      await this.#more(left);
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#heard = () => (clearTimeout(timer), resolve());
    });
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (let frame = firstFrame(this.#received); frame; frame = firstFrame(this.#received)) {
      this.#received = this.#received.subarray(frame.end);
      if (frame.opcode === 1) this.texts = (this.texts + frame.payload.toString("utf8")).slice(-100_000);
      if (frame.opcode === 8) this.closeCode = frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0);
      if (frame.opcode === 8) this.closeReason = frame.payload.subarray(2).toString("utf8");
    }
    this.#heard();
  }
}

/** A frame as clients send it: masked, by zeros, so that the payload can be read. */
export function clientFrame(opcode: number, payload: Buffer, isFinal = true): Buffer {
  const length = payload.length;
  const head =
    length < 126
      ? Buffer.from([0, length])
      : length < 65_536
        ? Buffer.from([0, 126, length >> 8, length & 255])
        : longHead(length);
  head[0] = (isFinal ? 0x80 : 0) | opcode;
  head[1]! |= 0x80;
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

function longHead(length: number): Buffer {
  const head = Buffer.alloc(10);
  head[1] = 127;
  head.writeUInt32BE(length, 6);
  return head;
}

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly end: number;
}

/** The first whole frame of what a server has sent. */
export function firstFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 127;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
  const end = start + length;
  return bytes.length < end ? undefined : { opcode: bytes[0]! & 15, payload: bytes.subarray(start, end), end };
}
