import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { converse } from "../../test/support/socket.ts";
import { createServer } from "./server.ts";
import type { Routes, ServerOptions } from "./server.ts";

const sample: Routes = (server) => {
  server.post("/sample", ({ body }) => ({ body }));
  server.get("/health", () => ({}));
};

describe("over a socket", () => {
  async function portOf(t: TestContext, options: Partial<ServerOptions>): Promise<number> {
    const server = createServer({ title: "Test", version: "0", logger: false, routes: [sample], ...options });
    t.after(() => server.close());
    await server.listen({ host: "127.0.0.1", port: 0 });
    return (server.server.address() as AddressInfo).port;
  }

  it("answers what is not HTTP", async (t) => {
    const connection = converse(await portOf(t, {}));
    connection.write("hello\r\n\r\n");
    assert.match(await connection.closed, /^HTTP\/1\.1 400 .*"code":"bad_request"/s);
  });

  it("answers nothing in the place of a request that waits for its answer", async (t) => {
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<object>()];
    const slow: Routes = (scope) => {
      scope.get("/slow", () => (asked.resolve(), answer.promise));
      scope.post("/slow", () => ({}));
    };
    for (const more of [
      "hello\r\n\r\n",
      "POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ]) {
      const connection = converse(await portOf(t, { routes: [slow] }));
      connection.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
      await asked.promise;
      connection.write(more);
      await pause(50);
      // Also where this process has slept for that long it has read what has come.
      await new Promise(setImmediate);
      answer.resolve({ answered: true });
      assert.match(await connection.closed, /^HTTP\/1\.1 200 [^{]*\{"answered":true\}$/s);
    }
  });

  it("answers a request for what is not there before its body has come", async (t) => {
    const port = await portOf(t, {});
    for (const [path, status] of [
      ["/nowhere", 404],
      ["/health", 405],
    ] as const) {
      const connection = converse(port);
      connection.write(
        `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
      );
      assert.match(await connection.closed, new RegExp(`^HTTP/1\\.1 ${status} .*connection: close`, "is"));
    }
  });

  it("lets a client send what it has begun before it is refused, as it would not read the answer else", async (t) => {
    const connection = converse(await portOf(t, {}));
    const half = " ".repeat(600_000);
    const head =
      "POST /sample HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1200000\r\n\r\n";
    connection.write(`${head}${half}`);
    assert.equal(await Promise.race([connection.closed, pause(100)]), undefined);
    connection.write(half);
    assert.match(await connection.closed, /^HTTP\/1\.1 413 .*"code":"body_too_large"/s);
  });

  it("keeps bodies that do not come to an end within a bound for all", async (t) => {
    const port = await portOf(t, { arrivingBytesMax: 100_000 });
    const head = "POST /sample HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n";
    const connections = [1, 2].map(() => converse(port));
    for (const connection of connections) connection.write(`${head}${" ".repeat(80_000)}`);
    const refusal = await Promise.race(connections.map(({ closed }) => closed));
    assert.match(refusal, /^HTTP\/1\.1 429 .*"code":"overloaded"/s);
    for (const connection of connections) connection.write(`${" ".repeat(9_998)}{}`);
    t.after(() => connections.forEach((connection) => connection.destroy()));
  });

  it("refuses headers without end", async (t) => {
    const connection = converse(await portOf(t, {}));
    connection.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(20_000)}\r\n\r\n`);
    assert.match(await connection.closed, /^HTTP\/1\.1 431 .*"code":"headers_too_large"/s);
  });

  it("cuts headers and bodies that do not come", async (t) => {
    const port = await portOf(t, { headersTimeoutMs: 300, requestTimeoutMs: 600 });
    const headers = converse(port);
    headers.write("GET / HTTP/1.1\r\nHost:");
    const body = converse(port);
    body.write("POST /sample HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{");
    assert.match(await headers.closed, /^HTTP\/1\.1 408 .*"code":"request_timeout"/s);
    assert.match(await body.closed, /^HTTP\/1\.1 408 /);
  });
});
