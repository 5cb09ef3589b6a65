import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { allStats, postCounted, putRule } from "../support/api.ts";
import { endedLate, startServer } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { type Conversation, converse } from "../support/socket.ts";

const hour = Date.UTC(2026, 0, 13, 10);
const json = { "content-type": "application/json" };

describe("SIGTERM under load", () => {
  let dataDir: string;
  let server: ServerProcess;
  /** By all clients of all starts. */
  const sent: Sent = { acknowledged: 0, unknown: 0 };
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-stop-"));
    server = await startServer({ dataDir });
    await putRule(server.queryUrl, { rule_id: "all", window_size: "1h", metric: "count", group_by: [] });
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** Whether it has ended in time. A last start has to; one that has not loses nothing either. */
  const stopped = async (start: number, isLast: boolean): Promise<boolean> => {
    const { promise: end, resolve: heard } = Promise.withResolvers<CloseEvent>();
    const socket = new WebSocket(`${server.queryUrl.replace("http", "ws")}/live-stats`);
    socket.addEventListener("close", heard);
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    const before = sent.acknowledged;
    const ids = Array.from({ length: 8 }, (_, index) => `client-${start}-${index}`);
    const senders = Promise.all(ids.map((id, index) => send(server, id, index % 2 ? "?wait=counted" : "", sent)));
    await pause(1000);
    for (const until = performance.now() + 120_000; sent.acknowledged <= before + 8; await pause(50))
      assert.ok(performance.now() < until, JSON.stringify(sent));

    // One that needs longer than 9.5 s says so and ends with 1.
    const exit = await server.terminate();
    const isInTime = isLast || !(await endedLate(server));
    if (isInTime) {
      assert.deepEqual(exit, { code: 0, signal: null }, server.output());
      const { code, reason } = await end;
      assert.deepEqual([code, reason], [1001, "the server is stopping"]);
      assert.doesNotMatch(server.output(), /"level":"(error|fatal)"/);
    }

    await senders;
    await server.killGroup();
    server = await startServer({ dataDir });
    await postCounted(server.ingestUrl, [event(`last-${start}`)]);
    const [row] = await allStats(server.queryUrl, "all", hour, hour + 3_600_000);
    const counted = Number(row?.["value"]) - start;
    assert.ok(counted >= sent.acknowledged && counted <= sent.acknowledged + sent.unknown, JSON.stringify(sent));
    return isInTime;
  };

  test("ends everything in order and soon, and loses nothing", async () => {
    // A machine that stands still for seconds keeps it from that; not three times.
    for (let start = 1; !(await stopped(start, start === 3)); start++);
  });
});

test("requests that never come to an end keep nothing behind the servers from stopping in order", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-stop-"));
  try {
    // A machine that stands still for seconds keeps it from that; not three times.
    for (let start = 1; !(await endsAllTheSame(dataDir, start === 3)); start++);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

/** With half a body on each port, for the rest of which Weir would wait ten seconds. Whether it has ended in time; a last start has to. */
async function endsAllTheSame(dataDir: string, isLast: boolean): Promise<boolean> {
  const server = await startServer({ dataDir });
  const head = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue";
  const asked = [
    [server.ingestUrl, "POST /ingest"],
    [server.queryUrl, "PUT /aggregation-rules"],
  ] as const;
  const halves = asked.map(([url, what]) => {
    const connection = converse(Number(new URL(url).port));
    connection.write(`${what} HTTP/1.1\r\n${head}\r\n\r\n{`);
    return connection;
  });
  try {
    for (const end = performance.now() + 120_000; !halves.every(isUnderWay); await pause(20))
      assert.ok(performance.now() < end, "a request does not arrive");
    await pause(100);
    const exit = await server.terminate();
    if (!isLast && (await endedLate(server))) return false;
    assert.deepEqual(exit, { code: 0, signal: null }, server.output());
    assert.match(server.output(), /"level":"warn".*cut/);
    assert.doesNotMatch(server.output(), /"level":"fatal"|could not be stopped in order/);
    return true;
  } finally {
    for (const half of halves) half.destroy();
    await server.killGroup();
  }
}

/** Its head has been read. */
const isUnderWay = ({ received }: Conversation): boolean => received().includes(" 100 Continue");

const event = (id: string) => ({ event_id: id, user_id: "u", event_type: "e", timestamp: hour });

interface Sent {
  acknowledged: number;
  /** The answer was lost, or says that the events are durable and not counted yet. */
  unknown: number;
}

/** One request after the other on connections that are kept, as HTTP clients do, until the server is gone. */
async function send(server: ServerProcess, id: string, query: string, sent: Sent): Promise<void> {
  for (let number = 0; ; number++) {
    try {
      const body = JSON.stringify(event(`${id}-${number}`));
      const answer = await fetch(`${server.ingestUrl}/ingest${query}`, { method: "POST", headers: json, body });
      await answer.arrayBuffer();
      if (answer.ok) sent.acknowledged++;
      else if (answer.status === 504) sent.unknown++;
      else return;
    } catch {
      return void sent.unknown++;
    }
  }
}
