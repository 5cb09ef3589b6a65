import type { FastifyInstance, FastifyRequest } from "fastify";
import { BodyBudget } from "../ingest/budget.ts";
import type { Clock } from "../lib/clock.ts";
import { jsonOf } from "./body.ts";
import { BodyReader } from "./request-body.ts";

/** What the bodies of all requests of a server may take while they arrive. Ingest has a bound of its own. */
const allBytesMax = 64 * 1024 * 1024;

/** The routes of a server take JSON, each up to its own bound. */
export function takeJson(server: FastifyInstance, clock: Clock, bytesMax = allBytesMax): void {
  const bodies = new BodyReader(clock);
  const budget = new BodyBudget(bytesMax);
  server.addHook("onClose", (_instance, done) => (bodies.close(), done()));
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", async ({ raw, routeOptions }: FastifyRequest) => {
    const share = budget.share();
    try {
      const limits = { bytesMax: routeOptions.bodyLimit, grow: share.grow };
      // Many clients name a type with every request. Where no body is taken, none has come.
      const takesNone = routeOptions.schema?.body === undefined;
      return await bodies.read(raw, limits, (body) => (takesNone && body.length === 0 ? undefined : jsonOf(body)));
    } finally {
      share.release();
    }
  });
}
