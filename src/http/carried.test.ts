import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { clientFrame } from "../../test/support/raw-web-socket.ts";
import { liveDesk } from "../../test/support/live-desk.ts";
import { systemClock } from "../lib/clock.ts";
import { observedHub } from "../live/observed.ts";
import { liveSocket } from "./live-socket.ts";
import { createServer } from "./server.ts";

const sockets = 300;
/** With the client's end, which is in this process, too, it takes 5,600; with functions and tables of its own it took 8,000. */
const bytesMax = 6600;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
// With it on, code that was compiled without is not used again, in this process and by those that share its cache.
setFlagsFromString("--no-expose-gc");

test("a socket that watches a rule takes little", async (t) => {
  const { hub } = liveDesk();
  const server = createServer({
    title: "Test",
    version: "0",
    logger: false,
    routes: [
      liveSocket(
        observedHub(hub, () => {}),
        { clock: systemClock },
      ),
    ],
  });
  t.after(() => server.close());
  await server.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const open: Socket[] = await watching(port);
  const before = heldBytes();
  open.push(...(await watching(port)));
  const bytes = (heldBytes() - before) / sockets;
  for (const socket of open) socket.destroy();
  assert.ok(bytes < bytesMax, `${Math.round(bytes)} bytes`);
});

const handshake =
  "GET /live-stats HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
/** What is no request is answered, behind what was asked for before. */
const asked = ['{"subscribe_rules":["clicks"]}', "?"].map((text) => clientFrame(1, Buffer.from(text)));

async function watching(port: number): Promise<Socket[]> {
  const opened = Array.from({ length: sockets }, () => connect(port, "127.0.0.1"));
  for (const said of [Buffer.from(handshake), Buffer.concat(asked)])
    await Promise.all(opened.map((socket) => (socket.write(said), once(socket, "data"))));
  return opened;
}

function heldBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
