import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { allStats, postCounted, putRule } from "../support/api.ts";
import { startServer } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

const hour = Date.UTC(2026, 0, 13, 10);
const json = { "content-type": "application/json" };

describe("SIGTERM under load", () => {
  let dataDir: string;
  let server: ServerProcess;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-stop-"));
    server = await startServer({ dataDir });
    await putRule(server.queryUrl, { rule_id: "all", window_size: "1h", metric: "count", group_by: [] });
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("ends everything in order and soon, and loses nothing", async () => {
    const { promise: end, resolve: heard } = Promise.withResolvers<CloseEvent>();
    const socket = new WebSocket(`${server.queryUrl.replace("http", "ws")}/live-stats`);
    socket.addEventListener("close", heard);
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    const ids = Array.from({ length: 8 }, (_, index) => `client-${index}`);
    const senders = Promise.all(ids.map((id, index) => send(server, id, index % 2 ? "?wait=counted" : "")));
    await new Promise((resolve) => setTimeout(resolve, 1000));

    // One that needs longer than 9.5 s says so and ends with 1.
    assert.deepEqual(await server.terminate(), { code: 0, signal: null }, server.output());
    const { code, reason } = await end;
    assert.deepEqual([code, reason], [1001, "the server is stopping"]);
    assert.doesNotMatch(server.output(), /"level":"(error|fatal)"/);

    const sent = (await senders).reduce((sum, one) => ({
      acknowledged: sum.acknowledged + one.acknowledged,
      unknown: sum.unknown + one.unknown,
    }));
    server = await startServer({ dataDir });
    await postCounted(server.ingestUrl, [event("last")]);
    const [row] = await allStats(server.queryUrl, "all", hour, hour + 3_600_000);
    const counted = Number(row?.["value"]) - 1;
    assert.ok(counted >= sent.acknowledged && counted <= sent.acknowledged + sent.unknown, JSON.stringify(sent));
    assert.ok(sent.acknowledged > 8);
  });
});

const event = (id: string) => ({ event_id: id, user_id: "u", event_type: "e", timestamp: hour });

interface Sent {
  readonly acknowledged: number;
  /** The answer was lost, or says that the events are durable and not counted yet. */
  readonly unknown: number;
}

/** One request after the other on connections that are kept, as HTTP clients do, until the server is gone. */
async function send(server: ServerProcess, id: string, query: string): Promise<Sent> {
  let acknowledged = 0;
  let unknown = 0;
  for (;;) {
    try {
      const body = JSON.stringify(event(`${id}-${acknowledged}-${unknown}`));
      const answer = await fetch(`${server.ingestUrl}/ingest${query}`, { method: "POST", headers: json, body });
      await answer.arrayBuffer();
      if (answer.ok) acknowledged++;
      else if (answer.status === 504) unknown++;
      else return { acknowledged, unknown };
    } catch {
      return { acknowledged, unknown: unknown + 1 };
    }
  }
}
