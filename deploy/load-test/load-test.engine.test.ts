import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startServer } from "../../test/support/server-process.ts";
import type { ServerProcess } from "../../test/support/server-process.ts";
import { runProgram } from "../check/run-program.ts";
import type { Ended } from "../check/run-program.ts";

const program = fileURLToPath(new URL("load-test.ts", import.meta.url));

describe("the load test of a Weir that runs", () => {
  let dataDir: string;
  let server: ServerProcess;

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "weir-load-test-"));
    server = await startServer({ dataDir });
  });
  after(async () => {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  });

  test("ends with 0 when every window is right, says what it did, and leaves no rule behind", async () => {
    const { code, output } = await run(server.ingestUrl);
    assert.equal(code, 0, output);
    assert.match(
      output,
      /sent over HTTP +6,000 events in .* events\/s; 12 requests, p50 .* ms, p99 .* ms.*; 500 events again/,
    );
    assert.match(output, /counted +6,000 of 6,000 events, .* ms after the last was sent/);
    for (const rule of ["ways", "types", "revenue", "dearest", "users", "sales"])
      assert.match(output, new RegExp(`ok +${rule} +\\d+ windows of 6,000 events, all right`));
    assert.match(output, /live socket +has what \/stats has/);
    assert.match(output, /^PASSED: 12 checks$/m);
    const left = await (await fetch(`${server.queryUrl}/aggregation-rules`)).text();
    assert.match(left, /"rules":\[\]/);
  });

  test("ends with 1 and names the windows when one event was acknowledged and is not counted", async () => {
    const lossy = await openLossyProxy(server.ingestUrl);
    try {
      const { code, output } = await run(lossy.url, { LOAD_TEST_STALL_SECONDS: "20" });
      assert.equal(code, 1, output);
      assert.match(output, /FAILED +counted +5,999 of 6,000 events/);
      assert.match(output, /FAILED +ways +\d+ windows of 6,000 events, 1 wrong\n +\S+Z http: \d+, must be \d+\n/);
      assert.match(output, /FAILED +live socket/);
      assert.match(output, /^FAILED: \d of 12 checks: counted, ways, types, revenue/m);
    } finally {
      lossy.server.close();
    }
  });

  test("ends with 1 and says so when nobody is there", async () => {
    const { code, output } = await run("http://127.0.0.1:1", { LOAD_TEST_READY_SECONDS: "1" });
    assert.equal(code, 1);
    assert.match(output, /FAILED +run +http:\/\/127\.0\.0\.1:1\/health says .* after 1 s/);
  });

  async function run(ingestUrl: string, more: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const env = { LOAD_TEST_INGEST_URL: ingestUrl, LOAD_TEST_QUERY_URL: server.queryUrl };
    return runProgram(program, { ...env, LOAD_TEST_EVENTS: "6000", LOAD_TEST_BATCH: "500", ...more });
  }
});

/** Passes all on, but of one request of events the last event, which it says to be accepted all the same. */
async function openLossyProxy(target: string): Promise<{ readonly server: Server; readonly url: string }> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    // One of those that are sent once.
    const isLossy = body.includes('-http-1000"');
    const lines = body.trimEnd().split("\n");
    const type = request.headers["content-type"];
    const passed = await fetch(`${target}${request.url}`, {
      method: request.method ?? "GET",
      ...(type === undefined ? {} : { headers: { "content-type": type } }),
      ...(body === "" ? {} : { body: isLossy ? lines.slice(0, -1).join("\n") : body }),
    });
    const text = await passed.text();
    response.writeHead(passed.status, { "content-type": passed.headers.get("content-type") ?? "application/json" });
    response.end(isLossy ? text.replace(`"count":${lines.length - 1}`, `"count":${lines.length}`) : text);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
