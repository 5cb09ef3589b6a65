import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { RawData } from "ws";
import type { Client } from "../live/client.ts";
import type { LiveConnection } from "../live/hub.ts";
import type { LiveHub } from "../live/observed.ts";
import { brokenCodes, closeCodes } from "../protocol/live.ts";
import type { CloseReason } from "../protocol/live.ts";
import type { Pinged } from "./pinged.ts";
import type { TextFrames } from "./text-frame.ts";

/** What all sockets of a server share. */
export interface Carrier {
  readonly frames: TextFrames;
  readonly pinged: Pinged;
}

/** A socket as the library has it. What it closes by itself, for broken frames, it closes by a code alone. */
export class CarriedSocket extends WebSocket {
  carried: Carried | undefined;

  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, reason ?? Object.values(brokenCodes).find((broken) => broken.code === code)?.reason);
  }
}

/** A ping without a payload: RFC 6455, section 5.5.2. */
const pingFrame = Buffer.from([0x89, 0]);

/**
 * A client at its socket. All that is to be known of it stands here, and what listens to sockets is the same for all of them: of ten
 * thousand, every closure and every table's entry is a megabyte.
 */
export class Carried implements Client {
  /** When a ping was sent that it has not answered, ms of the monotonic clock; null: it owes no answer. */
  askedAt: number | null = null;
  /** What was sent before this moment has been read. */
  readUntil = 0;
  readonly #ws: CarriedSocket;
  readonly #socket: Duplex;
  readonly #carrier: Carrier;
  #connection: LiveConnection | undefined;

  constructor(ws: CarriedSocket, socket: Duplex, carrier: Carrier) {
    this.#ws = ws;
    this.#socket = socket;
    this.#carrier = carrier;
  }

  /** Carries messages from now on. */
  start(hub: LiveHub): void {
    this.#ws.carried = this;
    this.#carrier.pinged.add(this);
    this.#ws.on("message", onMessage).on("pong", onPong).on("close", onClose).on("error", onError);
    this.#connection = hub.connect(this);
  }

  /**
   * Texts go past the library, which would make bytes of each and frame them for every client: a third of what a push costs. Nothing is
   * compressed, so the library keeps nothing back, and what it sends itself (its answers, the end) stays in order.
   */
  send(text: string): void {
    this.#write(this.#carrier.frames.of(text));
  }

  ping(): void {
    this.#write(pingFrame);
  }

  /** A failed write is followed by the socket's end, which is heard of there. */
  #write(frame: Buffer): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#socket.write(frame);
  }

  bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  close(reason: CloseReason): void {
    const { code, reason: words } = closeCodes[reason];
    this.#ws.close(code, words);
  }

  /** What a message is answered by, which may be an error for each of a thousand rules, goes out in one piece. */
  heard(data: RawData, isBinary: boolean): void {
    this.#carrier.pinged.heard(this);
    if (isBinary) return this.close("text_only");
    this.#socket.cork();
    this.#connection?.receive(textOf(data));
    this.#socket.uncork();
  }

  answered(): void {
    this.#carrier.pinged.answered(this);
  }

  ended(): void {
    this.#carrier.pinged.remove(this);
    this.#connection?.closed();
  }
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  (this as CarriedSocket).carried?.heard(data, isBinary);
}

function onPong(this: WebSocket): void {
  (this as CarriedSocket).carried?.answered();
}

function onClose(this: WebSocket): void {
  (this as CarriedSocket).carried?.ended();
}

/** Broken frames and messages beyond the bound: the library has closed the socket with the code that says which. */
function onError(): void {}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString("utf8");
}
