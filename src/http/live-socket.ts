import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { WebSocket, WebSocketServer } from "ws";
import type { RawData, ServerOptions as SocketOptions } from "ws";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { ErrorCode } from "../lib/errors.ts";
import type { Client } from "../live/client.ts";
import type { LiveConnection } from "../live/hub.ts";
import type { LiveHub } from "../live/observed.ts";
import { brokenCodes, closeCodes } from "../protocol/live.ts";
import { type HostNames, hostCheck } from "./host-names.ts";
import type { Routes } from "./server.ts";
import { TextFrames } from "./text-frame.ts";
import { refuseUpgrade } from "./upgrade.ts";

export interface LiveSocketOptions {
  readonly clock: Clock;
  /** Origins that browsers may come from besides the host that was asked; `*` is any. */
  readonly origins?: readonly string[];
  /** By which names the server may be asked; missing: by any. */
  readonly hostNames?: HostNames;
  /**
   * How often sockets are pinged; one is closed as too slow when it has not read what was sent about twice as long ago.
   * Default 8 s.
   */
  readonly pingMs?: number;
  /** How long the closing handshake may take. Default 1 s. */
  readonly closeMs?: number;
}

/** `WS /live-stats`: carries messages between sockets and the hub. When the server closes, so do the sockets, by 1001. */
export function liveSocket(hub: LiveHub, options: LiveSocketOptions): Routes {
  return (server) => {
    const sockets = new WebSocketServer(socketOptions(options));
    const pinged = new Pinged(options.clock, options.pingMs ?? 8000);
    const frames = new TextFrames();
    const refuse = (socket: Duplex, code: ErrorCode, message: string): void =>
      refuseUpgrade(socket, new WeirError(code, message));
    const isForeign = options.hostNames && hostCheck(server.server, options.hostNames);
    let stopping = false;
    sockets.on("wsClientError", ({ message }, socket) => refuse(socket, "bad_request", message));
    server.server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => socket.destroy());
      if (pathOf(request) !== "/live-stats") return refuse(socket, "unknown_route", "only /live-stats is a WebSocket");
      const foreign = isForeign?.(request.headers.host);
      if (foreign !== undefined) return refuseUpgrade(socket, foreign);
      if (!originAllowed(request, options.origins))
        return refuse(socket, "origin_refused", `the origin ${request.headers.origin} is not allowed`);
      if (stopping) return refuse(socket, "stopping", closeCodes.stopping.reason);
      if (hub.isFull) return refuse(socket, "overloaded", closeCodes.too_many_sockets.reason);
      sockets.handleUpgrade(
        request,
        socket,
        head,
        (ws) => (pinged.add(ws), carry(ws, socket, hub.connect(clientOf(ws, socket, frames)))),
      );
    });
    const stopPinging = options.clock.every(pinged.turnMs, () => pinged.next());
    closeWithServer(server, hub, () => {
      stopping = true;
      stopPinging();
      sockets.close();
    });
  };
}

/** What the library closes by itself, for broken frames, it closes by a code alone. */
class ReasonedSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, reason ?? Object.values(brokenCodes).find((broken) => broken.code === code)?.reason);
  }
}

/** `closeTimeout` is documented by the library; its published types lag behind. */
function socketOptions(options: LiveSocketOptions): SocketOptions & { readonly closeTimeout: number } {
  return {
    noServer: true,
    WebSocket: ReasonedSocket,
    perMessageDeflate: false,
    maxPayload: 16 * 1024,
    maxFragments: 16,
    maxBufferedChunks: 64,
    closeTimeout: options.closeMs ?? 1000,
  };
}

/** A browser says where its page came from; whoever sends no origin is no browser, and could send any. */
export function originAllowed(
  request: Pick<IncomingMessage, "headers">,
  origins: readonly string[] | undefined,
): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (origins?.includes("*") || origins?.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** In turns, so that ten thousand pings don't go out at one moment, and their answers don't come in at one. */
const pingTurns = 10;

/**
 * Closes sockets that are far behind with reading. An answer to a ping tells that what was sent before the ping has been read,
 * not that all has been read until now: it stands behind what was sent before it, as a large snapshot, and who reads a little
 * now and then answers, too, only ever later.
 */
class Pinged {
  readonly turnMs: number;
  readonly #clock: Clock;
  readonly #pingMs: number;
  readonly #turns = Array.from({ length: pingTurns }, () => new Set<WebSocket>());
  /** Those that have not answered the last ping, and when it was sent; all moments here are of `#now`. */
  readonly #asked = new Map<WebSocket, number>();
  /** What was sent before this moment has been read. */
  readonly #readUntil = new WeakMap<WebSocket, number>();
  /** Sooner than two pings after each other by a turn, as nobody is looked at in between. */
  readonly #behindMsMax: number;
  #added = 0;
  #turn = 0;
  #nextAt = 0;
  /** Since the start of the system, what does not count: the time before this, and for which the server has stood still, ms. */
  #stoodMs: number;

  constructor(clock: Clock, pingMs: number) {
    this.#clock = clock;
    this.#stoodMs = clock.monotonic();
    this.#pingMs = pingMs;
    this.turnMs = pingMs / pingTurns;
    this.#behindMsMax = 2 * pingMs - this.turnMs;
  }

  add(ws: WebSocket): void {
    const turn = this.#turns[this.#added++ % pingTurns]!;
    turn.add(ws);
    this.#readUntil.set(ws, this.#now);
    ws.on("pong", () => this.#answered(ws));
    // Who owes an answer may send what he likes: he does not read.
    ws.on("message", () => void (this.#asked.has(ws) || this.#readUntil.set(ws, this.#now)));
    ws.once("close", () => (turn.delete(ws), this.#asked.delete(ws)));
  }

  next(): void {
    const lateMs = this.#now - this.#nextAt - this.turnMs;
    // Who stood still himself has not read what answers there are.
    const stoodStill = lateMs >= this.turnMs;
    if (stoodStill) this.#stoodMs += lateMs;
    this.#nextAt = this.#now;
    if (!stoodStill) this.#closeThoseBehind();
    this.#turn = (this.#turn + 1) % pingTurns;
    for (const ws of this.#turns[this.#turn]!) if (!this.#asked.has(ws)) this.#ask(ws);
  }

  #closeThoseBehind(): void {
    for (const ws of this.#asked.keys())
      if (this.#now - (this.#readUntil.get(ws) ?? 0) >= this.#behindMsMax) closeSlow(ws);
  }

  /** Ms by a clock that stands still when the server does: nobody could read then what he was to be sent. */
  get #now(): number {
    return this.#clock.monotonic() - this.#stoodMs;
  }

  #ask(ws: WebSocket): void {
    this.#asked.set(ws, this.#now);
    ws.ping();
  }

  #answered(ws: WebSocket): void {
    const askedAt = this.#asked.get(ws);
    if (askedAt === undefined) return;
    this.#asked.delete(ws);
    this.#readUntil.set(ws, askedAt);
    // Until its next turn there is no time.
    if (this.#now - askedAt >= this.#pingMs) this.#ask(ws);
  }
}

/** Who reads again later finds out why; the library cuts the connection when the closing handshake is not answered either. */
function closeSlow(ws: WebSocket): void {
  ws.close(closeCodes.too_slow.code, closeCodes.too_slow.reason);
}

/** What a message is answered by, which may be an error for each of a thousand rules, goes out in one piece. */
function carry(ws: WebSocket, socket: Duplex, connection: LiveConnection): void {
  ws.on("message", (data, isBinary) => {
    if (isBinary) return ws.close(closeCodes.text_only.code, closeCodes.text_only.reason);
    socket.cork();
    connection.receive(textOf(data));
    socket.uncork();
  });
  ws.on("close", () => connection.closed());
  // Broken frames and messages beyond the bound: the library has closed the socket with the code that says which.
  ws.on("error", () => {});
}

/**
 * Texts go past the library, which would make bytes of each and frame them for every client: a third of what a push costs. Nothing is
 * compressed, so the library keeps nothing back, and what it sends itself (pings, the end) stays in order.
 */
function clientOf(ws: WebSocket, socket: Duplex, frames: TextFrames): Client {
  return {
    // A failed write is followed by the socket's end, which is heard of there.
    send: (text) => void (ws.readyState === ws.OPEN && socket.write(frames.of(text))),
    bufferedBytes: () => ws.bufferedAmount,
    close: (reason) => ws.close(closeCodes[reason].code, closeCodes[reason].reason),
  };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString("utf8");
}

/** Sockets keep a server from closing: they go first. */
function closeWithServer(server: FastifyInstance, hub: LiveHub, release: () => void): void {
  server.addHook("preClose", (done) => {
    hub.stop();
    release();
    done();
  });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}
