import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { systemClock } from "../../../lib/clock.ts";
import type { Database } from "./database.ts";
import { lane } from "./lane.ts";
import { Running } from "./running.ts";
import { listen, makeServer, type ServerOptions } from "./server.ts";
import { readerLimits } from "./settings.ts";
import type { Spool } from "./spool.ts";

/** More than the system takes into its own buffers for one that does not read. */
const bytes = Buffer.alloc(40 * 1024 * 1024, "x");
const asking = "GET /?query=SELECT+1 HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** The server on an engine whose every answer is large. Two are read at a time. */
async function start(t: TestContext, options: Pick<ServerOptions, "stalledMs">) {
  let asked = 0;
  const database = { run: async () => ((asked += 1), { bytes, elapsedSeconds: 0, rowsRead: 1, bytesRead: 1 }) };
  const reads = lane(2, 10);
  const server = makeServer({
    parts: {
      database: database as unknown as Database,
      running: new Running(systemClock, async () => {}),
      spool: {} as Spool,
      writes: lane(1, 1),
      limits: readerLimits(2 ** 30),
    },
    callerOf: () => ({ access: "reader", reads }),
    newId: () => crypto.randomUUID(),
    ...options,
  });
  let [cut, askedBeforeCut] = [0, 0];
  const cutOne = (): void => {
    if (cut++ === 0) askedBeforeCut = asked;
  };
  server.on("connection", (socket) => socket.once("close", cutOne));
  const port = await listen(server, 0);
  t.after(() => (server.closeAllConnections(), server.close()));
  const line = (text: string): Socket => {
    const socket = connect(port, "127.0.0.1").pause();
    t.after(() => socket.destroy());
    socket.on("error", () => {}).write(text);
    return socket;
  };
  const url = `http://127.0.0.1:${port}/?query=SELECT+1`;
  return { asked: () => asked, cut: () => cut, askedBeforeCut: () => askedBeforeCut, line, url };
}

test(
  "results for tools that do not read are two at a time, and those tools are cut",
  { timeout: 60_000 },
  async (t) => {
    const { asked, cut, askedBeforeCut, line, url } = await start(t, { stalledMs: 1000 });
    const lines = Array.from({ length: 5 }, () => line(asking));
    while (cut() < lines.length) await pause(20);
    assert.equal(askedBeforeCut(), 2);
    await Promise.all(lines.map((socket) => once(socket.resume(), "close")));
    assert.equal(asked(), 5);
    assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, bytes.length);
  },
);

test("a tool waits for one answer at a time, and leaves nothing behind when its connection ends", async (t) => {
  const { line, url } = await start(t, { stalledMs: 5000 });
  for (const more of [asking, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"])
    for (let turn = 0; turn < 3; turn++) await once(line(asking + more).resume(), "close");
  assert.equal((await fetch(url)).status, 200);
});

test("a tool's connection is kept between its questions", { timeout: 60_000 }, async (t) => {
  const { line, cut } = await start(t, { stalledMs: 100 });
  const ping = "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const socket = line(ping).resume();
  await once(socket, "data");
  await pause(500);
  socket.write(ping);
  await once(socket, "data");
  assert.deepEqual([cut(), socket.closed], [0, false]);
});

test("the server's own connection waits for nobody's reading", async (t) => {
  const { asked, line } = await start(t, {});
  for (let turn = 0; turn < 5; turn++) line(asking);
  for (let turn = 0; turn < 3000 && asked() < 5; turn++) await pause(20);
  assert.equal(asked(), 5);
});
