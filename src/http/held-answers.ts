import type { FastifyInstance, FastifyReply } from "fastify";
import { WeirError } from "../lib/errors.ts";
import { isFirst, whenOver } from "../lib/unanswered.ts";

/** Of health, metrics and refusals: they are answered also while others do not read, if nothing on their connection stands before them. */
const smallBytesMax = 64 * 1024;

/**
 * What was answered and is not read yet has a bound for all connections together: above it what asks is refused. One answer may
 * go beyond it, so that a large one has its turn. Tables are not meant, whose bytes come as they are read.
 */
export function boundHeldAnswers(server: FastifyInstance, bytesMax = 128 * 1024 * 1024): void {
  let heldBytes = 0;
  const refused = new WeakSet<FastifyReply>();
  server.addHook("onSend", (request, reply, body, done) => {
    const bytes = bytesOf(body);
    const isSmall = bytes <= smallBytesMax && isFirst(request.raw.socket, reply.raw);
    // What was done can't be refused any more.
    if (heldBytes >= bytesMax && !isSmall && request.method === "GET" && !refused.has(reply)) {
      refused.add(reply);
      forget(reply);
      return done(tooMuchHeld());
    }
    heldBytes += bytes;
    whenOver(reply.raw, () => (heldBytes -= bytes));
    done();
  });
}

/** What was said of the answer that is not given: how it is packed, how long it may be kept. Whoever may read it may read the refusal. */
function forget(reply: FastifyReply): void {
  const names = Object.keys(reply.getHeaders()).filter((name) => !/^(access-control-|vary$)/.test(name));
  for (const name of names) void reply.removeHeader(name);
}

const bytesOf = (body: unknown): number =>
  typeof body === "string" ? Buffer.byteLength(body) : Buffer.isBuffer(body) ? body.length : 0;

const tooMuchHeld = (): WeirError =>
  new WeirError("overloaded", "others have not read their answers yet; try again", { canRetry: true });
