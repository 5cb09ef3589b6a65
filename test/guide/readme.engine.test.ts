import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startServer } from "../support/server-process.ts";
import { comparable, execute, steps } from "./session.ts";

test("the README's session prints what the README says", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-guide-"));
  const server = await startServer({ dataDir, readyTimeoutMs: 60_000 });
  try {
    const addresses = {
      "localhost:8000": new URL(server.ingestUrl).host,
      "localhost:8001": new URL(server.queryUrl).host,
    };
    const session = steps(await readFile(new URL("../../README.md", import.meta.url), "utf8"));
    assert.ok(session.length >= 4, "the README has a session");
    for (const { command, printed, line } of session) {
      assert.equal(comparable(await execute(command, addresses)), comparable(printed), `README.md:${line}: ${command}`);
    }
    const { code } = await server.terminate();
    assert.equal(code, 0);
  } finally {
    await server.killGroup();
    await rm(dataDir, { recursive: true, force: true });
  }
});
