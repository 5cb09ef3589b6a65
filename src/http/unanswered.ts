import type { FastifyInstance } from "fastify";
import { owe } from "../lib/unanswered.ts";

/** A server whose connections hold few answers that wait, and let go of all of them when they end. */
export function boundUnanswered(server: FastifyInstance): void {
  server.addHook("onRequest", (request, reply, done) => {
    const { socket } = request.raw;
    owe(socket, reply.raw);
    // What had come with the request for which the connection was cut is not begun with.
    if (socket.destroyed) reply.hijack();
    else done();
  });
}
