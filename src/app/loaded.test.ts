import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

/** Makes a server's routes, then begins a start that ends at its folder; tells what was loaded, and what of it under other flags of V8. */
const told = `
import { registerHooks } from "node:module";
import { cachedDataVersionTag } from "node:v8";
const [loaded, flagged] = [new Set(), new Set()];
const tag = cachedDataVersionTag();
registerHooks({
  load(url, context, next) {
    (cachedDataVersionTag() === tag ? loaded : flagged).add(url);
    return next(url, context);
  },
});
const { createServer } = await import(process.argv[1] + "http/server.ts");
createServer({ title: "T", version: "1", logger: false, routes: [] });
process.once("exit", () => console.log(JSON.stringify({ loaded: [...loaded], flagged: [...flagged] })));
const source = process.argv[1];
process.argv.splice(1, 1, "weir", "serve", "--data-dir", "/dev/null/none");
await (await import(source + "main.ts")).main();
`;

const source = new URL("../", import.meta.url).href;
const start = promisify(execFile)(process.execPath, ["--input-type=module", "-e", told, source]).catch(
  (ended: unknown) => ended as { readonly stdout: string; readonly stderr: string },
);
const loads = async (): Promise<{ readonly loaded: readonly string[]; readonly flagged: readonly string[] }> => {
  const { stdout, stderr } = await start;
  assert.match(stderr, /\/dev\/null\/none/);
  return JSON.parse(stdout) as Awaited<ReturnType<typeof loads>>;
};

test("what takes long to load is loaded where it is asked for: the clients of Kafka and MongoDB, and checks of schemas that are not ours", async () => {
  const { loaded } = await loads();
  for (const name of ["fastify", "typebox", "@clickhouse/client"]) assert.ok(loaded.some(from(name)), name);
  for (const name of ["@platformatic/kafka", "mongodb", "ajv", "typebox/build/compile"])
    assert.equal(loaded.find(from(name)), undefined);
});

test("a start loads all of it under the flags that every process has: under others V8 does not take what one has compiled", async () => {
  assert.deepEqual((await loads()).flagged, []);
});

const from = (name: string) => (url: string) => url.includes(`/node_modules/${name}/`);
