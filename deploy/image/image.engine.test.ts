import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { endedInOrder, startServer } from "../../test/support/server-process.ts";
import type { ServerOptions, ServerProcess } from "../../test/support/server-process.ts";
import { startStandAloneEngine } from "../../test/support/stand-alone-engine.ts";
import { environmentOf, stagesOf, wordsOf } from "../check/dockerfile.ts";
import { DryBuild } from "../check/dry-build.ts";
import { readCompose, textOf } from "../check/read.ts";
import { runWords } from "../check/run-program.ts";

const folder = await mkdtemp(join(tmpdir(), "weir-image-"));
after(() => rm(folder, { recursive: true, force: true }));
const build = new DryBuild(folder);
const stages = stagesOf(textOf("deploy/Dockerfile"));

/** Starts what a container of the image starts, in the image's folder and with its environment, on ports of the system's choice. */
async function withImage(
  target: string,
  options: Omit<ServerOptions, "dataDir" | "command">,
  work: (image: string, server: ServerProcess) => Promise<void>,
): Promise<void> {
  const image = build.image(target);
  const [node, ...command] = [...wordsOf(stages, target, "ENTRYPOINT"), ...wordsOf(stages, target, "CMD")];
  assert.equal(node, "node");
  const server = await startServer({
    ...options,
    dataDir: join(folder, "data", target),
    ...{ command, cwd: image },
    // Nobody loads these files again, and nobody else is to come in.
    env: {
      ...environmentOf(stages, target),
      ...options.env,
      ...{ WEIR_HOST: "127.0.0.1", NODE_DISABLE_COMPILE_CACHE: "1" },
    },
  });
  try {
    await work(image, server);
  } finally {
    await server.killGroup();
  }
}

/** As the service of a compose file starts it. */
function loadTest(file: string, image: string, server: ServerProcess): ReturnType<typeof runWords> {
  const { entrypoint, command } = readCompose(file).services["load-test"]!;
  return runWords(
    [...entrypoint!, ...command!],
    {
      LOAD_TEST_INGEST_URL: server.ingestUrl,
      LOAD_TEST_QUERY_URL: server.queryUrl,
      LOAD_TEST_EVENTS: "1000",
    },
    image,
  );
}

test("what the Dockerfile makes in clean folders is all that Weir, its pages, its health check and the load test need", async () => {
  await withImage("weir", {}, async (image, server) => {
    const file = "deploy/compose.embedded.yaml";
    const ofImage = wordsOf(stages, "weir", "HEALTHCHECK");
    const [, ...ofCompose] = readCompose(file).services["weir"]!.healthcheck!.test!;
    const [ingest, query] = [server.ingestUrl, server.queryUrl].map((url) => new URL(url).port);
    const ports = { WEIR_INGEST_PORT: ingest!, WEIR_QUERY_PORT: query! };
    const health = (words: readonly string[], env: Record<string, string> = ports): ReturnType<typeof runWords> =>
      runWords(words, env, image);
    // It waits for four seconds for an answer, and a busy machine may need longer.
    const healthy = async (words: readonly string[]): ReturnType<typeof runWords> => {
      for (const end = performance.now() + 120_000; ;) {
        const ended = await health(words);
        if (ended.code === 0 || performance.now() > end) return ended;
      }
    };
    assert.deepEqual(await healthy(ofImage), { code: 0, output: '200 {"status":"ok"}\n' });
    const ready = await healthy(ofCompose);
    assert.equal(ready.code, 0, ready.output);
    const pages = await fetch(server.queryUrl);
    assert.equal(pages.status, 200);
    assert.match(await pages.text(), /<script [^>]*src="\.\/assets\//);
    const loaded = await loadTest(file, image, server);
    assert.equal(loaded.code, 0, loaded.output);
    // Under PID 1 as well, since it asks for the signals itself.
    await endedInOrder(server);
    assert.deepEqual((await health(ofImage)).code, 1);
    assert.match((await health(ofImage)).output, new RegExp(`nobody answers on port ${query}`));
    assert.match((await health(ofImage, { ...ports, WEIR_ROLES: "ingest" })).output, new RegExp(`port ${ingest}`));
  });
});

test("the image without the engine counts on a ClickHouse server", async () => {
  const engine = await startStandAloneEngine();
  try {
    const env = { WEIR_CLICKHOUSE_USER: engine.username, WEIR_CLICKHOUSE_PASSWORD: engine.password };
    const options = { args: ["--clickhouse-url", engine.url], env };
    await withImage("roles", options, async (image, server) => {
      const loaded = await loadTest("deploy/compose.yaml", image, server);
      assert.equal(loaded.code, 0, loaded.output);
      const start = wordsOf(stages, "roles", "ENTRYPOINT");
      const alone = await runWords(start, { WEIR_DATA_DIR: join(folder, "data", "alone") }, image);
      assert.equal(alone.code, 2);
      assert.match(alone.output, /can't start: the embedded engine is not installed here; name a ClickHouse server/);
    });
  } finally {
    await engine.close();
  }
});
