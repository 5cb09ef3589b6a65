import { createServer, request as open } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface OneOrigin {
  readonly url: string;
  close(): Promise<void>;
}

export interface Behind {
  readonly ingestUrl: () => string;
  readonly queryUrl: () => string;
  /** Answers what is the page's own; false: it is the server's to answer. */
  readonly own: (path: string, answer: ServerResponse) => boolean;
}

/** A page and both ports of a server behind one origin, as a proxy in front of them has it: `/ingest` is the one port's, all else the other's. */
export async function openOneOrigin({ ingestUrl, queryUrl, own }: Behind): Promise<OneOrigin> {
  const portOf = (path: string): string => (path.startsWith("/ingest") ? ingestUrl() : queryUrl());
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? "/";
    if (!own(new URL(path, "http://page").pathname, outgoing)) passOn(portOf(path) + path, incoming, outgoing);
  });
  server.on("upgrade", (incoming, socket, head) => passSocketOn(new URL(queryUrl()), incoming, socket, head));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** With its `Host`: by that the server knows a page as its own. */
function passOn(url: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, headers } = incoming;
  const request = open(url, { method, headers, agent: false }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  request.on("error", () => outgoing.destroy());
  outgoing.on("close", () => request.destroy());
  incoming.pipe(request);
}

function passSocketOn({ hostname, port }: URL, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
  const outgoing = connect(Number(port), hostname);
  for (const [one, other] of [
    [socket, outgoing],
    [outgoing, socket],
  ] as const)
    one.on("error", () => {}).on("close", () => other.destroy());
  const lines = incoming.rawHeaders.map((text, index) => text + (index % 2 === 0 ? ": " : "\r\n"));
  outgoing.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
  outgoing.write(head);
  outgoing.pipe(socket).pipe(outgoing);
}
