import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { RequestListener, Server, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { options } from "../../src/config/options.ts";
import { documentBytesMax } from "../../src/protocol/rule-document.ts";
import { keptPorts } from "../../test/support/kept-ports.ts";
import { unlessMissing } from "../../test/support/needs.ts";
import { startServer } from "../../test/support/server-process.ts";
import { readCompose, textOf } from "../check/read.ts";
import { runProgram } from "../check/run-program.ts";

const loadTest = fileURLToPath(new URL("../load-test/load-test.ts", import.meta.url));
const text = textOf("deploy/nginx/nginx.conf");
const bodiesMax = Number(/^ {2}limit_conn bodies (\d+);$/m.exec(text)?.[1]);

test("the names behind nginx are services, each on its own port, and looked up again", () => {
  const servers = [...text.matchAll(/^ +server (\w+):(\d+) resolve\b.*;$/gm)].map(
    ([, name, port]) => `${name} ${port}`,
  );
  assert.deepEqual(servers, ["ingest 8000", "query 8001", "query 8001"]);
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

test("bodies of events wait on a disk that compose.yaml gives it, and not in 64 MiB of memory", () => {
  const [, path = ""] = /^ {2}client_body_temp_path (\S+);$/m.exec(text)!;
  const { volumes = [] } = readCompose("deploy/compose.yaml").services["nginx"]!;
  const mounted = volumes.map((volume) => volume.split(":")[1]!);
  assert.ok(
    mounted.some((folder) => path.startsWith(`${folder}/`)),
    path,
  );
});

test("bodies that wait have a bound, in memory far below what nginx may use, and the page says what room they need", () => {
  const bufferKiB = Number(/client_body_buffer_size (\d+)k;/.exec(text)?.[1]);
  assert.ok(2 * bodiesMax * bufferKiB * 1024 < 64 * 2 ** 20, `two ports with ${bodiesMax} of ${bufferKiB} KiB each`);
  const roomGiB = Math.ceil((bodiesMax * options.bodyBytesMax.default) / 2 ** 30);
  assert.match(textOf("docs/deploy.md"), new RegExp(`${bodiesMax} requests with a body.* ${roomGiB} GiB`, "s"));
});

describe("a real nginx", unlessMissing(whyNoNginx()), () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "weir-nginx-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test("takes the configuration, passes load and a WebSocket through, and says 413 to what is too large", async () => {
    const server = await startServer({ dataDir: join(folder, "data") });
    try {
      await behindNginx(folder, { ingest: [server.ingestUrl], query: [server.queryUrl] }, passesLoad);
    } finally {
      await server.killGroup();
    }
  });

  test("while one of two processes is killed, comes back and stops no request fails, large ones and questions neither", async () => {
    const start = (name: string, ...args: string[]) => startServer({ dataDir: join(folder, name), args });
    const [ingestPort, queryPort] = (await keptPorts(2)).map(String);
    const at = ["--ingest-port", ingestPort!, "--query-port", queryPort!];
    const stays = await start("stays");
    let leaves = await start("leaves", ...at);
    const ofBoth = { ingest: [stays.ingestUrl, leaves.ingestUrl], query: [stays.queryUrl, leaves.queryUrl] };
    try {
      await behindNginx(folder, ofBoth, async (ports) => {
        const load = new Load(ports);
        await load.hasSent(20);
        await leaves.killGroup();
        await load.hasSent(20);
        leaves = await start("leaves", ...at);
        await load.hasSent(20);
        await leaves.terminate();
        await load.hasSent(20);
        assert.deepEqual(await load.stop(), new Set(["POST 200", "GET 200"]));
      });
    } finally {
      await Promise.all([stays.killGroup(), leaves.killGroup()]);
    }
  });

  test("what one process refuses another is given; where all refuse, clients hear what they say, and not that none is well", async () => {
    const refuses = (answer: ServerResponse): unknown => answer.writeHead(503, { "retry-after": "7" }).end();
    let isTaken = true;
    const [one, other] = [
      await answering((_, answer) => refuses(answer)),
      await answering(
        (request, answer) => void request.resume().on("end", () => (isTaken ? answer.end() : refuses(answer))),
      ),
    ];
    try {
      const urls = [one.url, other.url];
      await behindNginx(folder, { ingest: urls, query: urls }, async ({ ingest, query }) => {
        const post = async (bytes: number): Promise<unknown> => {
          const { status, headers } = await fetch(`${ingest}/ingest`, { method: "POST", body: "x".repeat(bytes) });
          return [status, headers.get("retry-after")];
        };
        // Of clients that the one gets and of such that the other gets.
        const asks = async (method: string): Promise<ReadonlySet<string>> => {
          const answers = Array.from({ length: 20 }, async (_, index) => {
            const { status, headers } = await fetch(`${query}/stats`, { method, headers: clientHeaders(index) });
            return `${status} ${headers.get("retry-after")}`;
          });
          return new Set(await Promise.all(answers));
        };
        for (const bytes of [2, 2, 3 << 20, 3 << 20]) assert.deepEqual(await post(bytes), [200, null]);
        assert.deepEqual(await asks("GET"), new Set(["200 null"]));
        for (const method of ["POST", "PUT", "DELETE"])
          assert.deepEqual((await asks(method)).size, 2, `${method} may have changed something, and is not sent again`);
        isTaken = false;
        for (let time = 0; time < 4; time++) assert.deepEqual(await post(2), [503, "7"]);
        assert.deepEqual(await asks("GET"), new Set(["503 7"]));
      });
    } finally {
      for (const { server } of [one, other]) server.close();
    }
  });

  test("a change of rules that breaks off is not sent again, with whatever method", async () => {
    const seen: string[] = [];
    const by: unknown[] = [];
    const breaksOff: RequestListener = (request) => {
      seen.push(`${request.method} ${request.url}`);
      by.push(request.socket.localPort);
      request.resume().on("end", () => request.socket.destroy());
    };
    const processes = [await answering(breaksOff), await answering(breaksOff), await answering(breaksOff)];
    const urls = processes.map(({ url }) => url);
    try {
      await behindNginx(folder, { ingest: urls, query: urls }, async ({ query }) => {
        const asks = async (method: string, body?: string): Promise<number> =>
          (await fetch(`${query}/aggregation-rule/a`, { method, ...(body === undefined ? {} : { body }) })).status;
        assert.deepEqual([await asks("DELETE"), await asks("PUT", "{}"), await asks("POST", "{}")], [502, 502, 502]);
      });
    } finally {
      for (const { server } of processes) server.close();
    }
    assert.deepEqual(
      seen,
      ["DELETE", "PUT", "POST"].map((method) => `${method} /aggregation-rule/a`),
    );
    assert.notEqual(by[0], by[1], "who asks again is sent to another");
  });

  test("requests whose bodies do not come take no more than their room, and others go on", async () => {
    const { url, server } = await answering((request, answer) => void request.resume().on("end", () => answer.end()));
    try {
      await behindNginx(folder, { ingest: [url], query: [url] }, async ({ ingest, query }) => {
        const post = async (at: string): Promise<number> => (await fetch(at, { method: "POST", body: "{}" })).status;
        const stalled = Array.from({ length: bodiesMax }, () => stalledAt(ingest));
        // One that comes while a post has the last place is refused itself, so another one comes before each post.
        const postBesideOneMore = (): Promise<number> => {
          stalled.push(stalledAt(ingest));
          return post(ingest);
        };
        assert.equal(await answerOf(429, postBesideOneMore), 429);
        assert.equal((await fetch(`${ingest}/health`)).status, 200, "without a body");
        assert.equal(await post(query), 200, "the other port has a room of its own");
        for (const socket of stalled) socket.destroy();
        assert.equal(await answerOf(200, () => post(ingest)), 200);
      });
    } finally {
      server.close();
    }
  });

  test("clients that come through another proxy are spread over the query processes, each to one of its own", async () => {
    const [one, other] = [await answering(saying("one")), await answering(saying("other"))];
    try {
      await behindNginx(folder, { ingest: [one.url], query: [one.url, other.url] }, async ({ query }) => {
        const asks = async (headers: Record<string, string>): Promise<string> =>
          (await fetch(`${query}/stats`, { headers })).text();
        let proxies = 0;
        const clients = Array.from({ length: 20 }, (_, index) => clientHeaders(index));
        const answers = await Promise.all(clients.map(asks));
        assert.deepEqual(new Set(answers), new Set(["one", "other"]));
        assert.deepEqual(await Promise.all(clients.map(asks)), answers);
        const further = clients.map((client) => ({
          "x-forwarded-for": `${client["x-forwarded-for"]}, 203.0.113.${++proxies}`,
        }));
        assert.deepEqual(await Promise.all(further.map(asks)), answers, "whichever proxies it came through");
        assert.equal(new Set(await Promise.all(clients.map(() => asks({})))).size, 1, "without one by its address");
      });
    } finally {
      for (const { server } of [one, other]) server.close();
    }
  });
});

interface Ports {
  readonly ingest: string;
  readonly query: string;
}

async function passesLoad({ ingest, query }: Ports, said: () => string): Promise<void> {
  const { code, output } = await runProgram(loadTest, {
    LOAD_TEST_INGEST_URL: ingest,
    LOAD_TEST_QUERY_URL: query,
    LOAD_TEST_EVENTS: "2000",
    LOAD_TEST_READY_SECONDS: "120",
  });
  assert.equal(code, 0, output + said());
  assert.match(output, /live socket +has what \/stats has/);
  const put = async (bytes: number): Promise<number> => {
    const body = `{"rules":[]${" ".repeat(bytes)}}`;
    const headers = { "content-type": "application/json" };
    return (await fetch(`${query}/aggregation-rules`, { method: "PUT", headers, body })).status;
  };
  assert.deepEqual([await put(3 << 20), await put(documentBytesMax)], [200, 413]);
}

/** Posts and asks without a pause, small bodies and such as nginx puts on its disk, and keeps what is answered. */
class Load {
  readonly #at: Ports;
  readonly #answers = new Set<string>();
  readonly #sent = { POST: 0, GET: 0 };
  #isStopped = false;
  readonly #senders: Promise<unknown>;

  constructor(at: Ports) {
    this.#at = at;
    const posts = [10, 10, 10, 2_000].map((count) => this.#post(count));
    this.#senders = Promise.all([...posts, this.#ask(), this.#ask()]);
  }

  /** Resolves when so many more requests of each kind were answered. */
  async hasSent(more: number): Promise<void> {
    const before = { ...this.#sent };
    while (Math.min(this.#sent.POST - before.POST, this.#sent.GET - before.GET) < more) await pause(5);
  }

  async stop(): Promise<ReadonlySet<string>> {
    this.#isStopped = true;
    await this.#senders;
    return this.#answers;
  }

  async #ask(): Promise<void> {
    for (let client = 0; !this.#isStopped; client++)
      await this.#answer("GET", fetch(`${this.#at.query}/aggregation-rules`, { headers: clientHeaders(client % 200) }));
  }

  async #post(count: number): Promise<void> {
    const event = {
      event_type: "t",
      user_id: "u",
      timestamp: "2026-01-13T10:00:00Z",
      payload: { text: "x".repeat(200) },
    };
    const events = Array.from({ length: count }, (_, index) => ({ ...event, event_id: `${count}-${index}` }));
    const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(events) };
    while (!this.#isStopped) await this.#answer("POST", fetch(`${this.#at.ingest}/ingest`, request));
  }

  async #answer(method: "POST" | "GET", answer: Promise<Response>): Promise<void> {
    const response = await answer;
    await response.bytes();
    this.#answers.add(`${method} ${response.status}`);
    this.#sent[method] += 1;
  }
}

/** Of a client that comes through another proxy. */
const clientHeaders = (index: number): { readonly "x-forwarded-for": string } => ({
  "x-forwarded-for": `192.0.2.${index}`,
});

/** What is answered in the end, as soon as it is what is waited for. */
async function answerOf(status: number, ask: () => Promise<number>): Promise<number> {
  const end = performance.now() + 120_000;
  for (;;) {
    const answer = await ask();
    if (answer === status || performance.now() > end) return answer;
    await pause(20);
  }
}

/** A request whose body never comes. */
function stalledAt(url: string): Socket {
  const { port, host } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
  socket.write(`POST /ingest HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000000\r\n\r\n`);
  return socket;
}

/** A server of HTTP in the place of a Weir. */
async function answering(answer: RequestListener): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createHttpServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const saying =
  (text: string): RequestListener =>
  (_, answer) =>
    answer.end(text);

/** The processes that stand behind the names of the configuration. */
interface Behind {
  readonly ingest: readonly string[];
  readonly query: readonly string[];
}

async function behindNginx(
  folder: string,
  behind: Behind,
  use: (at: Ports, said: () => string) => Promise<void>,
): Promise<void> {
  const [ingest, query] = (await keptPorts(2)) as [number, number];
  const ports = { ingest, query };
  const config = join(folder, "nginx.conf");
  await writeFile(config, placed(folder, ports, behind));
  const args = ["-e", "stderr", "-p", folder, "-c", config];
  execFileSync("nginx", [...args, "-t"], { stdio: "pipe" });
  // The workers' user has to come into the temporary folder; for anybody but root the line means nothing.
  const nginx = spawn("nginx", [...args, "-g", "daemon off; user root;"], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  nginx.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(nginx, "exit");
  try {
    await listens(ports.query);
    await use({ ingest: `http://127.0.0.1:${ports.ingest}`, query: `http://127.0.0.1:${ports.query}` }, () => said);
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
  { ingest, query }: Behind,
): string {
  const servers = (urls: readonly string[], more: string): string =>
    urls.map((url) => `server ${new URL(url).host}${more};`).join(" ");
  return text
    .replace(/^ +resolver .*\n/m, "")
    .replaceAll(/ (\/tmp|\/var\/cache\/nginx)\//g, ` ${folder}/`)
    .replace(/server ingest:8000 resolve(.*);/, (_, more: string) => servers(ingest, more))
    .replaceAll(/server query:8001 resolve(.*);/g, (_, more: string) => servers(query, more))
    .replace("listen 8000", `listen 127.0.0.1:${ports.ingest}`)
    .replace("listen 8001", `listen 127.0.0.1:${ports.query}`);
}

async function listens(port: number): Promise<void> {
  for (let isThere = false; !isThere; await pause(20)) {
    const socket = connect(port, "127.0.0.1");
    isThere = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
  }
}

function whyNoNginx(): string | undefined {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "no nginx here";
  }
}
