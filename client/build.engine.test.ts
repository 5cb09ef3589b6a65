import assert from "node:assert/strict";
import { readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import type * as client from "./src/weir.ts";
import { type BuiltClient, buildClient, root, typeScript } from "../test/support/built-client.ts";

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly dependencies?: object;
}

let built: BuiltClient;
let manifest: Manifest;

before(async () => {
  built = await buildClient();
  manifest = JSON.parse(await readFile(join(root, "client/package.json"), "utf8")) as Manifest;
});
after(() => built.remove());

const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)"([^"]+)"/g)].map(([, name = ""]) => name);

test("what is built is what the package says that it exports, and imports nothing but itself and React", async () => {
  const files = await readdir(built.dist, { recursive: true });
  for (const { types, default: code } of Object.values(manifest.exports))
    for (const file of [types, code]) assert.ok(files.includes(file.replace("./dist/", "")), file);
  assert.ok(!files.some((file) => file.includes(".test.")));
  assert.equal(manifest.dependencies, undefined);
  for (const file of files.filter((name) => /\.(js|d\.ts)$/.test(name))) {
    const imports = importsOf(await readFile(join(built.dist, file), "utf8"));
    const foreign = imports.filter((name) => !/^\.\.?\/[\w./-]+\.js$/.test(name) && name !== "react");
    // TypeScript itself makes paths in declarations say where the source is.
    assert.deepEqual(file.endsWith(".d.ts") ? foreign.filter((name) => !/^\..*\.ts$/.test(name)) : foreign, [], file);
    if (!file.startsWith("react.")) assert.ok(!imports.includes("react"), file);
  }
});

test("it runs as it is, and its types say what it takes to a reader with another configuration", async () => {
  const { folder } = built;
  for (const name of ["react", "@types"])
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  await writeFile(join(folder, "reader.ts"), reader);
  const strict = ["--strict", "--noEmit", "--lib", "es2022,dom", "--types", "", "--skipLibCheck", "false"];
  for (const module of [
    ["--module", "esnext", "--moduleResolution", "bundler"],
    ["--module", "nodenext"],
  ])
    await typeScript(join(folder, "reader.ts"), "--ignoreConfig", ...strict, ...module);
  await writeFile(join(folder, "wrong.ts"), wrong);
  await assert.rejects(
    typeScript(join(folder, "wrong.ts"), "--ignoreConfig", ...strict, "--module", "nodenext"),
    /wrong\.ts\(2,[^]*'"tumblng"'[^]*wrong\.ts\(3,/,
  );
  await writeFile(join(folder, "run.js"), `export { Weir, WeirError } from "weir-client";`);
  const { Weir, WeirError } = (await import(pathToFileURL(join(folder, "run.js")).href)) as typeof client;
  const nobody = new Weir({ queryUrl: "http://127.0.0.1:1" });
  await assert.rejects(nobody.rules.list(), (error) => error instanceof WeirError && error.code === "no_answer");
});

const reader = `
import { Weir, type LiveState, type Rule } from "weir-client";
import { useLive } from "weir-client/react";
const weir = new Weir();
const rule: Rule = { rule_id: "r", window_size: "1m", metric: "count" };
export async function all(): Promise<string> {
  const { accepted, problems } = await weir.ingest([{ user_id: "u", event_type: "click", timestamp: new Date() }]);
  const { version } = await weir.rules.put(rule, { ifMatch: 3 });
  await weir.rules.patch("r", { filter: null });
  for await (const row of weir.stats.rows({ rule: "r" })) console.log(row.window_start, row["payload.country"], row.final);
  for await (const { rows } of weir.live("r")) return \`\${accepted + version + problems.length} \${rows.length}\`;
  return "";
}
export const Component = (): LiveState => useLive(weir, "r");
`;
const wrong = `import { Weir } from "weir-client";
void new Weir().rules.put({ rule_id: "r", window_size: "1m", metric: "count", window_type: "tumblng" });
void new Weir().ingest([{ user: "u" }]);
`;
