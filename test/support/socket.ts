import { once } from "node:events";
import { connect } from "node:net";
import type { AddressInfo, Server } from "node:net";

/** Begins to listen on loopback, on a port of the system's choice; resolves to it. */
export async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What a raw connection has said until it was closed by the other side. */
export interface Conversation {
  /** Sends more bytes. */
  write(bytes: string | Uint8Array): void;
  /** Resolves with all that was received once the other side has closed. */
  readonly closed: Promise<string>;
  /** What was received until now. */
  readonly received: () => string;
  destroy(): void;
}

/** Opens a bare TCP connection to a server on this machine, for requests that no HTTP client would send. */
export function converse(port: number): Conversation {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => (received += text));
  socket.on("error", () => {});
  const closed = new Promise<string>((resolve) => socket.on("close", () => resolve(received)));
  const write = (bytes: string | Uint8Array): void => void socket.write(bytes);
  return { write, closed, received: () => received, destroy: () => socket.destroy() };
}
