import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from "fastify";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import type { Client } from "../live/client.ts";
import { idPart, readEventId, writeEventId } from "../live/exact/event-id.ts";
import type { IdPart } from "../live/exact/event-id.ts";
import type { LiveHub } from "../live/observed.ts";
import { ErrorBody } from "../protocol/errors.ts";
import { ExactMessage, LiveEventsHeaders, LiveEventsParameters, LiveMessage, closeCodes } from "../protocol/live.ts";
import type { LiveRequest } from "../protocol/live.ts";
import { fromMistake, liveMoment, resumePlace } from "../protocol/live-request.ts";
import { originAllowed } from "./live-socket.ts";
import type { LiveSocketOptions } from "./live-socket.ts";
import type { Routes } from "./server.ts";
import { TextFrames } from "./text-frame.ts";
import { isEndless } from "../lib/unanswered.ts";

/** `GET /live-stats?rule_id=…`: the mode `delta` as Server-Sent Events, under the same rules and bounds as on a socket. */
export function liveEvents(hub: LiveHub, options: LiveSocketOptions): Routes {
  return (server) => {
    const streams = new Set<ServerResponse>();
    const frames = new TextFrames(eventFrame);
    server.get<{ Querystring: LiveEventsParameters }>(
      "/live-stats",
      { schema, exposeHeadRoute: false, onRequest: readableFrom(options) },
      (request, reply) => {
        const message = requestOf(request, hub, options);
        const response = open(request, reply);
        streams.add(response);
        const connection = hub.connect(new EventClient(response, message, frames, options.clock));
        response.once("close", () => (streams.delete(response), connection.closed()));
        connection.receive(JSON.stringify(message));
      },
    );
    // Somebody between the two may cut a line on which nothing goes; and who has gone is noticed by it.
    const stopPinging = options.clock.every(options.pingMs ?? 20_000, () => streams.forEach(ping));
    server.addHook("preClose", (done) => (stopPinging(), done()));
  };
}

const description = [
  "**As a WebSocket** (`ws://`, not to be tried out here): send",
  '`{"subscribe_rules":["…"]}` (or `unsubscribe_rules`, at most 16 KiB a message): each rule\'s newest window comes at',
  "once, and then the rows that changed, every five seconds at most, or as often as `interval_ms` says. With",
  '`"mode":"delta"` come the messages `snapshot`, `delta`, `final`, `heartbeat` and `reset`, from which a client has exactly',
  "what `/stats` answers. A mistake is answered with an error message, and the socket stays.",
  "**As Server-Sent Events**, for `EventSource` and `curl -N`: with `rule_id` (may be given several times) come the messages",
  "of the mode `delta`, one an event. `Last-Event-ID`, or `last_event_id`, resumes. `docs/protocol.md` has all of it.",
].join(" ");

/** OpenAPI has no words for sockets: the messages of the server stand as the answer of a connection that was made. */
const schema = {
  tags: ["live"],
  summary: "Windows pushed as they change, over a WebSocket or as Server-Sent Events",
  description,
  querystring: LiveEventsParameters,
  headers: LiveEventsHeaders,
  response: {
    101: LiveMessage,
    200: { description: "one message an event", content: { "text/event-stream": { schema: ExactMessage } } },
    ...{ 404: ErrorBody, 426: ErrorBody },
  },
};

type Request = FastifyRequest<{ Querystring: LiveEventsParameters }>;
type DeltaRequest = LiveRequest & { readonly subscribe_rules: string[] };

/** A page of a listed origin can read what it is answered, refusals too: it could not tell them from a server that is away. */
function readableFrom({ origins }: LiveSocketOptions): onRequestHookHandler {
  return ({ raw, headers }, reply, done) => {
    // Node's own: a stream is sent past the framework, a refusal by it.
    reply.raw.setHeader("vary", "origin");
    if (headers.origin !== undefined && originAllowed(raw, origins))
      reply.raw.setHeader("access-control-allow-origin", headers.origin);
    done();
  };
}

/** What a client of a socket would have sent. Throws what a request is refused for. */
function requestOf({ query, raw, headers }: Request, hub: LiveHub, { origins }: LiveSocketOptions): DeltaRequest {
  const { rule_id, last_event_id, ...asked } = query;
  if (rule_id === undefined)
    throw new WeirError(
      "upgrade_required",
      "/live-stats is a WebSocket: connect to it with ws:// instead of http://, or name rules by rule_id to get events",
    );
  if (!originAllowed(raw, origins))
    throw new WeirError("origin_refused", `the origin ${headers.origin} is not allowed`);
  if (asked.from !== undefined && liveMoment(asked.from) === undefined) throw wrongFrom(asked.from);
  const rules = [...new Set(rule_id)];
  if (!rules.some((rule) => hub.knows(rule))) throw noneOf(rules);
  if (hub.isFull) throw new WeirError("overloaded", closeCodes.too_many_sockets.reason);
  // An `EventSource` keeps its URL when it connects again: the header is the newer one.
  const lastId = headers["last-event-id"] || last_event_id;
  return { subscribe_rules: rules, mode: "delta", ...asked, ...resumeOf(rules, lastId) };
}

/** Of some that are not known the hub tells on the stream: a browser would not ask for the others again. */
const noneOf = (rules: readonly string[]): WeirError => {
  const named = rules.slice(0, 10).map((rule) => JSON.stringify(rule));
  return new WeirError("unknown_rule", `there is no rule ${named.join(", nor ")}${rules.length > 10 ? ", …" : ""}`);
};

const wrongFrom = (value: string): WeirError =>
  new WeirError("invalid_query", fromMistake(value), {
    details: [
      { path: "from", message: "must be RFC 3339 or milliseconds since the epoch, between 1970 and 9999", value },
    ],
  });

function resumeOf(rules: readonly string[], id: string | string[] | undefined): Pick<LiveRequest, "resume"> {
  if (typeof id !== "string" || id === "") return {};
  const places = readEventId(id, rules.length);
  return { resume: Object.fromEntries(rules.flatMap((rule, index) => (places[index] ? [[rule, places[index]]] : []))) };
}

function open({ raw }: Request, reply: FastifyReply): ServerResponse {
  reply.hijack();
  // How long a reader may stand still is judged as for sockets.
  raw.socket.setTimeout(0).setNoDelay(true);
  const { raw: response } = reply;
  isEndless(raw.socket, response);
  response.on("error", () => {});
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  response.write("retry: 1000\n\n");
  return response;
}

/** How long what was sent may take to leave once a stream is ended. */
const closeMs = 1000;

/** A comment, which is no event. */
function ping(response: ServerResponse): void {
  if (!response.writableEnded) response.write(":\n\n");
}

/** An event from its `data` on, which is the same for all; the `id` in front of it is each client's own. */
const eventFrame = (text: string): Buffer => Buffer.from(`data: ${text}\n\n`);

class EventClient implements Client {
  readonly #response: ServerResponse;
  readonly #frames: TextFrames;
  readonly #clock: Clock;
  readonly #places: Map<string, IdPart>;

  constructor(response: ServerResponse, { subscribe_rules, resume }: DeltaRequest, frames: TextFrames, clock: Clock) {
    this.#response = response;
    this.#frames = frames;
    this.#clock = clock;
    // It goes on from there, or is told that it can't.
    this.#places = new Map(subscribe_rules.map((rule) => [rule, idPart(resumePlace(resume, rule) ?? null)]));
  }

  send: Client["send"] = (text, mark) => {
    if (this.#response.writableEnded) return;
    if (mark !== undefined) this.#places.set(mark.ruleId, idPart(mark.place));
    // Node writes both in one piece.
    if (mark !== undefined) this.#response.write(`id: ${writeEventId(this.#places.values())}\n`);
    this.#response.write(this.#frames.of(text));
  };

  bufferedBytes(): number {
    return this.#response.writableLength;
  }

  close: Client["close"] = (reason) => {
    if (this.#response.writableEnded) return;
    this.#response.end(`event: close\ndata: ${JSON.stringify(closeCodes[reason])}\n\n`);
    void this.#clock.sleep(closeMs).then(() => this.#response.destroy());
  };
}
