import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));
const event = { event_id: "1", user_id: "u", event_type: "t", timestamp: "2026-01-13T10:00:00Z" };

/** Takes events, and says nothing: what sends to it takes its time to end. */
const silent = createServer();

before(() => once(silent.listen(0, "127.0.0.1"), "listening"));
after(() => {
  silent.closeAllConnections();
  silent.close();
});

/** A sending that is under way. */
async function sending() {
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const child = spawn(process.execPath, [program, "send", "-", "--ingest-url", url], { stdio: "pipe" });
  let out = "";
  child.stdout.on("data", (piece: Buffer) => (out += piece.toString()));
  const ended = once(child, "close");
  const asked = once(silent, "request");
  child.stdin.write(`${JSON.stringify(event)}\n`);
  await asked;
  return { child, ended, out: () => out };
}

test("a signal that comes twice, as under npm, ends a command once and in order", async () => {
  for (let time = 1; ; time++) {
    const { child, ended, out } = await sending();
    child.kill("SIGINT");
    // Else the system passes on a single one.
    await pause(20);
    child.kill("SIGINT");
    const exit = await ended;
    // Where the machine stands still between the two, they are two; not three times in a row.
    if (exit[1] !== null && time < 3) continue;
    assert.deepEqual(exit, [130, null]);
    const { rows, complete, next_row: next } = JSON.parse(out()) as Record<string, unknown>;
    return assert.deepEqual([rows, complete, next], [1, false, 1]);
  }
});

test("who asks again ends it at once", async () => {
  const { child, ended, out } = await sending();
  while (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGINT");
    await pause(700);
  }
  assert.deepEqual(await ended, [null, "SIGINT"]);
  assert.equal(out(), "");
});

test("a load that is stopped checks what it has sent; who asks again waits for that no longer, and leaves no rules", async (context) => {
  const asked: string[] = [];
  const server = createServer((request, answer) => {
    const [path = ""] = (request.url ?? "").split("?");
    asked.push(`${request.method} ${path.split("/")[1]}`);
    const body =
      path === "/ingest" ? { status: "accepted", count: 10_000, token: "t" } : { lag_ms: 5, data: [], complete: true };
    answer.setHeader("content-type", "application/json");
    request.resume().on("end", () => answer.end(JSON.stringify(body)));
  });
  context.after(() => server.close().closeAllConnections());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ["load", "--check", "--rate", "10", "--seconds", "600", "--ingest-url", url, "--url", url];
  const child = spawn(process.execPath, [program, ...args], { stdio: "pipe" });
  const ended = once(child, "close");
  const seen = async (what: string): Promise<void> => {
    while (!asked.includes(what) && child.exitCode === null) await pause(20);
  };
  await seen("POST ingest");
  child.kill("SIGINT");
  await seen("GET status");
  // Else it is the echo of the first one.
  await pause(700);
  child.kill("SIGINT");
  assert.deepEqual(await ended, [130, null]);
  assert.equal(asked.filter((what) => what === "DELETE aggregation-rule").length, 2);
});
