import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { memoryLog } from "../../test/support/memory-log.ts";
import { Ingest } from "../ingest/ingest.ts";
import { systemClock } from "../lib/clock.ts";
import { dashboardRoutes } from "./dashboard-routes.ts";
import { createServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "weir-pages-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function build(): void {
  mkdirSync(join(folder, "assets"), { recursive: true });
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Weir</title>");
  writeFileSync(join(folder, "assets/index-abc.js"), "export {};".repeat(100));
}

function make(takesEvents = true) {
  const log = memoryLog();
  const progress = { isCounted: () => true, waitCounted: async () => true };
  const ingest = new Ingest({ log, progress, clock: systemClock, limits: { eventsMax: 2 } });
  const about = () => ({ version: "1", ingest_port: takesEvents ? 8000 : null });
  const parts = { folder, clock: systemClock, ingest: takesEvents ? ingest : undefined, about };
  const server = createServer({ title: "Test", version: "1", logger: false, routes: [dashboardRoutes(parts)] });
  return { server, log };
}

const event = { event_id: "e", user_id: "u", event_type: "t", timestamp: 0 };

describe("the dashboard's routes", () => {
  it("say how to build the pages while they are not there, and serve them as soon as they are", async () => {
    const { server } = make();
    const before = await server.inject("/");
    assert.equal(before.statusCode, 503);
    assert.match(before.body, /npm run build/);
    build();
    assert.match((await server.inject("/")).body, /<title>Weir/);
    await server.close();
  });

  it("let the document load nothing but what this server has, and be asked for again each time", async () => {
    const { server } = make();
    const { headers } = await server.inject("/");
    const policy = String(headers["content-security-policy"]);
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|\*/);
    assert.deepEqual([headers["x-content-type-options"], headers["cache-control"]], ["nosniff", "no-cache"]);
    const again = await server.inject({ url: "/", headers: { "if-none-match": String(headers.etag) } });
    assert.deepEqual([again.statusCode, again.body], [304, ""]);
    await server.close();
  });

  it("keep files with a hash in their name for ever, compressed for who takes it, and refuse what is no file", async () => {
    const { server } = make();
    const url = "/assets/index-abc.js";
    const packed = await server.inject({ url, headers: { "accept-encoding": "br, gzip" } });
    const plain = await server.inject(url);
    assert.equal(packed.headers["content-encoding"], "gzip");
    assert.equal(gunzipSync(packed.rawPayload).toString(), plain.body);
    assert.equal(plain.headers["content-encoding"], undefined);
    for (const { headers } of [packed, plain]) {
      assert.equal(headers["cache-control"], "public, max-age=31536000, immutable");
      assert.equal(headers["content-type"], "text/javascript; charset=utf-8");
      assert.equal(headers["vary"], "accept-encoding");
    }
    for (const wrong of ["/assets/none.js", "/assets/..%2findex.html", "/assets/", "/index.html"]) {
      const { statusCode, headers, body } = await server.inject(wrong);
      assert.deepEqual([statusCode, headers["cache-control"]], [404, undefined], wrong);
      assert.match(body, /"unknown_route"/);
    }
    await server.close();
  });

  it("take events of the dashboard's own pages, and of no page of another origin", async () => {
    const { server, log } = make();
    const post = async (origin: string | undefined, events: readonly object[]) => {
      const from = origin === undefined ? {} : { origin };
      const headers = { "content-type": "application/json", host: "here:8001", ...from };
      const answer = await server.inject({
        method: "POST",
        url: "/dashboard/ingest",
        headers,
        payload: JSON.stringify(events),
      });
      return { status: answer.statusCode, allows: answer.headers["access-control-allow-origin"] };
    };
    for (const origin of ["http://elsewhere", "http://here:8000", "null"])
      assert.deepEqual(await post(origin, [event]), { status: 403, allows: undefined }, origin);
    assert.equal(log.records.length, 0);
    const refused = await server.inject({
      method: "POST",
      url: "/dashboard/ingest",
      headers: { origin: "https://weir.example", host: "weir_query" },
      payload: [event],
    });
    assert.match(refused.body, /of https:\/\/weir\.example, and weir_query was asked; a proxy in between/);
    assert.equal((await post("http://here:8001", [event])).status, 200);
    assert.equal(log.records.length, 1);
    assert.equal((await post(undefined, [event, event, event])).status, 413);
    const preflight = { origin: "http://elsewhere", "access-control-request-method": "POST" };
    const asked = await server.inject({ method: "OPTIONS", url: "/dashboard/ingest", headers: preflight });
    assert.equal(asked.statusCode, 405);
    await server.close();
  });

  it("take no events where this process takes none, and say so", async () => {
    const { server } = make(false);
    assert.deepEqual((await server.inject("/dashboard/about")).json(), { version: "1", ingest_port: null });
    assert.equal((await server.inject({ method: "POST", url: "/dashboard/ingest", payload: [event] })).statusCode, 404);
    await server.close();
  });
});
