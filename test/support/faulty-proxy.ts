import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { serveOnLoopback } from "./loopback.ts";
import type { Random } from "./random.ts";

/**
 * What befalls a request on its way: it does not arrive, only a part of its body arrives, all of it arrives and its answer is
 * lost, comes in part, never comes, or is an error although all of the work was done.
 */
export const mishaps = ["refused", "cut", "answer lost", "answer cut", "hang", "error"] as const;
export type Mishap = (typeof mishaps)[number];

export interface FaultyProxy {
  readonly url: string;
  /** So often requests go wrong from now on, 0 … 1. */
  setShare(share: number): void;
  /** How many went wrong, by what befell them. */
  readonly met: Readonly<Record<Mishap, number>>;
  close(): Promise<void>;
}

/** A proxy on loopback to the HTTP server that is at `target` then, through which requests go wrong at random. */
export async function openFaultyProxy(target: string | (() => string), random: Random): Promise<FaultyProxy> {
  const met = { refused: 0, cut: 0, "answer lost": 0, "answer cut": 0, hang: 0, error: 0 };
  let share = 0;
  const answer = (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const mishap = random.chance(share) ? random.pick(mishaps) : undefined;
    if (mishap !== undefined) met[mishap] += 1;
    return passOn(typeof target === "string" ? target : target(), incoming, outgoing, mishap, random);
  };
  return { ...(await serveOnLoopback(answer)), setShare: (next) => (share = next), met };
}

async function passOn(
  target: string,
  incoming: IncomingMessage,
  answer: ServerResponse,
  mishap: Mishap | undefined,
  random: Random,
): Promise<void> {
  const body = await buffer(incoming);
  if (mishap === "refused") return void answer.destroy();
  const { method, headers: all } = incoming;
  const { "transfer-encoding": _, ...headers } = all;
  const sent = request(new URL(incoming.url ?? "/", target), {
    method: method ?? "POST",
    headers: { ...headers, "content-length": body.length },
  });
  if (mishap === "cut") return cut(sent, body, answer, random);
  sent.end(body);
  const got = await new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject));
  const text = await buffer(got);
  if (mishap === "hang") return;
  if (mishap === "answer lost") return void answer.destroy();
  if (mishap === "error") return void answer.writeHead(500, { "content-type": "text/plain" }).end("went wrong\n");
  answer.writeHead(got.statusCode ?? 500, got.headers);
  if (mishap === "answer cut")
    return void answer.write(text.subarray(0, random.int(text.length + 1)), () => answer.destroy());
  answer.end(text);
}

function cut(sent: ReturnType<typeof request>, body: Buffer, answer: ServerResponse, random: Random): void {
  sent.on("error", () => {});
  sent.write(body.subarray(0, random.int(body.length + 1)), () => {
    sent.destroy();
    answer.destroy();
  });
}
