import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { FastifyInstance } from "fastify";
import { WebSocketServer } from "ws";
import type { ServerOptions as SocketOptions } from "ws";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { ErrorCode } from "../lib/errors.ts";
import type { LiveHub } from "../live/observed.ts";
import { closeCodes } from "../protocol/live.ts";
import { Carried, CarriedSocket } from "./carried.ts";
import { type HostNames, hostCheck } from "./host-names.ts";
import { Pinged } from "./pinged.ts";
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
    const sockets = new WebSocketServer<typeof CarriedSocket>(socketOptions(options));
    const pinged = new Pinged(options.clock, options.pingMs ?? 8000);
    const carrier = { pinged, frames: new TextFrames() };
    const refuse = (socket: Duplex, code: ErrorCode, message: string): void =>
      refuseUpgrade(socket, new WeirError(code, message));
    const isForeign = options.hostNames && hostCheck(server.server, options.hostNames);
    let stopping = false;
    sockets.on("wsClientError", ({ message }, socket) => refuse(socket, "bad_request", message));
    server.server.on("upgrade", (request, socket, head) => {
      socket.on("error", destroyed);
      if (pathOf(request) !== "/live-stats") return refuse(socket, "unknown_route", "only /live-stats is a WebSocket");
      const foreign = isForeign?.(request.headers.host);
      if (foreign !== undefined) return refuseUpgrade(socket, foreign);
      if (!originAllowed(request, options.origins))
        return refuse(socket, "origin_refused", `the origin ${request.headers.origin} is not allowed`);
      if (stopping) return refuse(socket, "stopping", closeCodes.stopping.reason);
      if (hub.isFull) return refuse(socket, "overloaded", closeCodes.too_many_sockets.reason);
      sockets.handleUpgrade(request, socket, head, (ws) => new Carried(ws, socket, carrier).start(hub));
    });
    const stopPinging = options.clock.every(pinged.turnMs, () => pinged.next());
    closeWithServer(server, hub, () => {
      stopping = true;
      stopPinging();
      sockets.close();
    });
  };
}

/** The same function for all sockets: see `Carried`. */
function destroyed(this: Duplex): void {
  this.destroy();
}

/** `closeTimeout` is documented by the library; its published types lag behind. */
function socketOptions(
  options: LiveSocketOptions,
): SocketOptions<typeof CarriedSocket> & { readonly closeTimeout: number } {
  return {
    noServer: true,
    WebSocket: CarriedSocket,
    // Nobody asks for the list: who watches is known to the hub.
    clientTracking: false,
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
