import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { postCounted, putRule } from "../support/api.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { watchStalls } from "../support/stalls.ts";
import { faultRules } from "./fault-events.ts";
import type { WireEvent } from "./ledger.ts";
import { Judge } from "./mutants/judge.ts";
import { seed } from "./mutants/settings.ts";

/** `WEIR_SLOW=1000` is the long form. */
const connections = Number(process.env["WEIR_SLOW"] ?? 500);
const readers = Math.round(connections / 125);
const reapedMsMax = 15_000;
const quietMs = 3000;
/** Below this a p99 is noise of the machine. */
const noiseMs = 50;

/** R22 of the fault matrix. */
describe(`${connections} slow connections harm nobody else, and are ended (WEIR_SEED=${seed})`, () => {
  let dataDir: string;
  let server: ServerProcess;
  let judge: Judge;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-slow-"));
    server = await startServer({ dataDir });
    judge = new Judge(server, seed, Date.now());
    for (const rule of faultRules) await putRule(server.queryUrl, { ...rule, active: true });
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("whether their headers are slow, or their bodies, or nothing comes at all, or they read nothing", async (t) => {
    const large = largeEvents();
    judge.ledger.sent(large);
    await postCounted(server.ingestUrl, large);
    judge.ledger.settled(large, "acknowledged");
    const before = await p99While(judge, pause(quietMs));
    const reading = Promise.all(Array.from({ length: readers }, () => slowReader(server)));
    // Their answers are made first: that is load, and no slowness.
    await pause(madeMs);
    const reaped = Promise.all(
      Array.from({ length: connections - readers }, (_, index) =>
        index % 2 === 0 ? slowHeaders(server, index) : index % 10 === 1 ? silent(server) : slowBody(server, index),
      ),
    );
    const [from, stalls] = [performance.now(), watchStalls()];
    const during = await p99While(judge, reaped);
    const tookMs = performance.now() - from;
    const stallMs = stalls.worstMs();
    stalls.stop();
    const [longest, received] = [Math.max(...(await reaped)), Math.max(...(await reading))];
    // A machine that has got busier is so without them too.
    const without = during <= bound(before) ? before : Math.max(before, await p99While(judge, pause(tookMs)));
    t.diagnostic(`p99 ${without.toFixed(1)} ms, with them ${during.toFixed(1)} ms`);
    t.diagnostic(`the last ended after ${Math.round(longest)} ms; of what was not read they got ${received} bytes`);
    assert.ok(longest <= reapedMsMax + stallMs, `one was open for ${Math.round(longest)} ms`);
    assert.ok(received < 2 * largeCount * pad.length, "one was let read after all");
    assert.ok(during <= bound(without) + stallMs, `p99 ${during} ms, without them ${without} ms`);
    await judge.verify();
  });
});

const bound = (withoutMs: number): number => Math.max(noiseMs, 2 * withoutMs);
const madeMs = 3000;
/**
 * Asked for twice, they are more than the system takes into its own buffers for one that does not read; but not so many that
 * some are refused because of what others do not read: who has a refusal in those buffers is idle, which he may be for longer.
 */
const largeCount = 3000;
const pad = "x".repeat(3000);
const largeEvents = (): WireEvent[] =>
  Array.from({ length: largeCount }, (_, index) => ({
    event_id: `large-${index}`,
    user_id: "u",
    event_type: "large",
    timestamp: "2020-01-01T00:00:00Z",
    payload: { pad },
  }));

/** The 99th percentile of good requests, one every five milliseconds, until something has happened. */
async function p99While(judge: Judge, happening: Promise<unknown>): Promise<number> {
  const times: number[] = [];
  let isOver = false;
  void happening.finally(() => (isOver = true));
  while (!isOver) {
    const startedAt = performance.now();
    await judge.sendGood();
    times.push(performance.now() - startedAt);
    await pause(5);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
}

/** Whether a server on this machine still has the connection to a port: the system knows of each end by itself. */
function isHeld(serverPort: number, port: number): boolean {
  const hex = (of: number): string => of.toString(16).toUpperCase().padStart(4, "0");
  const established = new RegExp(`^ *\\d+: 0100007F:${hex(serverPort)} 0100007F:${hex(port)} 01 `, "m");
  return established.test(readFileSync("/proc/net/tcp", "latin1"));
}

/** A connection that sends this first, and then a byte each second; answers how long the server had it open. */
function trickle(url: string, first: string, next: () => string): Promise<number> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  const startedAt = performance.now();
  socket.on("error", () => {}).resume();
  socket.write(first);
  const timer = setInterval(() => socket.write(next()), 1000);
  return new Promise((resolve) =>
    socket.on("close", () => {
      clearInterval(timer);
      resolve(performance.now() - startedAt);
    }),
  );
}

const slowHeaders = ({ ingestUrl, queryUrl }: ServerProcess, index: number): Promise<number> =>
  trickle(index % 4 === 0 ? ingestUrl : queryUrl, "POST /ingest HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", () => "x");

const silent = ({ ingestUrl }: ServerProcess): Promise<number> => trickle(ingestUrl, "", () => "");

/** To both ports, in one piece and in chunks. */
function slowBody({ ingestUrl, queryUrl }: ServerProcess, index: number): Promise<number> {
  const [url, path] = index % 4 === 1 ? [ingestUrl, "/ingest"] : [queryUrl, "/aggregation-rule"];
  const isChunked = index % 8 > 3;
  const length = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 100000";
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${length}\r\n\r\n`;
  return trickle(url, isChunked ? head : `${head}[`, () => (isChunked ? "1\r\n[\r\n" : " "));
}

/** Asks for all that there is, reads nothing of it until it has been ended, and then what there is; answers the bytes. */
async function slowReader({ queryUrl }: ServerProcess): Promise<number> {
  const port = Number(new URL(queryUrl).port);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}).pause();
  await once(socket, "connect");
  socket.write("GET /events?limit=10000&event_type=large HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2));
  // A busy machine makes the answers slowly, and only then is anything not read.
  for (const end = performance.now() + 120_000; isHeld(port, socket.localPort!); await pause(200))
    assert.ok(performance.now() < end, "one that reads nothing is not ended");
  let received = 0;
  const ended = new Promise<number>((resolve) => socket.on("close", () => resolve(received)));
  socket.on("data", (piece: Buffer) => (received += piece.length)).resume();
  void pause(5000, null, { ref: false }).then(() => socket.destroy());
  return ended;
}
