import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { fastify } from "fastify";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from "fastify";
import { systemClock } from "../lib/clock.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { dropStalledReaders, endBehindAnswers, owesAnswers } from "../lib/unanswered.ts";
import { parameterCheck } from "../protocol/query.ts";
import { document } from "./documentation.ts";
import { letGo } from "./drain.ts";
import { answerOf, connectionError, fromFramework } from "./errors.ts";
import type { ErrorAnswer } from "./errors.ts";
import { boundHeldAnswers } from "./held-answers.ts";
import { type HostNames, hostCheck } from "./host-names.ts";
import { takeJson } from "./json-bodies.ts";
import { RouteTable } from "./route-table.ts";
import { boundUnanswered } from "./unanswered.ts";
import { asksForSocket } from "./upgrade.ts";
import { documentUsualAnswers } from "./usual-answers.ts";

export type Server = FastifyInstance;

/** Adds routes to a server; each group in a scope of its own, so that its hooks and body parsers stay its own. */
export type Routes = (server: FastifyInstance) => void;

export interface ServerOptions {
  /** In the title of the documentation, e.g. `Weir ingestion API`. */
  readonly title: string;
  readonly version: string;
  readonly logger: FastifyBaseLogger | false;
  readonly routes: readonly Routes[];
  /** Largest JSON body of routes that take one, bytes. Ingest has its own bound. Default 1 MiB. */
  readonly bodyBytesMax?: number;
  /** How long the headers may take. Default 10 s. */
  readonly headersTimeoutMs?: number;
  /** How long a whole request may take to arrive. Default 10 s; where bodies are large it wants more, their rate is watched. */
  readonly requestTimeoutMs?: number;
  /**
   * How long a connection may stand still while an answer is being written, or between requests. Default 6 s and 72 s. The
   * first is looked at only so often: a connection may have up to twice as long.
   */
  readonly writeTimeoutMs?: number;
  readonly keepAliveTimeoutMs?: number;
  /** Hears of every answer. `route` is the pattern, so that there are as many as routes. */
  readonly answered?: (facts: { route: string; method: string; status: number; seconds: number }) => void;
  /** Connections beyond this many are closed at once. Default 20,000. */
  readonly connectionsMax?: number;
  /** What answers that are not read yet may take together, bytes. Default 128 MiB. */
  readonly heldBytesMax?: number;
  /** What the bodies of its JSON routes may take together while they arrive, bytes. Default 64 MiB. */
  readonly arrivingBytesMax?: number;
  /** By which names it may be asked; missing: by any. */
  readonly hostNames?: HostNames;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/**
 * A server with Weir's manners: one shape for every error, limits on time and size, the OpenAPI document at
 * `/docs/json` with a page at `/docs/`. The caller listens (`listen({ host, port })`) and closes.
 *
 * Schemas of query and path parameters are checked, with all problems listed; schemas of bodies and answers are
 * documentation, because the services check bodies themselves and say more.
 */
export function createServer(options: ServerOptions): FastifyInstance {
  const answerError = errorAnswerer(options.logger);
  const hasSockets = (): boolean => server.server.listenerCount("upgrade") > 0;
  const server: FastifyInstance = fastify({ ...frameworkOptions(options, hasSockets), frameworkErrors: answerError });
  server.server.maxConnections = options.connectionsMax ?? 20_000;
  server.setValidatorCompiler(({ schema, httpPart }) => (httpPart === "body" ? accept : parameters(schema)));
  server.setSerializerCompiler(() => (body) => JSON.stringify(body));
  const clock = options.clock ?? systemClock;
  takeJson(server, clock, options.arrivingBytesMax);
  server.setErrorHandler(async (error, request, reply) => {
    await letGo(request.raw, reply, clock);
    answerError(error, request, reply);
    return reply;
  });
  boundUnanswered(server);
  refuseWhenClosing(server);
  refuseForeignNames(server, options.hostNames);
  refuseUnknownRoutes(server);
  boundHeldAnswers(server, options.heldBytesMax);
  dropStalledReaders(server.server, options.writeTimeoutMs ?? 6000);
  reportAnswers(server, options.answered);
  documentUsualAnswers(server);
  document(server, options);
  for (const routes of options.routes) server.register((scope, _options, done) => (routes(scope), done()));
  return server;
}

function reportAnswers(server: FastifyInstance, answered: ServerOptions["answered"]): void {
  if (answered === undefined) return;
  server.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "none";
    answered({ route, method: request.method, status: reply.statusCode, seconds: reply.elapsedTime / 1000 });
    done();
  });
}

type FrameworkOptions = FastifyServerOptions & { readonly http: object };

/** `hasSockets` is asked when the server is there: whether one of its routes takes WebSockets. */
function frameworkOptions(options: ServerOptions, hasSockets: () => boolean): FrameworkOptions {
  return {
    // The framework would make a logger for every request; ours is told of failures alone.
    logger: false,
    schemaController: { compilersFactory: { buildValidator: notAsked, buildSerializer: notAsked } },
    bodyLimit: options.bodyBytesMax ?? 1024 * 1024,
    requestTimeout: options.requestTimeoutMs ?? 10_000,
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 72_000,
    http: {
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      connectionsCheckingInterval: 1000,
      // An offer behind requests that are not answered yet is not taken: their answers would come in the midst of the socket's.
      shouldUpgradeCallback: (request: IncomingMessage) =>
        asksForSocket(request) && hasSockets() && !owesAnswers(request.socket),
    },
    // Our own hook answers in the one shape while closing.
    return503OnClosing: false,
    clientErrorHandler: answerConnection,
    routerOptions: { maxParamLength: 512 },
  };
}

/** In place of the framework's own compilers, which it would load, a twentieth of a start: `createServer` sets ours. */
const notAsked = (): never => {
  throw new TypeError("a server has its own compilers of schemas");
};

/** The check of a query, a path or headers, as the framework wants it. */
function parameters(schema: unknown): (value: unknown) => { value: unknown } | { error: Error } {
  const check = parameterCheck(schema as Parameters<typeof parameterCheck>[0]);
  return (value) => {
    const checked = check(value as Record<string, unknown>);
    if (checked.ok) return { value: checked.value };
    const named = checked.problems.map((problem) => `${problem.path} ${problem.message}`).join("; ");
    return { error: new WeirError("invalid_query", named, { details: checked.problems }) };
  };
}

const accept = (): true => true;

type ErrorAnswerer = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => void;

function errorAnswerer(logger: ServerOptions["logger"]): ErrorAnswerer {
  return (thrown, request, reply) => {
    const error = fromFramework(thrown);
    const answer = answerOf(error);
    if (logger) report(logger, error, answer, request.routeOptions.url);
    void reply
      .code(answer.status)
      .headers(answer.headers)
      .type("application/json; charset=utf-8")
      .send(JSON.stringify(answer.body));
  };
}

/** What is unavailable is told by the part that is; a wait that ended without what was waited for is an answer. */
const foreseen: ReadonlySet<number> = new Set([503, 504]);

function report(logger: FastifyBaseLogger, error: unknown, answer: ErrorAnswer, url: string | undefined): void {
  if (answer.status >= 500 && !foreseen.has(answer.status)) logger.error({ err: error, url }, "request failed");
  // The code alone: messages may quote what the client has sent.
  else logger.debug({ code: answer.body.error.code, url }, "request refused");
}

/**
 * Answers what was not HTTP on the bare socket, as there is no request to reply to. Where answers to earlier requests are
 * still owed it would be taken for one of them, so that these are the last words.
 */
function answerConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  if (endBehindAnswers(socket)) return;
  const { status, body } = answerOf(connectionError(error.code));
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 ${status} ${body.error.code}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n`;
  socket.end(head + text, () => socket.destroy());
}

/**
 * Refuses new requests once the server closes. Those under way are answered, and their connections end with the answer:
 * one that a client keeps for its next request would keep the server from closing.
 */
function refuseWhenClosing(server: FastifyInstance): void {
  let closing = false;
  server.addHook("preClose", (done) => ((closing = true), done()));
  server.addHook("onRequest", (_request, _reply, done) => {
    if (closing) done(new WeirError("stopping", "the server is stopping; try again", { canRetry: true }));
    else done();
  });
  server.addHook("onSend", (_request, reply, _body, done) => {
    if (closing) void reply.header("connection", "close");
    done();
  });
  // Also when the head of the answer had gone before, or was not made by the framework.
  server.addHook("onResponse", (request, _reply, done) => {
    if (closing) request.raw.socket.end();
    done();
  });
}

function refuseForeignNames(server: FastifyInstance, names: HostNames | undefined): void {
  if (names === undefined) return;
  const check = hostCheck(server.server, names);
  server.addHook("onRequest", (request, _reply, done) => done(check(request.raw.headers.host)));
}

/** Before its body is read, which would be kept for nothing. */
function refuseUnknownRoutes(server: FastifyInstance): void {
  const table = new RouteTable();
  server.addHook("onRoute", (route) => table.add(route.method, route.url));
  server.addHook("onRequest", (request, reply, done) =>
    done(request.is404 ? noRoute(table, request, reply) : undefined),
  );
}

function noRoute(table: RouteTable, request: FastifyRequest, reply: FastifyReply): WeirError {
  const path = request.url.split("?", 1)[0] ?? "";
  const allowed = table.methodsOf(path);
  const known = "/docs/ lists those that there are";
  if (allowed.length === 0) return new WeirError("unknown_route", `there is no route ${path.slice(0, 200)}; ${known}`);
  void reply.header("allow", allowed.join(", "));
  return new WeirError("method_not_allowed", `${path} takes ${allowed.join(", ")}, not ${request.method}`, {
    details: { allowed },
  });
}
