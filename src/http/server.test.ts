import assert from "node:assert/strict";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { FastifyInstance, FastifyReply } from "fastify";
import { converse } from "../../test/support/socket.ts";
import { systemClock } from "../lib/clock.ts";
import { WeirError, errorCodes } from "../lib/errors.ts";
import { statusOf } from "./errors.ts";
import { healthRoutes } from "./health-routes.ts";
import { createServer } from "./server.ts";
import type { Routes, ServerOptions } from "./server.ts";

const query = {
  type: "object",
  properties: {
    limit: { type: "integer", minimum: 1, maximum: 10, default: 5 },
    partial: { type: "boolean" },
    wait: { type: "string", enum: ["durable", "counted"] },
  },
  additionalProperties: false,
};

const sample: Routes = (server) => {
  server.get("/sample/:id", { schema: { querystring: query } }, (request) => ({
    params: request.params,
    query: request.query,
  }));
  server.post(
    "/sample",
    { schema: { body: { type: "object", properties: { a: { type: "integer" } } } } },
    (request) => ({ body: request.body }),
  );
  server.get("/broken", () => {
    throw new Error("SELECT secret FROM /inner/path");
  });
  server.get("/away", () => {
    throw new WeirError("store_unavailable", "connect ECONNREFUSED 127.0.0.1:1", { retryAfterMs: 2500 });
  });
};

function make(options: Partial<ServerOptions> = {}): FastifyInstance {
  const health = healthRoutes({
    ready: async () => ({ ok: false, parts: { log: { ok: true }, store: { ok: false, detail: "starting" } } }),
    metrics: async () => "weir_up 1\n",
  });
  return createServer({ title: "Test", version: "0", logger: false, routes: [sample, health], ...options });
}

async function ask(
  server: FastifyInstance,
  url: string,
  options: { method?: "GET" | "POST" | "DELETE"; body?: string | Buffer; type?: string; encoding?: string } = {},
) {
  const answer = await server.inject({
    url,
    method: options.method ?? "GET",
    ...(options.body === undefined
      ? {}
      : {
          payload: options.body,
          headers: {
            "content-type": options.type ?? "application/json",
            ...(options.encoding ? { "content-encoding": options.encoding } : {}),
          },
        }),
  });
  return { status: answer.statusCode, headers: answer.headers, text: answer.body, json: () => answer.json() };
}

describe("a server that listens on a loopback address", () => {
  const server = make({ hostNames: { listensOn: "127.0.0.1", names: ["weir.example"] } });
  after(() => server.close());

  it("is not asked by a name that somebody else has given it", async () => {
    const asked = async (url: string, host: string) => {
      const answer = await server.inject({ url, headers: { host } });
      return [answer.statusCode, answer.json().error?.code];
    };
    for (const url of ["/health", "/docs/json", "/nowhere"])
      assert.deepEqual(await asked(url, "evil.example:8001"), [403, "host_refused"], url);
    for (const host of ["127.0.0.1:8001", "localhost", "weir.example"])
      assert.deepEqual(await asked("/health", host), [200, undefined], host);
  });
});

describe("a server's errors have one shape", () => {
  const server = make();
  after(() => server.close());

  const cases: [name: string, url: string, options: Parameters<typeof ask>[2], status: number, code: string][] = [
    ["an unknown path", "/nowhere?a=1", {}, 404, "unknown_route"],
    ["a known path, asked in the wrong way", "/sample/7", { method: "DELETE" }, 405, "method_not_allowed"],
    ["a URL that can't be decoded", "/sample/%zz", {}, 400, "bad_request"],
    ["the same where no route is", "/%zz", {}, 400, "bad_request"],
    ["a path with a name that is too long", `/sample/${"x".repeat(600)}`, {}, 404, "unknown_route"],
    ["a query with mistakes", "/sample/7?limit=99&partial=yes", {}, 400, "invalid_query"],
    ["a body that is not JSON", "/sample", { method: "POST", body: "{" }, 400, "invalid_json"],
    [
      "a body that is not UTF-8",
      "/sample",
      { method: "POST", body: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      "invalid_json",
    ],
    [
      "a body in an encoding that it does not know",
      "/sample",
      { method: "POST", body: "{}", encoding: "deflate" },
      415,
      "unsupported_encoding",
    ],
    ["an empty body", "/sample", { method: "POST", body: "" }, 400, "invalid_json"],
    [
      "a body of another type",
      "/sample",
      { method: "POST", body: "a", type: "text/plain" },
      415,
      "unsupported_media_type",
    ],
    ["a body of no type", "/sample", { method: "POST", body: "a", type: ";;" }, 415, "unsupported_media_type"],
    ["a large body", "/sample", { method: "POST", body: `"${"a".repeat(1 << 20)}"` }, 413, "body_too_large"],
    ["a fault of our own", "/broken", {}, 500, "internal"],
    ["a part that is away", "/away", {}, 503, "store_unavailable"],
  ];
  for (const [name, url, options, status, code] of cases) {
    it(`answers ${name} with ${status} ${code}`, async () => {
      const answer = await ask(server, url, options);
      assert.equal(answer.status, status);
      const body = answer.json();
      assert.deepEqual(Object.keys(body), ["error"]);
      assert.deepEqual(Object.keys(body.error), ["code", "message", "details"]);
      assert.equal(body.error.code, code);
      assert.match(String(answer.headers["content-type"]), /^application\/json/);
    });
  }

  it("takes a body that is encoded", async () => {
    const answer = await ask(server, "/sample", { method: "POST", body: gzipSync('{"a":1}'), encoding: "gzip" });
    assert.deepEqual([answer.status, answer.json()], [200, { body: { a: 1 } }]);
  });

  it("shows nothing of its inside", async () => {
    assert.doesNotMatch((await ask(server, "/broken")).text, /SELECT|secret|path/);
    assert.doesNotMatch((await ask(server, "/away")).text, /ECONN|127/);
  });

  it("says in its own words what the framework refused", async () => {
    const messageOf = async (...what: Parameters<typeof ask> extends [unknown, ...infer Rest] ? Rest : never) =>
      (await ask(server, ...what)).json().error.message as string;
    assert.match(await messageOf("/sample/%zz"), /path can't be decoded/);
    assert.match(await messageOf("/sample", { method: "POST", body: "a", type: "text/plain" }), /application\/json/);
  });

  it("says when to come again, in whole seconds", async () => {
    assert.equal((await ask(server, "/away")).headers["retry-after"], "3");
  });

  it("names the methods that a path takes", async () => {
    assert.equal((await ask(server, "/sample/7", { method: "POST" })).headers.allow, "GET, HEAD");
  });

  it("has a status for every code", () => {
    assert.deepEqual(Object.keys(statusOf).toSorted(), Object.keys(errorCodes).toSorted());
  });
});

describe("a query's check", () => {
  const server = make();
  after(() => server.close());

  it("turns texts into what the schema asks for and fills in defaults", async () => {
    assert.deepEqual((await ask(server, "/sample/7?partial=true")).json(), {
      params: { id: "7" },
      query: { partial: true, limit: 5 },
    });
  });

  it("lists every mistake with its path, message and value", async () => {
    const { error } = (await ask(server, "/sample/7?limit=0x5&partial=yes&wait=now&partail=1&zzzz=2")).json();
    assert.deepEqual(error.details, [
      { path: "partail", message: "is not a known parameter; did you mean partial?", value: "1" },
      { path: "zzzz", message: "is not a known parameter; known are limit, partial, wait", value: "2" },
      { path: "limit", message: "must be an integer", value: "0x5" },
      { path: "partial", message: "must be a boolean", value: "yes" },
      { path: "wait", message: "must be one of durable, counted", value: "now" },
    ]);
  });

  it("refuses a parameter that is given twice", async () => {
    assert.equal((await ask(server, "/sample/7?limit=1&limit=2")).status, 400);
  });

  it("leaves bodies to the services", async () => {
    const answer = await ask(server, "/sample", {
      method: "POST",
      body: '{"a":"x","__proto__":{"b":1},"constructor":2}',
    });
    assert.equal(answer.text, '{"body":{"a":"x","__proto__":{"b":1},"constructor":2}}');
  });
});

describe("operation", () => {
  const server = make();
  after(() => server.close());

  it("answers health, readiness by part, and metrics", async () => {
    assert.deepEqual((await ask(server, "/health")).json(), { status: "ok" });
    const ready = await ask(server, "/ready");
    assert.equal(ready.status, 503);
    assert.deepEqual(ready.json().parts.store, { ok: false, detail: "starting" });
    const metrics = await ask(server, "/metrics");
    assert.equal(metrics.text, "weir_up 1\n");
    assert.match(String(metrics.headers["content-type"]), /^text\/plain/);
  });

  it("documents itself, with nothing from another host", async () => {
    const document = (await ask(server, "/docs/json")).json();
    assert.deepEqual(Object.keys(document.paths), [
      "/sample/{id}",
      "/sample",
      "/broken",
      "/away",
      "/health",
      "/ready",
      "/metrics",
    ]);
    assert.equal(document.paths["/sample/{id}"].get.parameters[0].schema.maximum, 10);
    const { url } = document.servers[0];
    assert.equal(new URL(url, "https://proxy/weir/docs/json").href, "https://proxy/weir/", "what is tried out there");
    const page = await ask(server, "/docs/");
    assert.equal(page.status, 200);
    assert.doesNotMatch(page.text, /(src|href)="(https?:)?\/\//);
    const script = await ask(server, "/docs/static/swagger-initializer.js");
    assert.match(script.text, /"validatorUrl":null/);
  });
});

describe("a connection between requests", () => {
  it("is kept for a while, and then ended", { timeout: 60_000 }, async (t) => {
    const server = make({ keepAliveTimeoutMs: 3000, writeTimeoutMs: 50 });
    t.after(() => server.close());
    await server.listen({ host: "127.0.0.1", port: 0 });
    const connection = converse((server.server.address() as AddressInfo).port);
    t.after(() => connection.destroy());
    for (let request = 0; request < 2; request++) {
      connection.write("GET /sample/1 HTTP/1.1\r\nHost: a\r\n\r\n");
      await systemClock.sleep(400);
    }
    assert.equal((await connection.closed).match(/HTTP\/1\.1 200/g)?.length, 2);
  });
});

describe("a server that stops", () => {
  it("answers in the one shape and closes the connection", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const asked = Promise.withResolvers<void>();
    const server = make({
      routes: [
        (scope) => {
          scope.get("/slow", async () => (asked.resolve(), await held, { slow: true }));
          scope.get("/quick", () => ({ quick: true }));
        },
      ],
    });
    await server.listen({ host: "127.0.0.1", port: 0 });
    const connection = converse((server.server.address() as AddressInfo).port);
    connection.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await asked.promise;
    const closed = server.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    connection.write("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n");
    const text = await connection.closed;
    await closed;
    assert.match(text, /"slow":true/);
    assert.doesNotMatch(text, /"quick":true/);
  });

  for (const [name, early] of [
    ["tells so in what it still answers, and waits for no connection that a client keeps", false],
    ["waits for none either when the head of the answer had gone before", true],
  ] as const)
    it(name, { timeout: 60_000 }, async (t) => {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const asked = Promise.withResolvers<void>();
      const slow = async (_request: unknown, reply: FastifyReply) => {
        asked.resolve();
        if (!early) return held.then(() => "slow");
        reply.hijack();
        reply.raw.writeHead(200, { "content-length": 4 }).flushHeaders();
        await held;
        reply.raw.end("slow");
      };
      const server = make({ routes: [(scope) => void scope.get("/slow", slow)] });
      await server.listen({ host: "127.0.0.1", port: 0 });
      const connection = converse((server.server.address() as AddressInfo).port);
      t.after(() => connection.destroy());
      connection.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
      await asked.promise;
      const closed = server.close();
      await new Promise((resolve) => setTimeout(resolve, 50));
      release();
      await closed;
      const text = await connection.closed;
      assert.match(text, /slow$/);
      assert.equal(/^connection: close\r$/im.test(text), !early);
    });
});

describe("a client that reads nothing of its answer", () => {
  it("is cut, and gets no more than the system has taken already", { timeout: 60_000 }, async () => {
    const bytes = 80 * 1024 * 1024;
    const large: Routes = (server) => server.get("/large", (_request, reply) => reply.send(Buffer.alloc(bytes)));
    const server = createServer({ title: "Test", version: "0", logger: false, routes: [large], writeTimeoutMs: 200 });
    const cut = new Promise((resolve) =>
      server.server.once("connection", (taken: Socket) => taken.once("close", resolve)),
    );
    const address = new URL(await server.listen({ host: "127.0.0.1", port: 0 }));
    const socket = connect(Number(address.port), "127.0.0.1").pause();
    socket.on("error", () => {}).write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    await cut;
    let received = 0;
    socket.on("data", (piece: Buffer) => (received += piece.length)).resume();
    await new Promise((resolve) => socket.on("close", resolve));
    assert.ok(received < bytes, `${received} bytes`);
    await server.close();
  });
});
