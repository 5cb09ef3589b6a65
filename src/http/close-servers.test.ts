import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, describe, it } from "node:test";
import { type Conversation, converse } from "../../test/support/socket.ts";
import { systemClock } from "../lib/clock.ts";
import { closeServers } from "./close-servers.ts";
import { createServer } from "./server.ts";
import type { Server } from "./server.ts";

/** With a request under way that is answered when `release` is called. */
async function busy(t: TestContext): Promise<{ server: Server; connection: Conversation; release: () => void }> {
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = async () => (asked.resolve(), await held.promise, { slow: true });
  const routes = [(scope: Server) => void scope.get("/slow", slow)];
  const server = createServer({ title: "Test", version: "0", logger: false, routes });
  await server.listen({ host: "127.0.0.1", port: 0 });
  const connection = opened(t, server, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await asked.promise;
  return { server, connection, release: () => held.resolve() };
}

function opened(t: TestContext, server: Server, bytes: string): Conversation {
  const connection = converse((server.server.address() as AddressInfo).port);
  t.after(() => connection.destroy());
  connection.write(bytes);
  return connection;
}

const minute = 60_000;

describe("servers that close together", () => {
  it(
    "all refuse what is new while one of them still answers, and answer what was under way",
    { timeout: minute },
    async (t) => {
      const [first, second] = [await busy(t), await busy(t)];
      const closing = closeServers([first.server, second.server], systemClock, minute);
      await systemClock.sleep(50);
      assert.deepEqual([first.server.server.listening, second.server.server.listening], [false, false]);
      first.release();
      assert.match(await first.connection.closed, /"slow":true/);
      second.release();
      assert.match(await second.connection.closed, /"slow":true/);
      assert.equal(await closing, true);
    },
  );

  it(
    "wait no longer than the grace for answers and for requests that never come to an end",
    { timeout: minute },
    async (t) => {
      const { server, connection } = await busy(t);
      const others = ["", "GET /slow HTTP/1.1\r\nHo", "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"];
      const conversations = [connection, ...others.map((bytes) => opened(t, server, bytes))];
      assert.equal(await closeServers([server, (await busy(t)).server], systemClock, 100), false);
      for (const { closed } of conversations) assert.doesNotMatch(await closed, /"slow":true/);
    },
  );
});
