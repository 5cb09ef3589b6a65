import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { endedInOrder, startServer } from "../../test/support/server-process.ts";
import type { ServerOptions, ServerProcess } from "../../test/support/server-process.ts";
import { startStandAloneEngine } from "../../test/support/stand-alone-engine.ts";
import { assembleImage } from "../check/assemble.ts";
import { runProgram } from "../check/run-program.ts";

/** Runs `bin/weir.mjs` of the files that an image has, in a folder of their own. */
async function withImage(
  target: string,
  without: readonly string[],
  options: Omit<ServerOptions, "dataDir" | "program">,
  work: (image: string, server: ServerProcess) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "weir-image-"));
  try {
    const image = join(folder, "weir");
    assembleImage(image, target, without);
    const server = await startServer({
      ...options,
      dataDir: join(folder, "data"),
      program: join(image, "bin/weir.mjs"),
      // Nobody loads these files again.
      env: { ...options.env, NODE_DISABLE_COMPILE_CACHE: "1" },
    });
    try {
      await work(image, server);
    } finally {
      await server.killGroup();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const loadTest = (image: string, server: ServerProcess): ReturnType<typeof runProgram> =>
  runProgram(join(image, "deploy/load-test/load-test.ts"), {
    LOAD_TEST_INGEST_URL: server.ingestUrl,
    LOAD_TEST_QUERY_URL: server.queryUrl,
    LOAD_TEST_EVENTS: "1000",
  });

test("the files of the image are all that Weir, its health check and the load test need", async () => {
  await withImage("weir", [], {}, async (image, server) => {
    const health = (path: string, env: Record<string, string>): ReturnType<typeof runProgram> =>
      runProgram(join(image, "deploy/image/health.mjs"), env, [path]);
    const [ingest, query] = [server.ingestUrl, server.queryUrl].map((url) => new URL(url).port);
    const ports = { WEIR_INGEST_PORT: ingest!, WEIR_QUERY_PORT: query! };
    // It waits for four seconds for an answer, and a busy machine may need longer.
    const healthy = async (path: string): ReturnType<typeof runProgram> => {
      for (const end = performance.now() + 120_000; ;) {
        const ended = await health(path, ports);
        if (ended.code === 0 || performance.now() > end) return ended;
      }
    };
    assert.deepEqual(await healthy("/health"), { code: 0, output: '200 {"status":"ok"}\n' });
    assert.equal((await healthy("/ready")).code, 0);
    const loaded = await loadTest(image, server);
    assert.equal(loaded.code, 0, loaded.output);
    // Under PID 1 as well, since it asks for the signals itself.
    await endedInOrder(server);
    assert.deepEqual((await health("/health", ports)).code, 1);
    assert.match((await health("/health", ports)).output, new RegExp(`nobody answers on port ${query}`));
    assert.match((await health("/health", { ...ports, WEIR_ROLES: "ingest" })).output, new RegExp(`port ${ingest}`));
  });
});

test("the image without the engine counts on a ClickHouse server", async () => {
  const engine = await startStandAloneEngine();
  try {
    const env = { WEIR_CLICKHOUSE_USER: engine.username, WEIR_CLICKHOUSE_PASSWORD: engine.password };
    const options = { args: ["--clickhouse-url", engine.url], env };
    await withImage("roles", ["chdb", "@chdb"], options, async (image, server) => {
      const loaded = await loadTest(image, server);
      assert.equal(loaded.code, 0, loaded.output);
      const alone = await runProgram(join(image, "bin/weir.mjs"), { WEIR_DATA_DIR: join(image, "data") });
      assert.equal(alone.code, 2);
      assert.match(alone.output, /can't start: the embedded engine is not installed here; name a ClickHouse server/);
    });
  } finally {
    await engine.close();
  }
});
