import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { withoutOurs } from "../support/server-process.ts";

const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));

/** `weir demo` with temporary files in a folder of its own. */
async function demo(context: TestContext, ...args: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), "weir-test-demo-"));
  const env = { ...withoutOurs(process.env), TMPDIR: folder };
  const child = spawn(process.execPath, [program, "demo", "--query-port", "0", ...args], { env });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece: Buffer) => (said += piece.toString()));
  const ended = once(child, "close");
  context.after(async () => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  /** Its exit code and signal. What it has left in the temporary folder is nothing, once who reads the flights has ended, too. */
  const end = async (): Promise<unknown> => {
    const exit: unknown = await ended;
    for (let looks = 0; (await readdir(folder)).length > 0 && looks < 1200; looks++) await pause(100);
    assert.deepEqual(await readdir(folder), []);
    return exit;
  };
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return { child, said: () => said, end, isOver };
}

test("weir demo prints what was counted of so many flights, and leaves nothing", async (context) => {
  const { said, end } = await demo(context, "--ingest-port", "0", "--speed", "0", "--events", "500");
  assert.deepEqual(await end(), [0, null], said());
  assert.match(said(), /^500 real flights of 2001-01-01 .*Five rules:$/m);
  assert.match(said(), /^punctuality_1h +500 = /m);
});

test("where a port is taken it takes free ones; Ctrl-C ends it in the midst of its flights, and its folder goes", async (context) => {
  const other = createServer().listen(0, "127.0.0.1");
  context.after(() => other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const flights = ["--speed", "200", "--events", "100000"];
  const { child, said, end, isOver } = await demo(context, "--ingest-port", String(port), ...flights);
  while (!said().includes("Look at them") && !isOver()) await pause(20);
  assert.match(said(), new RegExp(`^port ${port} .*\\. The demo takes ports that are free\\.$`, "m"));
  child.kill("SIGINT");
  assert.deepEqual(await end(), [0, null], said());
  assert.doesNotMatch(said(), /punctuality_1h +[\d,]+ = /);
});
