import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** Parameters of statements may be in the address. */
const headerBytesMax = 2 ** 24;

export interface LoopbackServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * An HTTP server on loopback, on a port of the system's choice. A connection is cut whose request can't be answered, or that wants to
 * be a WebSocket and `upgraded` is left out.
 */
export async function serveOnLoopback(
  answer: (incoming: IncomingMessage, answer: ServerResponse) => Promise<void>,
  upgraded?: (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Promise<LoopbackServer> {
  const server = createServer({ maxHeaderSize: headerBytesMax }, (incoming, outgoing) => {
    outgoing.on("error", () => {});
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  if (upgraded !== undefined) server.on("upgrade", upgraded);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close };
}
