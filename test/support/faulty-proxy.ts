import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { serveOnLoopback } from "./loopback.ts";
import type { Random } from "./random.ts";
import { someRows } from "./some-rows.ts";

/**
 * What befalls a request on its way: it does not arrive, only a part of its body arrives, all of it arrives and its answer is
 * lost, comes in part, never comes, or is an error although all of the work was done, or, where rows are written, some of it.
 */
export const mishaps = ["refused", "cut", "answer lost", "answer cut", "hang", "error", "error half-way"] as const;
export type Mishap = (typeof mishaps)[number];

export interface FaultyProxy {
  readonly url: string;
  /** So often statements that write go wrong from now on, and all else, 0 … 1. */
  setShare(ofWrites: number, ofOthers?: number): void;
  /** How many requests went wrong, by what befell them. */
  readonly met: Readonly<Record<Mishap, number>>;
  /** Those of them that are statements that write. */
  readonly writes: Readonly<Record<Mishap, number>>;
  close(): Promise<void>;
}

/** A proxy on loopback to the HTTP server that is at `target` then, through which requests go wrong at random. */
export async function openFaultyProxy(target: string | (() => string), random: Random): Promise<FaultyProxy> {
  const [met, writes] = [none(), none()];
  let [ofWrites, ofOthers] = [0, 0];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const url = new URL(incoming.url ?? "/", typeof target === "string" ? target : target());
    const body = await buffer(incoming);
    const sql = url.searchParams.get("query") ?? body.toString("utf8", 0, 1000);
    const isWrite = writing.test(sql);
    const goesWrong = random.chance(isWrite ? ofWrites : ofOthers);
    const some = goesWrong && random.chance(0.5) ? someRows(sql, body, random) : undefined;
    const mishap = goesWrong ? mishapOf(some, random) : undefined;
    if (mishap !== undefined) met[mishap] += 1;
    if (mishap !== undefined && isWrite) writes[mishap] += 1;
    return passOn(url, incoming, some ?? body, outgoing, mishap, random);
  };
  const setShare = (share: number, rest = share): void => void ([ofWrites, ofOthers] = [share, rest]);
  return { ...(await serveOnLoopback(answer)), setShare, met, writes };
}

const none = (): Record<Mishap, number> => ({
  refused: 0,
  cut: 0,
  "answer lost": 0,
  "answer cut": 0,
  hang: 0,
  error: 0,
  "error half-way": 0,
});

/** What changes what is stored. A long statement comes as a form. */
const writing = /^(--weir-\S+\r\n.*\r\n\r\n)?\s*(INSERT|ALTER|DELETE)\b/;

const mishapOf = (some: Buffer | undefined, random: Random): Mishap =>
  some === undefined ? random.pick(mishaps.filter((one) => one !== "error half-way")) : "error half-way";

async function passOn(
  url: URL,
  incoming: IncomingMessage,
  body: Buffer,
  answer: ServerResponse,
  mishap: Mishap | undefined,
  random: Random,
): Promise<void> {
  if (mishap === "refused") return void answer.destroy();
  const { method, headers: all } = incoming;
  const { "transfer-encoding": _, ...headers } = all;
  const sent = request(url, { method: method ?? "POST", headers: { ...headers, "content-length": body.length } });
  if (mishap === "cut") return cut(sent, body, answer, random);
  sent.end(body);
  const got = await new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject));
  const text = await buffer(got);
  if (mishap === "hang") return;
  if (mishap === "answer lost") return void answer.destroy();
  if (mishap?.startsWith("error"))
    return void answer.writeHead(500, { "content-type": "text/plain" }).end("went wrong\n");
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
