import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { options } from "../../src/config/options.ts";
import { documentBytesMax } from "../../src/protocol/rule-document.ts";
import { unlessMissing } from "../../test/support/needs.ts";
import { startServer } from "../../test/support/server-process.ts";
import type { ServerProcess } from "../../test/support/server-process.ts";
import { readCompose, textOf } from "../check/read.ts";
import { runProgram } from "../check/run-program.ts";

const loadTest = fileURLToPath(new URL("../load-test/load-test.ts", import.meta.url));
const text = textOf("deploy/nginx/nginx.conf");

test("the names behind nginx are services, each on its own port, and looked up again", () => {
  const servers = [...text.matchAll(/^ +server (\w+):(\d+) resolve;$/gm)].map(([, name, port]) => `${name} ${port}`);
  assert.deepEqual(servers, ["ingest 8000", "query 8001"]);
  for (const server of servers) assert.ok(readCompose("deploy/compose.yaml").services[server.split(" ")[0]!]);
  assert.deepEqual(text.match(/\blisten \d+/g), ["listen 8000", "listen 8001"]);
});

test("bodies may be as large as Weir takes them, and the longest answer may take as long as clients wait for it", () => {
  const sizes = [...text.matchAll(/client_max_body_size (\d+)m;/g)].map(([, size]) => Number(size) * 2 ** 20);
  assert.deepEqual(sizes, [options.bodyBytesMax.default, documentBytesMax]);
  assert.match(text, /location ~ \^\/aggregation-rule\/\S+\/verification\$ \{[^}]*proxy_read_timeout 1h;/);
});

test("nginx has as many workers as it may use processors, whatever the machine has", () => {
  const limits = readCompose("deploy/compose.yaml").services["nginx"]!.deploy!.resources!.limits!;
  assert.equal(/^worker_processes (\w+);$/m.exec(text)?.[1], limits["cpus"]);
});

test("no answer is put on nginx's disk, which is 64 MiB of memory: a large one goes on as its reader takes it", () => {
  assert.match(text, /^ {2}proxy_max_temp_file_size 0;$/m);
  assert.doesNotMatch(text, /proxy_max_temp_file_size (?!0;)/);
});

describe("a real nginx", unlessMissing(whyNoNginx()), () => {
  test("takes the configuration, passes load and a WebSocket through, and says 413 to what is too large", async () => {
    const folder = await mkdtemp(join(tmpdir(), "weir-nginx-"));
    try {
      const server = await startServer({ dataDir: join(folder, "data") });
      try {
        await behindNginx(folder, server);
      } finally {
        await server.killGroup();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

async function behindNginx(folder: string, server: ServerProcess): Promise<void> {
  const [ingest, query] = [await freePort(), await freePort()];
  const config = join(folder, "nginx.conf");
  await writeFile(config, placed(folder, { ingest, query }, server));
  const args = ["-e", "stderr", "-p", folder, "-c", config];
  execFileSync("nginx", [...args, "-t"], { stdio: "pipe" });
  // The workers' user has to come into the temporary folder; for anybody but root the line means nothing.
  const nginx = spawn("nginx", [...args, "-g", "daemon off; user root;"], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  nginx.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(nginx, "exit");
  try {
    const { code, output } = await runProgram(loadTest, {
      LOAD_TEST_INGEST_URL: `http://127.0.0.1:${ingest}`,
      LOAD_TEST_QUERY_URL: `http://127.0.0.1:${query}`,
      LOAD_TEST_EVENTS: "2000",
      LOAD_TEST_READY_SECONDS: "120",
    });
    assert.equal(code, 0, output + said);
    assert.match(output, /live socket +has what \/stats has/);
    const put = async (bytes: number): Promise<number> => {
      const body = `{"rules":[]${" ".repeat(bytes)}}`;
      const headers = { "content-type": "application/json" };
      return (await fetch(`http://127.0.0.1:${query}/aggregation-rules`, { method: "PUT", headers, body })).status;
    };
    assert.deepEqual([await put(3 << 20), await put(documentBytesMax)], [200, 413]);
  } finally {
    nginx.kill("SIGTERM");
    await ended;
  }
}

/**
 * The configuration with addresses of this machine. Names are not looked up again here: that needs Docker's own server of names,
 * and an nginx of 1.27.3 or newer.
 */
function placed(
  folder: string,
  ports: { readonly ingest: number; readonly query: number },
  weir: { readonly ingestUrl: string; readonly queryUrl: string },
): string {
  return text
    .replace(/^ +resolver .*\n/m, "")
    .replaceAll(" resolve;", ";")
    .replaceAll("/tmp/", `${folder}/`)
    .replace("server ingest:8000", `server ${new URL(weir.ingestUrl).host}`)
    .replace("server query:8001", `server ${new URL(weir.queryUrl).host}`)
    .replace("listen 8000", `listen 127.0.0.1:${ports.ingest}`)
    .replace("listen 8001", `listen 127.0.0.1:${ports.query}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function whyNoNginx(): string | undefined {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "no nginx here";
  }
}
