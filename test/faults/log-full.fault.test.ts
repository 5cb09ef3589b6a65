import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { postCounted, totals } from "../support/api.ts";
import { killEngines, signalEngines } from "../support/processes.ts";
import { startServer } from "../support/server-process.ts";

const requestEvents = 64;
const large = "x".repeat(60_000);
const withinMs = 120_000;

/** Some 3.8 MB: a log of 64 MiB takes fewer than twenty of them. */
const eventsOf = (request: number): readonly object[] =>
  Array.from({ length: requestEvents }, (_, index) => ({
    ...{ event_id: `${request}-${index}`, user_id: "u", event_type: "t", timestamp: "2026-01-13T10:00:00Z" },
    payload: { large },
  }));

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | null;
}

async function send(ingestUrl: string, events: readonly object[]): Promise<Answer> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${ingestUrl}/ingest`, { method: "POST", headers, body: JSON.stringify(events) });
  const { error } = (await response.json()) as { readonly error?: { readonly code: string } };
  return { status: response.status, code: error?.code, retryAfter: response.headers.get("retry-after") };
}

/** The engine stands still, and is not seen to have ended; so does each that is started when it is taken for hung. */
async function heldStill(server: number, until: AbortSignal): Promise<void> {
  for (; !until.aborted; await pause(500)) await signalEngines(server, "SIGSTOP");
}

test("with the engine away events are taken up to the log's bound, and again when it is back; none that was refused is there", async (context) => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-log-full-"));
  const server = await startServer({ dataDir, args: ["--log-bytes-max", "64MiB"] });
  const { ingestUrl, queryUrl, pid } = server;
  context.after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });
  const back = new AbortController();
  context.after(() => back.abort());
  await signalEngines(pid, "SIGSTOP");
  const away = heldStill(pid, back.signal);
  let taken = 0;
  let answer = await send(ingestUrl, eventsOf(taken));
  while (answer.status === 200 && taken < 40) answer = await send(ingestUrl, eventsOf(++taken));
  assert.deepEqual([answer.status, answer.code], [503, "log_full"], `after ${taken} requests`);
  assert.ok(Number(answer.retryAfter) >= 1, `retry-after: ${answer.retryAfter}`);
  assert.ok(taken >= 13, `only ${taken} requests were taken`);
  back.abort();
  await away;
  await killEngines(pid);
  const end = performance.now() + withinMs;
  for (; answer.status !== 200; answer = await send(ingestUrl, eventsOf(taken))) {
    assert.equal(answer.code, "log_full");
    assert.ok(performance.now() < end, "nothing is taken although the engine is back");
    await pause(100);
  }
  await postCounted(ingestUrl, [{ ...eventsOf(taken + 1)[0], payload: {} }]);
  assert.deepEqual(await totals(queryUrl), { events: (taken + 1) * requestEvents + 1, duplicates: 0 });
});
