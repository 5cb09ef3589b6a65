import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/lib/clock.ts";
import { Connection } from "../../src/store/clickhouse/connection.ts";
import { embeddedFacts } from "../../src/store/clickhouse/facts.ts";
import { startEngine } from "../../src/store/clickhouse/engine/engine.ts";
import { postCounted, putRule } from "../support/api.ts";
import { startServer } from "../support/server-process.ts";

const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));

/** Runs the program to its end. */
function weir(...argv: readonly string[]): Promise<{ code: number; out: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...argv], { timeout: 300_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr });
    });
  });
}

/** Does something to the tables of a stopped server. */
async function damage(dataDir: string, sql: string): Promise<void> {
  const engine = await startEngine({ dataDir, clock: systemClock });
  const { username, password } = engine;
  const url = (): string => engine.url();
  let made = 0;
  const options = {
    database: "weir",
    requestTimeoutMs: 30_000,
    newId: () => `damage-${++made}`,
    facts: embeddedFacts(engine.spoolFolder),
  };
  const connection = new Connection({ url, username, password, ...options });
  await connection.write({ sql, parameters: {} });
  await connection.close();
  await engine.stop();
}

test("weir verify names what is damaged on a stopped folder, weir rebuild mends it, and both speak to a running server", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "weir-upkeep-"));
  const on = ["--data-dir", dataDir];
  try {
    const server = await startServer({ dataDir });
    for (const rule_id of ["a", "b"]) await putRule(server.queryUrl, { rule_id, window_size: "1h", metric: "count" });
    const timestamp = "2026-01-13T10:20:00Z";
    await postCounted(
      server.ingestUrl,
      ["1", "2"].map((event_id) => ({ event_id, user_id: "u", event_type: "click", timestamp })),
    );
    const equal = ["a", "b"].map((id) => `${id} version 1: as the stored events give it\n`).join("");
    assert.deepEqual(await weir("verify", "--url", server.queryUrl), { code: 0, out: equal });
    const unknown = await weir("rebuild", "--rule", "c", "--url", server.queryUrl);
    assert.deepEqual(unknown, { code: 1, out: 'there is no rule "c"\n' });
    assert.equal((await weir("verify", ...on)).code, 2, "the folder is in use");
    await server.terminate();

    await damage(dataDir, "DELETE FROM rollups WHERE series = 18 SETTINGS lightweight_deletes_sync = 2");
    const found = await weir("verify", ...on);
    const row = "  2026-01-13T10:00:00Z\t[]\tstored 0\texpected 2\n";
    const damaged = `a version 1: as the stored events give it\nb version 1: 1 differ by their events\n${row}`;
    assert.deepEqual(found, { code: 1, out: damaged });
    assert.match((await weir("rebuild", "--rule", "b", ...on)).out, /made anew: b\n$/);
    assert.deepEqual(await weir("verify", ...on), { code: 0, out: equal });

    await truncate(join(dataDir, "log", "log.witness"), 1);
    const without = await weir("verify", ...on);
    assert.match(without.out, /log\.witness is damaged/);
    assert.equal(without.code, 2, "nothing was compared, and so nothing differs");
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
