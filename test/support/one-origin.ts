import { request as open } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { type LoopbackServer, serveOnLoopback } from "./loopback.ts";

export interface Behind {
  readonly ingestUrl: () => string;
  readonly queryUrl: () => string;
  /** Answers what is the page's own; false: it is the server's to answer. */
  readonly own: (path: string, answer: ServerResponse) => boolean;
}

/** A page and both ports of a server behind one origin, as a proxy in front of them has it: `/ingest` is the one port's, all else the other's. */
export function openOneOrigin({ ingestUrl, queryUrl, own }: Behind): Promise<LoopbackServer> {
  const portOf = (path: string): string => (path.startsWith("/ingest") ? ingestUrl() : queryUrl());
  return serveOnLoopback(
    async (incoming, outgoing) => {
      const path = incoming.url ?? "/";
      if (!own(new URL(path, "http://page").pathname, outgoing)) passOn(portOf(path) + path, incoming, outgoing);
    },
    (incoming, socket, head) => passSocketOn(new URL(queryUrl()), incoming, socket, head),
  );
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
