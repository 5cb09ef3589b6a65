import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { type TestContext, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createServer } from "./server.ts";
import type { Routes } from "./server.ts";

const KiB = 1024;
const asking = (path: string, method = "GET"): string => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** A server that may hold a MiB of answers, and what goes beyond it of one. `/first` is answered when the test says so, what is behind it waits. */
async function start(t: TestContext) {
  let [release, made, late, open] = [(): void => {}, 0, 0, 0];
  const first = new Promise<void>((resolve) => (release = resolve));
  const bytes = (kib: number) => () => ((made += kib), Buffer.alloc(kib * KiB, "x"));
  const routes: Routes = (scope) => {
    scope.get("/first", async () => (await first, "first"));
    scope.get("/large", bytes(400));
    scope.get("/huge", bytes(4000));
    scope.get("/small", bytes(10));
    scope.get("/late", async () => ((late += 1), await first, bytes(400)()));
    scope.get("/packed", (_, reply) =>
      reply
        .headers({ "content-encoding": "gzip", "cache-control": "immutable", etag: "e", vary: "origin" })
        .send(bytes(400)()),
    );
    scope.delete("/large", bytes(400));
  };
  const server = createServer({
    title: "Test",
    version: "0",
    logger: false,
    routes: [routes],
    heldBytesMax: KiB * KiB,
  });
  server.server.on("connection", (socket) => {
    open += 1;
    socket.once("close", () => (open -= 1));
  });
  await server.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => (server.server.closeAllConnections(), server.close()));
  const { port } = server.server.address() as AddressInfo;
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return [answer.status, answer.headers.get("retry-after"), (await answer.arrayBuffer()).byteLength];
  };
  /** Sends requests on a line of its own, and hears which statuses they get. */
  const line = (requests: string) => {
    const socket = connect(port, "127.0.0.1").setEncoding("latin1");
    t.after(() => socket.destroy());
    let received = "";
    socket.on("error", () => {}).on("data", (text: string) => (received += text));
    socket.write(requests);
    const statuses = (): string[] => [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status!);
    return { statuses, leave: () => socket.destroy(), received: () => received };
  };
  return { ask, line, release: () => release(), made: () => made, late: () => late, open: () => open };
}

async function until<T>(read: () => T, expected: T): Promise<void> {
  for (let turn = 0; turn < 6000; turn++) {
    if (JSON.stringify(read()) === JSON.stringify(expected)) return;
    await pause(10);
  }
  assert.deepEqual(read(), expected);
}

describe("answers that are not read yet", () => {
  it("are held up to a bound; beyond it large ones are refused, and small ones that nothing stands before are not", async (t) => {
    const { ask, line, release, made } = await start(t);
    const waiting = line(asking("/first") + asking("/large").repeat(5) + asking("/small"));
    await until(made, 5 * 400 + 10);
    const [status, retryAfter] = await ask("/large");
    assert.deepEqual([status, retryAfter], [429, "1"]);
    assert.deepEqual(await ask("/small"), [200, null, 10 * KiB]);
    release();
    await until(waiting.statuses, ["200", "200", "200", "200", "429", "429", "429"]);
    assert.deepEqual(await ask("/large"), [200, null, 400 * KiB]);
  });

  it("are forgotten with their connection", async (t) => {
    const { ask, line, made, open } = await start(t);
    line(`${asking("/first")}${asking("/large").repeat(5)}CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n`);
    await until(made, 5 * 400);
    await until(open, 0);
    assert.deepEqual(await ask("/large"), [200, null, 400 * KiB]);
  });

  it("are not held when their client has gone before they were made", async (t) => {
    const { ask, line, release, made, late, open } = await start(t);
    const gone = Array.from({ length: 4 }, () => line(asking("/late")));
    await until(late, 4);
    for (const { leave } of gone) leave();
    await until(open, 0);
    release();
    await until(made, 4 * 400);
    assert.deepEqual(await ask("/large"), [200, null, 400 * KiB]);
  });

  it("leave nothing of themselves in a refusal, which has the one shape wherever it stands", async (t) => {
    const { line, release, made } = await start(t);
    const waiting = line(asking("/first") + asking("/large").repeat(3) + asking("/packed"));
    await until(made, 4 * 400);
    release();
    await until(waiting.statuses, ["200", "200", "200", "200", "429"]);
    await until(() => /"code":"overloaded"/.test(waiting.received()), true);
    const refusal = waiting.received().slice(waiting.received().lastIndexOf("HTTP/1.1 429"));
    assert.doesNotMatch(refusal, /content-encoding|cache-control: immutable|etag/i);
    assert.match(refusal, /vary: origin/i);
  });

  it("may be one that is larger than the bound by itself", async (t) => {
    const { ask } = await start(t);
    for (let turn = 0; turn < 3; turn++) assert.deepEqual(await ask("/huge"), [200, null, 4000 * KiB]);
  });

  it("are not refused for what was done", async (t) => {
    const { line, release, made } = await start(t);
    const waiting = line(asking("/first") + asking("/large").repeat(3) + asking("/large", "DELETE"));
    await until(made, 4 * 400);
    release();
    await until(waiting.statuses, ["200", "200", "200", "200", "200"]);
  });
});
