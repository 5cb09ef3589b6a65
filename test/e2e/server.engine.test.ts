import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { allStats, postCounted, putRule } from "../support/api.ts";
import { endedInOrder, startServer } from "../support/server-process.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../support/stand-alone-engine.ts";

const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));
let server: StandAloneEngine;
let dataDir: string;

before(async () => {
  server = await startStandAloneEngine();
  dataDir = await mkdtemp(join(tmpdir(), "weir-on-server-"));
});
after(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

interface Run {
  readonly code: number | null;
  readonly out: string;
}

/** The program until it ends, or says what `until` matches: then it is told to end. */
async function weir(args: readonly string[], password = server.password, until?: RegExp): Promise<Run> {
  const env = { PATH: process.env["PATH"] ?? "", WEIR_CLICKHOUSE_PASSWORD: password, WEIR_CLICKHOUSE_USER: "weir" };
  const child = spawn(process.execPath, [program, ...args, "--data-dir", dataDir], { env });
  let out = "";
  const hear = (chunk: Buffer): void => {
    out += String(chunk);
    if (until?.test(out)) child.kill("SIGTERM");
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const [code] = (await once(child, "close")) as [number | null];
  assert.ok(!out.includes(password), out);
  return { code, out };
}

const at = (url = server.url): string[] => ["--clickhouse-url", url, "--ingest-port", "0", "--query-port", "0"];

test("weir migrate makes the tables once; a start that may not change any uses them, and starts no engine", async () => {
  const database = ["--clickhouse-database", "migrated"];
  const early = await weir(["serve", ...at(), ...database, "--migrate=false"]);
  assert.equal(early.code, 2);
  assert.match(early.out, /Weir can't start: the database migrated lacks the database, .*`weir migrate`/);
  const first = await weir(["migrate", "--clickhouse-url", server.url, ...database]);
  assert.equal(first.code, 0, first.out);
  assert.match(first.out, /done: step 1 .*\ndone: step 2 .*\nready: migrated at http:/);
  assert.match(
    (await weir(["migrate", "--clickhouse-url", server.url, ...database])).out,
    /nothing to do: migrated at/,
  );
  const env = { WEIR_CLICKHOUSE_PASSWORD: server.password };
  const args = ["--clickhouse-url", server.url, "--clickhouse-user", "weir", ...database, "--migrate=false"];
  const running = await startServer({ dataDir, args, env });
  try {
    await putRule(running.queryUrl, { rule_id: "r", window_size: "1h", metric: "count" });
    const timestamp = "2026-01-13T10:20:00Z";
    await postCounted(
      running.ingestUrl,
      ["1", "2", "1"].map((event_id) => ({ event_id, user_id: "u", event_type: "click", timestamp })),
    );
    const day = Date.parse("2026-01-13T00:00:00Z");
    const stats = await allStats(running.queryUrl, "r", day, day + 86_400_000);
    assert.deepEqual(
      stats.map(({ value }) => value),
      [2],
    );
    const status = (await (await fetch(`${running.queryUrl}/status`)).json()) as { parts: { store: object } };
    assert.deepEqual(Object.keys(status.parts.store), ["ok", "detail"]);
    assert.match(JSON.stringify(status.parts.store), /"ok":true,"detail":"ClickHouse \d+\.\d+[\d.]* at http:/);
    assert.equal(existsSync(join(dataDir, "engine")), false);
    assert.equal((await fetch(`${running.queryUrl}/ready`)).ok, true);
    await endedInOrder(running);
  } finally {
    await running.killGroup();
  }
});

test("a wrong password ends the start with what to do, and is not told", async () => {
  const { code, out } = await weir(["serve", ...at()], "wrong-and-secret");
  assert.equal(code, 2);
  assert.match(out, /^Weir can't start: ClickHouse at \S+ refuses the user weir: .*WEIR_CLICKHOUSE_PASSWORD$/m);
});

test("a server that is away at the start is waited for, in words, until it is there or the wait is ended", async () => {
  const nobody = createServer().listen(0, "127.0.0.1");
  await once(nobody, "listening");
  const url = `http://127.0.0.1:${(nobody.address() as AddressInfo).port}`;
  nobody.close();
  const { code, out } = await weir(["serve", ...at(url)], server.password, /trying again/);
  assert.match(out, /can't be reached: nobody listens there; trying again/);
  assert.equal(code, 0, out);
  server.freeze();
  const waiting = startServer({
    dataDir,
    args: ["--clickhouse-url", server.url, "--clickhouse-user", "weir", "--clickhouse-database", "migrated"],
    env: { WEIR_CLICKHOUSE_PASSWORD: server.password },
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  server.thaw();
  await (await waiting).killGroup();
});

test("what the configuration shows of a server has no password, and a bad address is refused unseen", async () => {
  const shown = await weir(["config", "--clickhouse-url", server.url]);
  assert.match(shown.out, /^clickhouse-password +\*\*\* +WEIR_CLICKHOUSE_PASSWORD$/m);
  assert.match(shown.out, new RegExp(`^clickhouse-url +${server.url} `, "m"));
  const refused = await weir(["config", "--clickhouse-url", "http://user:geheim@host:8123"]);
  assert.equal(refused.code, 2);
  assert.ok(!refused.out.includes("geheim"), refused.out);
  assert.match(refused.out, /without user, password, path and query/);
});
