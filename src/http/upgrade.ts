import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WeirError } from "../lib/errors.ts";
import { answerOf } from "./errors.ts";

/** Whether a request is to become a WebSocket. Who offers another protocol (`curl --http2`) is answered in this one, as HTTP allows. */
export const asksForSocket = ({ headers }: Pick<IncomingMessage, "headers">): boolean =>
  headers.upgrade?.toLowerCase() === "websocket";

/** Refuses on a bare socket, as there is no request any more to reply to; a client that does not end its side is not waited for. */
export function refuseUpgrade(socket: Duplex, error: WeirError): void {
  const { status, headers, body } = answerOf(error);
  const text = JSON.stringify(body);
  const all = {
    ...headers,
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(text)),
    // The versions that are spoken, for who asked for another.
    "sec-websocket-version": "13",
    connection: "close",
  };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  // What came and is not read would make the system throw the answer away with the connection.
  socket.resume();
  socket.end(`HTTP/1.1 ${status} ${body.error.code}\r\n${head.join("")}\r\n${text}`, () => socket.destroy());
}
