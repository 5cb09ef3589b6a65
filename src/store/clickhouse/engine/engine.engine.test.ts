import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { once } from "node:events";
import { enableCompileCache, getCompileCacheDir } from "node:module";
import { createConnection, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../../lib/clock.ts";
import type { WeirError } from "../../../lib/errors.ts";
import { forbiddenByEngine, forbiddenToReaders } from "./attempts.ts";
import { startEngine, type Engine } from "./engine.ts";
import { allocator, giveBack } from "./memory.ts";
import { connect, newTable, read } from "./protocol.suite.ts";

let dataDir = "";
let engine: Engine;

before(async () => {
  // As bin/weir.mjs does.
  enableCompileCache();
  dataDir = await mkdtemp(join(tmpdir(), "weir-engine-"));
  engine = await startEngine({ dataDir, clock: systemClock, readonlyPort: 0 });
});

after(async () => {
  await engine.stop();
  await rm(dataDir, { recursive: true, force: true });
});

describe("the fence around readers", () => {
  test("no attempt gets through, and none leaves a trace", async () => {
    for (const query of [...forbiddenToReaders.filter((text) => text !== ""), ...forbiddenByEngine]) {
      const url = `${engine.url()}/?param_f=file`;
      const answer = await fetch(url, { method: "POST", body: query, headers: readerHeaders() });
      const text = await answer.text();
      assert.ok(answer.status >= 400, `${query}: ${answer.status} ${text}`);
      assert.match(text, /^Code: \d+\. DB::Exception: /, query);
      assert.doesNotMatch(text, /root:/, query);
    }
    assert.equal(existsSync("/tmp/weir-outfile"), false);
    assert.deepEqual(await readdir(join(dataDir, "engine-work")), []);
  });

  test("the limits hold: rows, time, memory", async () => {
    const codeOf = async (query: string, settings = "") =>
      (
        await fetch(`${engine.url()}/?${settings}`, { method: "POST", body: query, headers: readerHeaders() })
      ).headers.get("x-clickhouse-exception-code");
    assert.equal(await codeOf("SELECT number FROM numbers(2000000) FORMAT Null"), "396");
    assert.equal(await codeOf("SELECT count() FROM system.numbers", "max_execution_time=1"), "159");
    assert.equal(await codeOf("SELECT length(groupArray(repeat('x', 100000))) FROM numbers(1000000)"), "241");
    assert.equal(await codeOf("SELECT 1", "max_memory_usage=0&output_format_json_quote_64bit_integers=1"), null);
  });

  test("a GET changes nothing, whoever asks", async () => {
    const answer = await fetch(
      `${engine.url()}/?query=${encodeURIComponent("CREATE TABLE g (a Int8) ENGINE = Memory")}`,
      { headers: weirHeaders() },
    );
    assert.equal(answer.headers.get("x-clickhouse-exception-code"), "164");
    assert.equal(await (await fetch(`${engine.url()}/?query=SELECT+1`, { headers: weirHeaders() })).text(), "1\n");
  });
});

test("the engine knows the statement by which its memory is given back", async () => {
  const answer = await fetch(`${engine.url()}/`, { method: "POST", body: giveBack, headers: weirHeaders() });
  assert.deepEqual([answer.status, await answer.text()], [200, ""]);
});

test("the engine's allocator is set up as it was told", async () => {
  const body = "SELECT * FROM system.jemalloc_stats FORMAT TSVRaw";
  const told = await (await fetch(`${engine.url()}/`, { method: "POST", body, headers: weirHeaders() })).text();
  const taken = allocator.split(",").filter((option) => told.includes(`opt.${option.replace(":", ": ")} `));
  assert.deepEqual(taken, allocator.split(","));
});

describe("the port for users' tools", () => {
  test("answers GET and POST without a secret, read-only", async () => {
    const url = engine.readonlyUrl() ?? "";
    assert.equal(await (await fetch(`${url}/ping`)).text(), "Ok.\n");
    const got = await fetch(
      `${url}/?query=${encodeURIComponent("SELECT {x:UInt8} + 1 AS y FORMAT JSONEachRow")}&param_x=2`,
    );
    assert.equal(await got.text(), '{"y":3}\n');
    assert.equal(got.headers.get("x-clickhouse-format"), "JSONEachRow");
    assert.equal(await (await fetch(url, { method: "POST", body: "SELECT 1" })).text(), "1\n");
    const refused = await fetch(url, {
      method: "POST",
      body: "CREATE TABLE x (a Int8) ENGINE = Memory",
      headers: weirHeaders(),
    });
    assert.equal(refused.status, 403);
  });

  test("is not to be had under a foreign name", async () => {
    const port = Number(new URL(engine.readonlyUrl() ?? "").port);
    const answer = await raw(
      port,
      "GET /?query=SELECT+1 HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n",
    );
    assert.match(answer, /^HTTP\/1\.1 403 /);
  });

  test("is the one that was asked for, or the start says who may not have it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "weir-engine-"));
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    try {
      await assert.rejects(
        startEngine({ dataDir: folder, clock: systemClock, readonlyPort: port }).then((started) => started.stop()),
        (error: WeirError) => error.code === "port_taken" && error.message.includes(`port ${port} on 127.0.0.1`),
      );
    } finally {
      other.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("the other port asks for a secret", async () => {
    assert.equal((await fetch(engine.url(), { method: "POST", body: "SELECT 1" })).status, 401);
    const basic = Buffer.from(`weir:${engine.password}`).toString("base64");
    assert.equal(
      await (
        await fetch(engine.url(), { method: "POST", body: "SELECT 1", headers: { authorization: `Basic ${basic}` } })
      ).text(),
      "1\n",
    );
  });
});

describe("a request of a killed id", () => {
  test("is refused when it arrives later", async () => {
    const post = (query: string, id: string) =>
      fetch(`${engine.url()}/?query_id=${id}`, { method: "POST", body: query, headers: weirHeaders() });
    await (await post("KILL QUERY WHERE query_id = 'late' SYNC", "k")).text();
    assert.equal((await post("SELECT 1", "late")).headers.get("x-clickhouse-exception-code"), "394");
  });

  test("and an id that is running is not taken twice", async () => {
    const ask = (query: string, id = "") =>
      fetch(`${engine.url()}/?${id}`, { method: "POST", body: query, headers: weirHeaders() });
    const post = (query: string) => ask(query, "query_id=twice");
    const running = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleep(2)%'";
    /** What the second is answered; undefined when a slow machine has asked it too late. */
    const second = async (): Promise<string | null | undefined> => {
      let isOver = false;
      const first = post("SELECT sleep(2)").finally(() => (isOver = true));
      while (!isOver && (await (await ask(running)).text()) === "0\n") await systemClock.sleep(5);
      const code = (await post("SELECT 1")).headers.get("x-clickhouse-exception-code");
      const isLate = isOver && code === null;
      assert.equal((await first).status, 200);
      return isLate ? undefined : code;
    };
    let code = await second();
    for (let more = 0; code === undefined && more < 10; more++) code = await second();
    assert.equal(code, "216");
    assert.equal((await post("SELECT 1")).status, 200);
  });
});

describe("the watch", () => {
  test("after kill -9 the engine is back at the same address, with what was committed", async () => {
    const client = connect(engine);
    const table = await newTable(client, "a UInt32");
    await client.insert({ table, format: "JSONEachRow", values: [{ a: 1 }, { a: 2 }] });
    const { url, pid } = { url: engine.url(), pid: engine.state().pid };
    await restarted(engine, () => process.kill(pid ?? 0, "SIGKILL"));
    assert.equal(engine.url(), url);
    assert.notEqual(engine.state().pid, pid);
    assert.equal(engine.state().lastExit, "signal SIGKILL");
    assert.deepEqual(await read(client, `SELECT sum(a) FROM ${table}`), [[3]]);
    await client.close();
  });

  test("a child that hangs is killed and started again, after it was silent once", async () => {
    // So little patience may end one that is only busy: then it is given more.
    let silences = await hungFor(200);
    for (let pingMs = 400; silences !== 1 && pingMs < 4_000; pingMs *= 2) silences = await hungFor(pingMs);
    assert.equal(silences, 1);
  });

  /** How often one of its own was silent that hung and was started again; undefined: it was ended before it hung. */
  async function hungFor(pingMs: number): Promise<number | undefined> {
    const folder = await mkdtemp(join(tmpdir(), "weir-engine-"));
    const events: string[] = [];
    const watched = await startEngine({
      dataDir: folder,
      clock: systemClock,
      pingMs,
      pingsSilentMax: 2,
      pingsMissedMax: 5,
      log: (level, message) => events.push(`${level}: ${message}`),
    });
    try {
      assert.equal(watched.readonlyUrl(), null, "nobody has asked for the port for tools");
      const { pid, restarts, up, answering } = watched.state();
      if (!up || !answering || pid === null) return undefined;
      let silences = 0;
      watched.onSilence(() => silences++);
      await restarted(watched, () => process.kill(pid, "SIGSTOP"));
      assert.equal(watched.state().restarts, restarts + 1);
      assert.equal(watched.state().answering, true);
      assert.equal(watched.readonlyUrl(), null);
      assert.ok(events.includes("error: the engine does not answer and is killed"));
      return silences;
    } finally {
      await watched.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }

  test("a terminal's interrupt does not reach it", async () => {
    const { pid } = engine.state();
    process.kill(pid ?? 0, "SIGINT");
    process.kill(pid ?? 0, "SIGTERM");
    await systemClock.sleep(200);
    assert.equal(await (await fetch(`${engine.url()}/ping`)).text(), "Ok.\n");
    assert.equal(engine.state().pid, pid);
  });

  test("its environment and arguments hold no secret, and where its server keeps what is compiled", async (t) => {
    if (process.platform !== "linux") return t.skip("needs /proc");
    const facts = await Promise.all(
      ["environ", "cmdline"].map((name) => readFile(`/proc/${engine.state().pid}/${name}`, "utf8")),
    );
    assert.ok(!facts.join().includes(engine.password));
    const environment = Object.fromEntries(
      facts[0]!
        .split("\0")
        .filter(Boolean)
        .map((entry) => entry.split(/=(.*)/s, 2)),
    ) as Record<string, string>;
    assert.deepEqual(Object.keys(environment).sort(), [
      ...["JE_MALLOC_CONF", "NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE", "NODE_COMPILE_CACHE", "TZ"],
      "UV_THREADPOOL_SIZE",
    ]);
    assert.equal(environment["NODE_COMPILE_CACHE"], dirname(getCompileCacheDir()!));
    assert.match(facts[1]!, /^[^\0]+\0--max-semi-space-size=4\0[^\0]+child\.ts\0$/);
  });
});

describe("one folder, one engine", () => {
  test("a second engine on the folder is refused", async () => {
    await assert.rejects(startEngine({ dataDir, clock: systemClock, lockWaitMs: 300 }), { code: "data_dir_in_use" });
    assert.equal(await (await fetch(`${engine.url()}/ping`)).text(), "Ok.\n");
  });

  test("the child of a killed parent goes, and the next start gets the folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "weir-engine-"));
    const parent = fork(fileURLToPath(new URL("./parent.fixture.ts", import.meta.url)), [folder], { stdio: "ignore" });
    const orphanUrl = await new Promise<string>((resolve) => parent.once("message", (url: string) => resolve(url)));
    parent.kill("SIGKILL");
    const next = await startEngine({ dataDir: relative(process.cwd(), folder), clock: systemClock });
    await next.stop();
    await next.stop();
    assert.equal(next.state().up, false);
    assert.equal(next.state().lastExit, "exit 0");
    await assert.rejects(fetch(`${orphanUrl}/ping`));
    await rm(folder, { recursive: true });
  });
});

const readerHeaders = () => ({ "x-clickhouse-user": "reader", "x-clickhouse-key": engine.reader.password });
const weirHeaders = () => ({ "x-clickhouse-user": "weir", "x-clickhouse-key": engine.password });

async function restarted(of: Engine, act: () => void): Promise<void> {
  const back = new Promise<void>((resolve) => of.onRestart(resolve));
  act();
  await back;
}

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = createConnection(port, "127.0.0.1", () => socket.write(text));
    socket
      .on("data", (data) => (answer += String(data)))
      .on("end", () => resolve(answer))
      .on("error", reject);
  });
}
