import type { IncomingMessage } from "node:http";
import type { FastifyReply } from "fastify";
import type { Clock } from "../lib/clock.ts";
import { freeIfWhole } from "../lib/free-bytes.ts";

const drainMs = 500;

/** Reads and forgets what is left of a request that was refused, for a while at most, so that its client gets to read the answer. */
async function drain(request: IncomingMessage, clock: Pick<Clock, "sleep">, forMs = drainMs): Promise<void> {
  if (request.complete || request.readableEnded || request.destroyed) return;
  const ended = new AbortController();
  request.once("end", () => ended.abort()).once("close", () => ended.abort());
  request.on("data", freeIfWhole);
  await clock.sleep(forMs, ended.signal);
}

const done = new WeakSet<FastifyReply>();

/** Once for each. A refused request may still be sending: the rest is thrown away, or the connection ends with the answer. */
export async function letGo(
  request: IncomingMessage,
  reply: FastifyReply,
  clock: Clock,
  forMs?: number,
): Promise<void> {
  // A route may have been more patient; the framework says `close` by itself, so that this header tells nothing.
  if (done.has(reply)) return;
  done.add(reply);
  await drain(request, clock, forMs);
  if (!request.complete && !request.readableEnded) void reply.header("connection", "close");
}
