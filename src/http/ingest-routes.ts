import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from "fastify";
import type { Accepted, Ingest } from "../ingest/ingest.ts";
import type { Form } from "../ingest/read.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { ErrorBody } from "../protocol/errors.ts";
import {
  CloudEventSchema,
  IngestAnswer,
  IngestBody,
  IngestQuery,
  StatusAnswer,
  StatusQuery,
  cloudEventBatch,
} from "../protocol/ingest.ts";
import { cloudAttributes } from "./cloud-headers.ts";
import { BodyReader } from "./request-body.ts";
import { letGo } from "./drain.ts";
import type { Routes } from "./server.ts";
import { goneSignal } from "../lib/unanswered.ts";

type IngestService = Pick<Ingest, "limits" | "admit" | "accept" | "status">;

/** `POST /ingest`, `GET /ingest/status`. */
export function ingestRoutes(ingest: IngestService, clock: Clock): Routes {
  return (server) => {
    const bodies = new BodyReader(clock);
    let closing = false;
    server.addHook("preClose", (done) => ((closing = true), done()));
    server.addHook("onClose", (_instance, done) => (bodies.close(), done()));
    leaveBodiesToTheHandler(server);
    /** Takes a body in the form that its content type names; the rest of one that is refused is thrown away. */
    const taken = async (request: FastifyRequest, reply: FastifyReply, asked: Asked): Promise<Accepted> => {
      try {
        return await take(ingest, bodies, request.raw, reply, asked);
      } catch (error) {
        await letGo(request.raw, reply, clock, isOverloaded(error) ? overloadedDrainMs : undefined);
        throw error;
      }
    };
    server.decorateRequest("form", undefined);
    const onRequest: onRequestHookHandler = (request, reply, done) => {
      // Before the framework looks at the type, which would name what other routes take.
      const form = formOf(request.raw.headers);
      if (form instanceof WeirError) return done(form);
      if (!isPlain(request.raw)) return (request.setDecorator("form", form), done());
      const asked = { ...plainQuery, form };
      taken(request, reply, asked).then((accepted) => answerPlain(reply, accepted, closing), done);
    };
    server.post<{ Querystring: IngestQuery }>(
      "/ingest",
      { schema: ingestSchema, onRequest },
      async (request, reply) => {
        const form = request.getDecorator<Form>("form");
        return answerOf(await taken(request, reply, { ...request.query, form }), request.query.partial);
      },
    );
    server.get<{ Querystring: StatusQuery }>("/ingest/status", { schema: statusSchema }, (request, reply) => {
      const waitMs = Number(request.query.wait?.slice(0, -1) ?? 0) * 1000;
      return ingest.status(request.query.token, waitMs, goneSignal(reply.raw));
    });
  };
}

/** What a request asks for, and the form of its body. */
interface Asked extends IngestQuery {
  readonly form: Form;
}

const plainQuery: IngestQuery = { partial: false, wait: "durable" };

/**
 * Most requests are: without a query, with a content type that needs no reading. They are answered before the framework
 * looks at what they have not, which is a third of what a small request costs. Errors go its way all the same.
 */
function isPlain(request: IncomingMessage): boolean {
  const type = request.headers["content-type"];
  return request.url === "/ingest" && type !== undefined && Object.hasOwn(forms, type);
}

function answerPlain(reply: FastifyReply, accepted: Accepted, closing: boolean): void {
  reply.hijack();
  // So that the client knows not to send its next request on this connection.
  if (closing) reply.raw.shouldKeepAlive = false;
  const text = JSON.stringify(answerOf(accepted, false));
  reply.raw.writeHead(200, { "content-type": "application/json; charset=utf-8", "content-length": text.length });
  reply.raw.end(text);
}

async function take(
  ingest: IngestService,
  bodies: BodyReader,
  request: IncomingMessage,
  reply: FastifyReply,
  { partial, wait, form }: Asked,
): Promise<Accepted> {
  const share = ingest.admit(Number(request.headers["content-length"] ?? 0));
  try {
    // A request that waits to be counted holds no memory: while the store is away, others must still get in.
    const durable = (): void => share.release();
    const options = wait === "counted" ? { partial, wait, durable, signal: goneSignal(reply.raw) } : { partial, wait };
    const bounds = { bytesMax: ingest.limits.bodyBytesMax, grow: share.grow };
    return await bodies.read(request, bounds, (body) => ingest.accept(body, form, options));
  } finally {
    share.release();
  }
}

function answerOf(accepted: Accepted, partial: boolean): IngestAnswer {
  const { count, token, refusedCount, refused } = accepted;
  if (!partial) return { status: "accepted", count, token };
  return {
    status: "accepted",
    count,
    token,
    refused_count: refusedCount,
    refused: refused.map((event) => ({ ...event, problems: [...event.problems] })),
  };
}

const forms: Readonly<Record<string, Form>> = {
  "application/json": "json",
  "application/x-ndjson": "ndjson",
  "application/ndjson": "ndjson",
  "application/cloudevents+json": "cloudevent",
  "application/cloudevents-batch+json": "cloudevents",
};

/** The form of a body. The headers of a CloudEvent in binary mode make JSON its data, unless the type says that it is whole. */
function formOf(headers: IncomingHttpHeaders): Form | WeirError {
  const attributes = cloudAttributes(headers);
  if (attributes === undefined) return formNamed(headers["content-type"]);
  // Without data there is nothing to have a type.
  const form = formNamed(headers["content-type"] ?? "application/json");
  if (form === "json") return { dataOf: attributes };
  if (form !== "ndjson") return form;
  return new WeirError(
    "unsupported_media_type",
    "the data of a CloudEvent in binary mode is application/json; send NDJSON without ce- headers",
  );
}

/** The form that a content type names. Of its parameters only `charset` matters, and that must be UTF-8. */
function formNamed(header: string | undefined): Form | WeirError {
  if (header !== undefined && Object.hasOwn(forms, header)) return forms[header]!;
  const [type = "", ...parameters] = (header ?? "").split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters
    .find((parameter) => parameter.startsWith("charset="))
    ?.slice(8)
    .replaceAll('"', "");
  const form = Object.hasOwn(forms, type) ? forms[type] : undefined;
  if (form && (charset === undefined || charset === "utf-8" || charset === "utf8")) return form;
  const given = form ? `charset ${String(charset).slice(0, 64)}` : `content type ${type.slice(0, 100)}`;
  const problem = type === "" ? "the content type is missing" : `${given} is not understood`;
  return new WeirError("unsupported_media_type", `${problem}; known are ${Object.keys(forms).join(", ")}, in UTF-8`);
}

function leaveBodiesToTheHandler(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, _payload, done) => done(null));
}

/** A server that has too much to do reads slowly; it must not cut off those whom it tells to come back. */
const overloadedDrainMs = 5000;
const isOverloaded = (error: unknown): boolean => error instanceof WeirError && error.canRetry;

const ndjson =
  "one event a line. A line that is not JSON is a broken event like any other: 422 `invalid_events` with its number, and `partial=true` accepts the others; a body in JSON that is not JSON is 400 `invalid_json`";
const ingestSchema = {
  tags: ["ingestion"],
  summary: "Send events",
  description:
    "Takes 1 to 10,000 events: an array or one event, NDJSON, or CloudEvents 1.0 (structured, batched, or in binary mode: `ce-` headers, the data as JSON), as they are or encoded as gzip, br or zstd. All or nothing, unless `partial=true`.",
  querystring: IngestQuery,
  body: {
    content: {
      "application/json": { schema: IngestBody },
      "application/x-ndjson": { schema: { type: "string", description: ndjson } },
      "application/cloudevents+json": { schema: CloudEventSchema },
      "application/cloudevents-batch+json": { schema: cloudEventBatch },
    },
  },
  response: { 200: IngestAnswer, 422: ErrorBody, 504: ErrorBody },
};
const statusSchema = {
  tags: ["ingestion"],
  summary: "How far the events of a request are",
  querystring: StatusQuery,
  response: { 200: StatusAnswer },
};
