import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const told = `
import { registerHooks } from "node:module";
const found = new Set();
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    found.add(/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(resolved.url)?.[1]);
    return resolved;
  },
});
await import(process.argv[1]);
console.log(JSON.stringify([...found]));
process.exit(0);
`;

test("the clients of Kafka and MongoDB, which take as long to load as all else, are loaded where they are asked for", async () => {
  const app = new URL("../app.ts", import.meta.url).href;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", told, app]);
  const packages = JSON.parse(stdout) as string[];
  assert.ok(packages.includes("fastify"), stdout);
  for (const name of ["@platformatic/kafka", "mongodb"]) assert.ok(!packages.includes(name), stdout);
});
