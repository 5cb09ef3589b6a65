import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { type TestContext, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { MemoryProgress } from "../../test/support/memory-progress.ts";
import { MemoryRules } from "../../test/support/memory-rules.ts";
import { MemoryStore } from "../../test/support/memory-store.ts";
import { converse } from "../../test/support/socket.ts";
import { systemClock } from "../lib/clock.ts";
import { Hub } from "../live/hub.ts";
import { Query } from "../query/query.ts";
import { liveEvents } from "./live-events.ts";
import { liveSocket } from "./live-socket.ts";
import { queryRoutes } from "./query-routes.ts";
import { createServer } from "./server.ts";
import type { Routes, ServerOptions } from "./server.ts";
import { unansweredMax } from "../lib/unanswered.ts";

/** A query server; what is asked of `/held` with the header `X-Held` is never answered. */
async function start(t: TestContext, options: Partial<ServerOptions> = {}) {
  const [rules, store, progress] = [new MemoryRules(), new MemoryStore(), new MemoryProgress()];
  const series = rules.set({ rule_id: "r" });
  store.set(series, { windowStart: Date.now() - 60_000, group: ["a"], value: 1 });
  const live = { find: (id: string) => rules.list().find((rule) => rule.rule_id === id) };
  const answering = rules.answering.bind(rules);
  const hub = new Hub({ store, rules: { ...live, answering }, progress, clock: systemClock, process: "test" });
  hub.start();
  const unused = { written: unused0, log: unused0, rates: unused0, parts: unused0 };
  const more = { groupsMax: 10, readsAtOnce: 4, fill: () => null, cost: () => null, clock: systemClock };
  const query = new Query({ store, rules, progress, ...more, ...unused } as never);
  let [asked, left] = [0, 0];
  const held: Routes = (scope) =>
    scope.get("/held", (request, reply) => {
      asked += 1;
      reply.hijack();
      reply.raw.once("close", () => (left += 1));
      if (request.headers["x-held"] === undefined) reply.raw.end("held");
    });
  const routes = [
    ...[liveSocket, liveEvents].map((carry) => carry(hub, { clock: systemClock })),
    queryRoutes(query),
    held,
  ];
  const server = createServer({ title: "Test", version: "0", logger: false, routes, ...options });
  await server.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => (server.server.closeAllConnections(), server.close()));
  const { port } = server.server.address() as AddressInfo;
  const table = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}/stats?rule_id=r&format=csv`);
    await answer.arrayBuffer();
    return answer.status;
  };
  return { hub, port, table, counts: () => [asked, left] as const };
}

const unused0 = (): never => assert.fail("was asked");

const asking = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;
const stream = asking("/live-stats?rule_id=r");
const csv = asking("/stats?rule_id=r&format=csv");
const held = asking("/held", "X-Held: 1\r\n");
const socketHeaders =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
const turns = {
  CONNECT: "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
  Upgrade: asking("/live-stats", socketHeaders),
};

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 6000 && !isSo(); turn++) await pause(10);
  assert.ok(isSo(), isSo.toString());
}

describe("a connection that becomes something else while answers wait on it", () => {
  for (const [name, turn] of Object.entries(turns)) {
    it(`leaves nothing of them behind: ${name}, a stream of events in front`, { timeout: 60_000 }, async (t) => {
      const { hub, port, table } = await start(t);
      const line = converse(port);
      t.after(() => line.destroy());
      line.write(stream + csv + csv + turn);
      await line.closed;
      assert.equal(await table(), 200);
      await until(() => hub.connectionCount === 0);
    });

    it(`leaves nothing of them behind: ${name}, tables and streams behind what takes long`, async (t) => {
      const { hub, port, table, counts } = await start(t);
      const line = converse(port);
      line.write(held + csv + csv + held + stream + (name === "CONNECT" ? turn : ""));
      if (name === "Upgrade") {
        // One that stands behind answers is not made: it would be in the midst of them.
        line.write(turn);
        await until(() => counts()[0] === 2);
        line.destroy();
      }
      await line.closed;
      await until(() => counts()[1] === counts()[0]);
      await until(() => hub.connectionCount === 0);
      assert.equal(await table(), 200);
    });
  }

  it("is answered in its turn when it asks for a socket too early", async (t) => {
    const { port } = await start(t);
    const line = converse(port);
    line.write(asking("/stats?rule_id=r") + turns.Upgrade.replace("Upgrade\r\n", "Upgrade, close\r\n"));
    const statuses = [...(await line.closed).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses, ["200", "426"]);
  });
});

describe("answers that wait on a connection", () => {
  it("are none behind a stream of events, which would hold them for ever", { timeout: 60_000 }, async (t) => {
    const { hub, port, table } = await start(t);
    const line = connect(port, "127.0.0.1");
    line.on("error", () => {}).on("data", () => {});
    line.write(stream);
    await until(() => hub.connectionCount === 1);
    line.write(csv + csv);
    await once(line, "close");
    assert.equal(await table(), 200);
    await until(() => hub.connectionCount === 0);
  });

  it("are answered again when the stream has ended", { timeout: 60_000 }, async (t) => {
    const { hub, port } = await start(t);
    const line = converse(port);
    line.write(stream);
    await until(() => hub.connectionCount === 1);
    hub.stop();
    await pause(100);
    line.write(asking("/held", "Connection: close\r\n"));
    assert.match(await line.closed, /event: close.*HTTP\/1\.1 200.*held/s);
  });

  it("are so many at the most, of whatever is asked", { timeout: 60_000 }, async (t) => {
    const { port, counts } = await start(t);
    const line = converse(port);
    line.write(held.repeat(unansweredMax));
    await until(() => counts()[0] === unansweredMax);
    await pause(50);
    assert.deepEqual(counts(), [unansweredMax, 0]);
    line.write(held.repeat(1000));
    await line.closed;
    await until(() => counts()[1] === unansweredMax);
    assert.equal(counts()[0], unansweredMax);
  });

  it("are none of node's own either, behind a stream of events", { timeout: 60_000 }, async (t) => {
    const { hub, port } = await start(t);
    const line = converse(port);
    line.write(stream + "GET / HTTP/1.1\r\n\r\n");
    await line.closed;
    await until(() => hub.connectionCount === 0);
  });

  it("may be asked for in any number by who reads them", { timeout: 60_000 }, async (t) => {
    const { port } = await start(t);
    const line = connect(port, "127.0.0.1").setEncoding("latin1");
    t.after(() => line.destroy());
    let received = "";
    line.on("data", (text: string) => (received += text));
    const answers = (): number => received.match(/HTTP\/1\.1 200/g)?.length ?? 0;
    for (let round = 1; round <= 20; round++) {
      line.write(asking("/held").repeat(unansweredMax));
      await until(() => answers() === round * unansweredMax);
    }
  });
});
