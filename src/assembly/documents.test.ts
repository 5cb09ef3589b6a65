import assert from "node:assert/strict";
import { test } from "node:test";
import { healthServerOf, ingestServerOf, queryServerOf } from "../../test/support/made-servers.ts";
import type { Server } from "../http/server.ts";

/** What is for the dashboard's pages alone. */
const ofPages = ["/", "/assets/{name}", "/dashboard/about", "/dashboard/ingest", "/dashboard/ingest/status"];
const ofDocument = /^\/docs(?:\/|$)/;

/** The routes that a server has and those of its document, as `GET /path/{parameter}`. */
async function routesOf(server: Server) {
  const there: string[] = [];
  server.addHook("onRoute", ({ method, url }) => {
    const path = url.replaceAll(/:(\w+)/g, "{$1}");
    if (ofDocument.test(path) || ofPages.includes(path)) return;
    there.push(...[method].flat().flatMap((one) => (one === "HEAD" ? [] : [`${one} ${path}`])));
  });
  const document = (await server.inject({ url: "/docs/json" })).json<{ paths: Record<string, object> }>();
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  await server.close();
  return { there: there.toSorted(), documented: documented.toSorted() };
}

const health = ["GET /health", "GET /metrics", "GET /ready"];

for (const [name, make, some] of [
  ["ingest port", () => ingestServerOf().server, ["GET /ingest/status", "POST /ingest"]],
  ["query port", () => queryServerOf(), ["GET /live-stats", "GET /stats", "POST /aggregation-rule", "GET /erasures"]],
  ["port of a process that only counts", () => healthServerOf(), []],
] as const)
  test(`the document of the ${name} names exactly the routes that it has`, async () => {
    const { there, documented } = await routesOf(make());
    assert.deepEqual(documented, there);
    for (const route of [...health, ...some]) assert.ok(there.includes(route), `${route} is not there`);
  });
