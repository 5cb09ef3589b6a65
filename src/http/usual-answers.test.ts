import assert from "node:assert/strict";
import { test } from "node:test";
import type { InjectOptions } from "fastify";
import { documented } from "../../test/support/documented.ts";
import { memoryLog } from "../../test/support/memory-log.ts";
import { Ingest } from "../ingest/ingest.ts";
import { systemClock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { erasureRoutes } from "./erasure-routes.ts";
import { healthRoutes } from "./health-routes.ts";
import { ingestRoutes } from "./ingest-routes.ts";
import { queryRoutes } from "./query-routes.ts";
import { ruleRoutes } from "./rule-routes.ts";
import { createServer } from "./server.ts";

/** Stands for any part, and throws whatever it is asked for. */
function failing(error: WeirError): never {
  const fail = (): never => {
    throw error;
  };
  return new Proxy({}, { get: () => fail }) as never;
}

const progress = { isCounted: () => false, waitCounted: async () => false };

function make(error: WeirError) {
  const ingest = new Ingest({ log: memoryLog(), progress, clock: systemClock });
  const server = createServer({
    ...{ title: "Test", version: "0", logger: false, hostNames: { listensOn: "127.0.0.1", names: [] } },
    routes: [
      ingestRoutes(ingest, systemClock),
      queryRoutes(failing(error)),
      ruleRoutes(failing(error), failing(error)),
      erasureRoutes(failing(error)),
      healthRoutes({ ready: async () => ({ ok: true, parts: {} }), metrics: async () => "weir_up 1\n" }),
    ],
  });
  return documented(server);
}

const json = { "content-type": "application/json" };
/** What may be wrong with a request of any route. */
const wrongs: readonly Pick<InjectOptions, "headers" | "query" | "payload">[] = [
  {},
  { headers: { host: "evil.example" } },
  { query: { nonsense: "1" } },
  { headers: json, payload: "{" },
  { headers: { "content-type": "text/plain" }, payload: "a" },
  { headers: { ...json, "content-length": String(1 << 30) }, payload: "{}" },
  { headers: { ...json, "content-encoding": "rot13" }, payload: "{}" },
];

test("whatever is wrong with a request, the document has the answer to it, on every route", async () => {
  const seen = new Set<number>();
  for (const code of ["internal", "store_unavailable"] as const) {
    const server = make(new WeirError(code, "it failed"));
    await server.ready();
    const { paths } = (await server.inject({ url: "/docs/json", headers: { host: "localhost" } })).json<{
      paths: Record<string, object>;
    }>();
    for (const [path, methods] of Object.entries(paths))
      for (const method of Object.keys(methods).map((name) => name.toUpperCase() as "GET"))
        for (const wrong of wrongs)
          seen.add(
            (
              await server.inject({
                url: path.replaceAll(/[{}]/g, ""),
                method,
                ...wrong,
                headers: { host: "localhost", ...wrong.headers },
              })
            ).statusCode,
          );
    await server.close();
  }
  for (const status of [400, 403, 413, 415, 500, 503])
    assert.ok(seen.has(status), `${status} of ${[...seen].join(", ")}`);
});
