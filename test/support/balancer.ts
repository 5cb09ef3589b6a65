import { request as open } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type LoopbackServer, serveOnLoopback } from "./loopback.ts";

/** A proxy before several servers that do the same. */
export interface Balancer extends LoopbackServer {
  /** How many requests it had to give to another server than the first it chose. */
  readonly passedOn: () => number;
  /** From now on requests go to these. */
  use(urls: readonly string[]): void;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/**
 * In turn to each; what one refuses with 503, or does not answer, goes to the next, as nginx does with
 * `proxy_next_upstream error timeout http_503 non_idempotent`. That is safe for events: their ids make repeats count once.
 */
export async function startBalancer(): Promise<Balancer> {
  let urls: readonly string[] = [];
  let [turn, passedOn] = [0, 0];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await incoming.toArray());
    let last: Answer = { status: 502, headers: {}, body: Buffer.from("nobody answers") };
    const order = urls.map((_, i) => urls[(turn + i) % urls.length]!);
    turn += 1;
    for (const [attempt, url] of order.entries()) {
      passedOn += Number(attempt > 0);
      const found = await ask(url, incoming, body).catch(() => undefined);
      last = found ?? last;
      if (found !== undefined && found.status !== 503) break;
    }
    outgoing.writeHead(last.status, { "content-type": last.headers["content-type"] ?? "text/plain" }).end(last.body);
  };
  const server = await serveOnLoopback(answer);
  return { ...server, passedOn: () => passedOn, use: (now) => void (urls = now) };
}

function ask(url: string, { method, url: path = "/", headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { host: _, "content-length": __, ...passed } = headers;
    const request = open(`${url}${path}`, { method, headers: passed, agent: false }, (response) => {
      const { statusCode: status = 502, headers: answered } = response;
      response
        .toArray()
        .then((chunks: Buffer[]) => resolve({ status, headers: answered, body: Buffer.concat(chunks) }), reject);
    });
    request.on("error", reject).end(body);
  });
}
