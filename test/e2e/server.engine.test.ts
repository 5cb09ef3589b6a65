import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeCertificates, whyNoOpenssl } from "../support/certificates.ts";
import { unlessMissing } from "../support/needs.ts";
import { startServer } from "../support/server-process.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../support/stand-alone-engine.ts";
import { openTlsFront } from "../support/tls-front.ts";
import { countsOn } from "./counts-on.ts";

const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));
const withOpenssl = unlessMissing(whyNoOpenssl);
let server: StandAloneEngine;
let folder: string;
let dataDir: string;

before(async () => {
  server = await startStandAloneEngine();
  folder = await mkdtemp(join(tmpdir(), "weir-on-server-"));
  dataDir = join(folder, "data");
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

interface Run {
  readonly code: number | null;
  readonly out: string;
}

/** The program until it ends, or says what `until` matches: then it is told to end. */
async function weir(args: readonly string[], password = server.password, until?: RegExp): Promise<Run> {
  const env = { PATH: process.env["PATH"] ?? "", WEIR_CLICKHOUSE_PASSWORD: password, WEIR_CLICKHOUSE_USER: "weir" };
  const child = spawn(process.execPath, [program, ...args, "--data-dir", dataDir], { env });
  let [out, isAsked] = ["", false];
  const hear = (chunk: Buffer): void => {
    out += String(chunk);
    // Once: who is asked again ends at once.
    if (!isAsked && until?.test(out)) isAsked = child.kill("SIGTERM");
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const [code] = (await once(child, "close")) as [number | null];
  assert.ok(!out.includes(password), out);
  return { code, out };
}

const at = (url = server.url): string[] => ["--clickhouse-url", url, "--ingest-port", "0", "--query-port", "0"];

test("weir migrate makes the tables once; a start that may change none uses them, by https", withOpenssl, async () => {
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
  const certificates = makeCertificates(folder);
  const front = await openTlsFront(certificates, server.url);
  const options = [...database, "--migrate=false", "--clickhouse-ca", certificates.cert];
  await countsOn({ ...server, url: front.url }, dataDir, options).finally(() => front.close());
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
