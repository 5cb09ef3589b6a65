import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { request as requestByTls, type RequestOptions } from "node:https";
import { buffer } from "node:stream/consumers";
import { serveOnLoopback } from "./loopback.ts";
import { statementOf } from "./request-form.ts";

/** What became of a request that was kept waiting. */
export interface Arrived {
  readonly statement: string;
  readonly answer: string;
  readonly ok: boolean;
}

export interface TardyProxy {
  readonly url: string;
  /** Every request that was kept waiting, once the server has answered it. */
  readonly arrived: readonly Arrived[];
  /** How many requests are kept waiting now. */
  readonly waiting: () => number;
  /** How many of these could not be handed on. */
  readonly lost: () => number;
  close(): Promise<void>;
}

/**
 * A proxy on loopback to the HTTP server at `target` that keeps requests waiting, and hands them on all the same when whoever
 * sent them has gone or died: as lines, balancers and a server that is busy do. `wait` is asked for each request with its
 * statement: what it answers is waited for; undefined: nothing. `ca`: the authority of a server that is asked by TLS.
 */
export async function openTardyProxy(
  target: string,
  wait: (statement: string) => Promise<void> | undefined,
  ca?: Buffer,
): Promise<TardyProxy> {
  const arrived: Arrived[] = [];
  let waiting = 0;
  let lost = 0;
  const hand = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const statement = statementOf(incoming, body);
    const waited = wait(statement);
    if (waited !== undefined) {
      waiting += 1;
      await waited;
      waiting -= 1;
    }
    // A connection that was kept for one that waited has been idle for long, and may be gone.
    const options = { ...(waited === undefined ? {} : { agent: false }), ca };
    const got = await handOn(target, incoming, body, options).catch((error: unknown) => {
      if (waited !== undefined) lost += 1;
      throw error;
    });
    if (waited !== undefined) arrived.push({ statement, answer: got.text.toString(), ok: got.status === 200 });
    answer.writeHead(got.status, got.headers).end(got.text);
  };
  return { ...(await serveOnLoopback(hand)), arrived, waiting: () => waiting, lost: () => lost };
}

/** Hands a request on as it came. */
export async function handOn(
  target: string,
  { url, method, headers }: IncomingMessage,
  body: Buffer,
  options: RequestOptions = {},
): Promise<{ status: number; headers: IncomingMessage["headers"]; text: Buffer }> {
  const { "transfer-encoding": _, ...sent } = headers;
  const ask = target.startsWith("https:") ? requestByTls : request;
  const asked = ask(new URL(url ?? "/", target), {
    ...options,
    method: method ?? "POST",
    headers: { ...sent, "content-length": body.length },
  });
  asked.end(body);
  const got = await new Promise<IncomingMessage>((resolve, reject) =>
    asked.on("response", resolve).on("error", reject),
  );
  return { status: got.statusCode ?? 500, headers: got.headers, text: await buffer(got) };
}
