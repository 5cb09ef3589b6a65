import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { aborted } from "../lib/unless-aborted.ts";
import { queryRoutes } from "./query-routes.ts";
import { createServer } from "./server.ts";

for (const path of ["/stats?rule_id=r", "/events?user_id=nobody", "/rejects"])
  test(`a client that leaves ends what it asked for: ${path}`, { timeout: 60_000 }, async (t) => {
    const begun = Promise.withResolvers<AbortSignal>();
    const reading = async (_: unknown, signal: AbortSignal): Promise<never> => {
      begun.resolve(signal);
      await aborted(signal).promise;
      throw signal.reason;
    };
    const query = { stats: reading, events: reading, rejects: reading };
    const routes = [queryRoutes(query as never)];
    const server = createServer({ title: "Test", version: "0", logger: false, routes });
    t.after(() => server.close());
    await server.listen({ host: "127.0.0.1", port: 0 });
    const { port } = server.server.address() as AddressInfo;
    const client = new AbortController();
    const answer = fetch(`http://127.0.0.1:${port}${path}`, { signal: client.signal });
    const signal = await begun.promise;
    assert.equal(signal.aborted, false);
    client.abort();
    await assert.rejects(answer);
    await aborted(signal).promise;
  });
