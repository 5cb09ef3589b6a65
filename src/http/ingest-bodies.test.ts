import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { memoryLog } from "../../test/support/memory-log.ts";
import { MemoryProgress } from "../progress/memory-progress.ts";
import { Ingest } from "../ingest/ingest.ts";
import type { IngestLimits } from "../ingest/ingest.ts";
import { systemClock } from "../lib/clock.ts";
import { ingestRoutes } from "./ingest-routes.ts";
import { createServer } from "./server.ts";

function bench(limits: Partial<IngestLimits> = {}) {
  const progress = new MemoryProgress(systemClock);
  const ingest = new Ingest({ log: memoryLog(), progress, clock: systemClock, limits });
  const server = createServer({ title: "T", version: "0", logger: false, routes: [ingestRoutes(ingest, systemClock)] });
  const post = (headers: Record<string, string>, payload: string | Buffer) =>
    server.inject({ method: "POST", url: "/ingest", headers, payload });
  return { server, ingest, post };
}

test("an encoded body may be as large as all requests together", async () => {
  const text = () => randomBytes(512).toString("hex");
  const event = { user_id: "u1", event_type: "click", timestamp: "2026-01-13T10:00:00Z" };
  const events = Array.from({ length: 100 }, (_, n) => ({ ...event, event_id: `e${n}`, payload: { text: text() } }));
  const body = JSON.stringify(events);
  const { server, ingest, post } = bench({ bodyBytesMax: body.length, inFlightBytesMax: body.length });
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  assert.equal((await post(headers, gzipSync(body))).statusCode, 200);
  assert.equal(ingest.inFlightBytes, 0);
  await server.close();
});

test("a content type that is none is told which ones are taken", async () => {
  const { server, post } = bench();
  for (const type of ["json", ";;"]) {
    const answer = await post({ "content-type": type }, "[]");
    assert.equal(answer.statusCode, 415);
    const { error } = answer.json<{ error: { message: string } }>();
    assert.match(error.message, /known are application\/json, application\/x-ndjson/);
  }
  await server.close();
});
