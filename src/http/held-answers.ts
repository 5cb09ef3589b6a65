import type { FastifyInstance } from "fastify";
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
  server.addHook("onSend", (request, reply, body, done) => {
    const bytes = bytesOf(body);
    const isSmall = bytes <= smallBytesMax && isFirst(request.raw.socket, reply.raw);
    // What was done can't be refused any more.
    if (heldBytes >= bytesMax && !isSmall && request.method === "GET") return done(tooMuchHeld());
    heldBytes += bytes;
    whenOver(reply.raw, () => (heldBytes -= bytes));
    done();
  });
}

const bytesOf = (body: unknown): number =>
  typeof body === "string" ? Buffer.byteLength(body) : Buffer.isBuffer(body) ? body.length : 0;

const tooMuchHeld = (): WeirError =>
  new WeirError("overloaded", "others have not read their answers yet; try again", { canRetry: true });
