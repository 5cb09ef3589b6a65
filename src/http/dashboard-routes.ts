import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Ingest } from "../ingest/ingest.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { readPages } from "./dashboard-files.ts";
import type { ReadyFile, ReadyPages } from "./dashboard-files.ts";
import { ingestRoutes } from "./ingest-routes.ts";
import { originAllowed } from "./live-socket.ts";
import type { Routes } from "./server.ts";

export interface DashboardParts {
  /** Where `npm run build` puts the pages. */
  readonly folder: string;
  readonly clock: Clock;
  /** Takes the few events that a person tries; undefined where this process takes none. */
  readonly ingest: Pick<Ingest, "limits" | "admit" | "accept" | "status" | "stop"> | undefined;
  readonly about: () => DashboardAbout;
}

/** What the pages can't know by themselves. */
export interface DashboardAbout {
  readonly version: string;
  /** Where programs send events; null when this process takes none. */
  readonly ingest_port: number | null;
}

/** `GET /`: the dashboard, with its files below `/assets/`, and what it alone asks for below `/dashboard/`. */
export function dashboardRoutes(parts: DashboardParts): Routes {
  return (server) => {
    // Kept once they are there: who builds them while the server runs need not start it again.
    let kept: ReadyPages | undefined;
    const pages = (): ReadyPages | undefined => (kept ??= readPages(parts.folder));
    server.get("/", { schema: hidden }, (request, reply) => {
      const document = pages()?.document;
      return document === undefined ? sayHowToBuild(reply) : sendDocument(document, request, reply);
    });
    server.get<{ Params: { name: string } }>("/assets/:name", { schema: hidden }, (request, reply) => {
      const file = pages()?.assets.get(request.params.name);
      if (file === undefined) throw new WeirError("unknown_route", "the dashboard has no such file; load it again");
      // Their names have the hash of what is in them.
      return send(file, request, reply.header("cache-control", "public, max-age=31536000, immutable"));
    });
    server.get("/dashboard/about", { schema: hidden }, (_request, reply) =>
      reply.header("cache-control", "no-store").send(parts.about()),
    );
    if (parts.ingest !== undefined) trials(server, parts.ingest, parts.clock);
  };
}

/** Events by hand: for the dashboard's own pages, never for a page of another origin. */
function trials(server: FastifyInstance, ingest: NonNullable<DashboardParts["ingest"]>, clock: Clock): void {
  server.addHook("preClose", () => ingest.stop());
  const routes = ingestRoutes(ingest, clock);
  server.register(
    (scope, _options, done) => {
      scope.addHook("onRoute", (route) => void (route.schema = { ...route.schema, ...hidden }));
      scope.addHook("onRequest", (request, _reply, next) => next(foreignOrigin(request)));
      routes(scope);
      done();
    },
    { prefix: "/dashboard" },
  );
}

const hidden = { hide: true };

function foreignOrigin({ raw }: FastifyRequest): WeirError | undefined {
  if (originAllowed(raw, [])) return undefined;
  const { origin, host } = raw.headers;
  const message = `only the dashboard's own pages send events here, programs POST to /ingest: this page is of ${origin}, and ${host} was asked; a proxy in between has to pass Host on`;
  return new WeirError("origin_refused", message);
}

/** Nothing but what this server serves: no inline script or style, no frame around it, no request to another host. */
const pageHeaders = {
  "content-security-policy": [
    "default-src 'none'",
    ...["script-src", "style-src", "img-src", "connect-src"].map((kind) => `${kind} 'self'`),
    ...["base-uri", "form-action", "frame-ancestors"].map((kind) => `${kind} 'none'`),
  ].join("; "),
  "cache-control": "no-cache",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
};

function sendDocument(document: ReadyFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.headers(pageHeaders).header("etag", document.etag);
  if (request.headers["if-none-match"] === document.etag) return reply.code(304).send();
  return send(document, request, reply);
}

function send(file: ReadyFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const takesGzip = /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
  void reply.type(file.type).headers({ vary: "accept-encoding", "x-content-type-options": "nosniff" });
  if (takesGzip) void reply.header("content-encoding", "gzip");
  return reply.send(takesGzip ? file.gzipped : file.plain);
}

const howToBuild = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Weir</title>
<h1>The dashboard is not built</h1>
<p>Run <code>npm run build</code> in Weir's folder and load this page again; the server need not be started anew.</p>
<p>Everything else works: <a href="/docs/">every route, to try out</a>.</p></html>
`;

function sayHowToBuild(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .headers({ ...pageHeaders, "x-content-type-options": "nosniff" })
    .type("text/html; charset=utf-8")
    .send(howToBuild);
}
