import assert from "node:assert/strict";
import { test } from "node:test";
import { ingestServerOf, queryServerOf } from "../../test/support/made-servers.ts";
import { systemClock } from "../lib/clock.ts";

test("the query port has room for all live connections and for some that ask: the hub refuses, and not the port", async () => {
  for (const [argv, max] of [
    [[], 20_000],
    [["--live-clients-max", "7"], 7],
    [["--live-clients-max", "90000"], 90_000],
  ] as const) {
    const server = queryServerOf(...argv);
    assert.equal(server.server.maxConnections, max + 2_000);
    await server.close();
  }
});

test("on the query port a large document may take as long as it keeps coming, its headers ten seconds", async () => {
  const server = queryServerOf();
  assert.deepEqual([server.server.headersTimeout, server.server.requestTimeout], [10_000, 600_000]);
  await server.close();
});

/** An event of so many milliseconds from now. */
const inMs = (ms: number) => ({
  ...{ event_id: "e", user_id: "u", event_type: "t" },
  timestamp: systemClock.now() + ms,
});
const hour = 3_600_000;

const times = (count: number) => Array.from({ length: count }, () => inMs(0));

test("the ingest port takes and refuses by the limits that are configured, each of which is one of the options", async () => {
  const { server, log, send } = ingestServerOf([
    ...["--future-max", "48h", "--events-per-request-max", "3", "--body-bytes-max", "1KiB"],
  ]);
  assert.deepEqual(await send([inMs(47 * hour)]), [200, undefined]);
  assert.deepEqual(await send([inMs(49 * hour)]), [422, "invalid_events"]);
  assert.deepEqual(await send(times(3)), [200, undefined]);
  assert.deepEqual(await send(times(4)), [413, "too_many_events"]);
  assert.deepEqual(await send([inMs(0)], 1025), [413, "body_too_large"]);
  assert.equal(log.records.length, 2);
  await server.close();
});

test("more than may be in flight is refused by the number that is configured", async () => {
  const [begun, durable] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { server, send } = ingestServerOf(["--inflight-bytes-max", "1MiB", "--body-bytes-max", "1MiB"], () => {
    begun.resolve();
    return durable.promise;
  });
  const first = send(times(1), 600 * 1024);
  await begun.promise;
  assert.deepEqual(await send(times(1), 600 * 1024), [429, "overloaded"]);
  durable.resolve();
  assert.deepEqual(await first, [200, undefined]);
  await server.close();
});

test("by itself the ingest port takes events up to a day ahead, and 10,000 of them at once", async () => {
  const { server, send } = ingestServerOf();
  assert.deepEqual(await send([inMs(23 * hour)]), [200, undefined]);
  assert.deepEqual(await send([inMs(25 * hour)]), [422, "invalid_events"]);
  assert.deepEqual(await send(times(10_000)), [200, undefined]);
  assert.deepEqual(await send(times(10_001)), [413, "too_many_events"]);
  await server.close();
});

test("the ingest port has room for 20,000 connections; headers have ten seconds, a body as long as it keeps coming", async () => {
  const { server } = ingestServerOf();
  const { maxConnections, headersTimeout, requestTimeout, keepAliveTimeout } = server.server;
  assert.deepEqual(
    [maxConnections, headersTimeout, requestTimeout, keepAliveTimeout],
    [20_000, 10_000, 600_000, 72_000],
  );
  await server.close();
});
