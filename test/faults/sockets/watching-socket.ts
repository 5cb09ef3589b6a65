import { connect, type Socket } from "node:net";
import { clientFrame, firstFrame, type Frame } from "../../support/raw-web-socket.ts";
import { Assembling } from "./assembling.ts";
import { type OpenOrder, sharedNow } from "./order.ts";

const slowlyEveryMs = 5000;
const tickGroup = /,"tick",(\d+)\]/;

/** A client that costs little, so that thousands fit beside the server: notes when which value of the ticks came. */
export class WatchingSocket {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #slowly: NodeJS.Timeout | undefined;
  /** By value, when it came. */
  readonly arrivals = new Map<number, number>();
  /** Code and reason of the close frame. */
  end = "";
  /** In the mode `delta`. */
  readonly assembling: Assembling | undefined;
  readonly opened: Promise<void>;
  readonly ended: Promise<void>;

  constructor(order: OpenOrder) {
    const { hostname, port } = new URL(order.url);
    this.assembling = order.mode === "delta" ? new Assembling(order.rules) : undefined;
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay();
    this.#socket.write(
      `GET /live-stats HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    this.ended = new Promise((resolve) => this.#socket.on("close", () => resolve()));
    this.opened = new Promise((resolve, reject) => {
      this.#socket.on("error", reject);
      void this.ended.then(() => reject(new Error("closed before it was open")));
      this.#socket.on("data", (bytes) => this.#take(bytes, resolve, reject));
    });
    this.opened.then(
      () => this.#begin(order),
      () => {},
    );
  }

  /** Reads all that there is. */
  resume(): void {
    clearInterval(this.#slowly);
    this.#socket.resume();
  }

  #begin({ rules, reading, mode, intervalMs = 250 }: OpenOrder): void {
    this.#say(1, JSON.stringify({ subscribe_rules: rules, mode, interval_ms: intervalMs }));
    if (reading !== "all") this.#socket.pause();
    if (reading === "slowly") this.#readSlowly();
  }

  #readSlowly(): void {
    this.#slowly = setInterval(() => {
      this.#socket.once("data", () => this.#socket.pause()).resume();
    }, slowlyEveryMs);
  }

  #say(opcode: number, text: string | Buffer): void {
    this.#socket.write(clientFrame(opcode, Buffer.from(text)));
  }

  #take(bytes: Buffer, opened: () => void, failed: (error: Error) => void): void {
    this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
    if (!this.#isOpen) {
      const headEnd = this.#received.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const head = this.#received.toString("latin1", 0, headEnd);
      if (!head.startsWith("HTTP/1.1 101")) return failed(new Error(head));
      this.#received = this.#received.subarray(headEnd + 4);
      this.#isOpen = true;
      opened();
    }
    for (let frame = firstFrame(this.#received); frame; frame = firstFrame(this.#received)) {
      this.#received = this.#received.subarray(frame.end);
      this.#heard(frame);
    }
  }

  #heard({ opcode, payload }: Frame): void {
    if (opcode === 9) this.#say(10, payload);
    if (opcode === 8) {
      this.end = payload.length < 2 ? "none" : `${payload.readUInt16BE(0)} ${payload.toString("utf8", 2)}`;
      this.#say(8, payload.subarray(0, 2));
      this.#socket.end();
    }
    const value = opcode === 1 ? this.#valueIn(payload.toString("latin1")) : undefined;
    if (value !== undefined && !this.arrivals.has(Number(value))) this.arrivals.set(Number(value), sharedNow());
  }

  #valueIn(text: string): string | undefined {
    return this.assembling === undefined ? tickGroup.exec(text)?.[1] : this.assembling.take(text);
  }
}
