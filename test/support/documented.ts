import assert from "node:assert/strict";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

interface Document {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, { readonly responses: Answers } | undefined>>>>;
}
type Answers = Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> } | undefined>>;

/**
 * A server of which all that it answers must stand in its own document: its closing fails with what was answered and is not
 * there. To be called before it is ready.
 */
export function documented(server: FastifyInstance): FastifyInstance {
  const seen = new Map<string, { path: string; method: string; status: number; type: string | undefined }>();
  server.addHook("onResponse", (request, reply, done) => {
    const answer = answerOf(request, reply);
    if (answer !== undefined) seen.set(Object.values(answer).join(" "), answer);
    done();
  });
  server.addHook("onClose", (_server, done) => {
    const { paths = {} } = server.swagger() as object as Document;
    const missing = [...seen].filter(([, { path, method, status, type }]) => {
      const answer = paths[path]?.[method]?.responses[status];
      return answer === undefined || (type !== undefined && answer.content?.[type] === undefined);
    });
    done(
      missing.length === 0
        ? undefined
        : new assert.AssertionError({ message: `not documented: ${missing.map(([name]) => name).join("; ")}` }),
    );
  });
  return server;
}

/** Undefined of what the document leaves out: what is no route, its own pages, and `HEAD`. */
function answerOf({ method, is404, routeOptions: { url = "", schema } }: FastifyRequest, reply: FastifyReply) {
  if (is404 || method === "HEAD" || schema?.hide) return undefined;
  // What did not go the framework's way has no headers there.
  const type = reply.getHeader("content-type");
  return {
    path: url.replace(/:(\w+)/g, "{$1}"),
    method: method.toLowerCase(),
    status: reply.statusCode,
    type: type === undefined ? undefined : String(type).split(";", 1)[0],
  };
}
