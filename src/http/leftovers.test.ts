import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memoryLog } from "../../test/support/memory-log.ts";
import { Ingest } from "../ingest/ingest.ts";
import { systemClock } from "../lib/clock.ts";
import { ingestRoutes } from "./ingest-routes.ts";
import { createServer } from "./server.ts";

const requests = 3000;
/** A request allocates some 20 KB; of that, with what this test itself allocates, 1,200 bytes stay for a full collection. */
const bytesMax = 2000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options?: { type: "minor" | "major" }) => void;
// With it on, code that was compiled without is not used again, in this process and by those that share its cache.
setFlagsFromString("--no-expose-gc");

// What outlives the quick collections of young objects makes each of them longer, and all requests wait meanwhile.
test("what a request allocates is gone with the next quick collection", async (t) => {
  const progress = { isCounted: () => true, waitCounted: async () => true };
  const ingest = new Ingest({ log: memoryLog({ keep: false }), progress, clock: systemClock });
  const server = createServer({
    title: "Test",
    version: "0",
    logger: false,
    routes: [ingestRoutes(ingest, systemClock)],
  });
  t.after(() => server.close());
  await server.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.server.address() as AddressInfo;
  await post(port, requests);
  // On a machine that has too much to do requests may be under way for so long that they are called old; but not each time.
  const left: number[] = [];
  while (left.length < 3 && Math.min(...left) >= bytesMax) left.push(await leftBy(() => post(port, requests)));
  assert.ok(Math.min(...left) < bytesMax, `${left.map(Math.round).join(", ")} bytes a request`);
});

/** Bytes of old objects a request. */
async function leftBy(ask: () => Promise<void>): Promise<number> {
  collect({ type: "major" });
  const before = oldBytes();
  await ask();
  // Twice: what survives the first is looked at again by the second.
  collect({ type: "minor" });
  collect({ type: "minor" });
  return (oldBytes() - before) / requests;
}

/** Of small objects that are not young: large ones are mostly the tables in which the test runner keeps what is asynchronous. */
const oldBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === "old_space")!.space_used_size;

/** By bare sockets, so that nothing of a client is measured. */
async function post(port: number, count: number): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, (_, client) => postOver(connect(port, "127.0.0.1"), client, count / 8)));
}

/** The body of each comes after its head, as that of a client does whose request is more than a packet. */
async function postOver(socket: Socket, client: number, count: number): Promise<void> {
  socket.setNoDelay();
  for (let index = 0; index < count; index++) {
    const id = `${client} ${index}`;
    const body = JSON.stringify([{ event_id: id, user_id: "u", event_type: "t", timestamp: Date.now(), payload: {} }]);
    socket.write(
      `POST /ingest HTTP/1.1\r\nhost: weir\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    await setImmediate();
    socket.write(body);
    const [answer] = (await once(socket, "data")) as [Buffer];
    assert.match(String(answer), /"accepted"/);
  }
  socket.destroy();
}
