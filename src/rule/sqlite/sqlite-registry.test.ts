import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { WeirError } from "../../lib/errors.ts";
import { type RegistryPlace, registrySuite } from "../registry.suite.ts";
import { openSqliteRegistry } from "./sqlite-registry.ts";

async function place(): Promise<RegistryPlace & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "weir-registry-"));
  const file = join(folder, "rules.sqlite");
  return {
    file,
    open: () => openSqliteRegistry({ file }),
    opener: `
      import { openSqliteRegistry } from ${JSON.stringify(new URL("./sqlite-registry.ts", import.meta.url).href)};
      const registry = await openSqliteRegistry({ file: ${JSON.stringify(file)} });`,
    failpoints: {},
    cleanup: () => rm(folder, { recursive: true, force: true }),
  };
}

registrySuite("sqlite", place);

test("what was saved before a kill is there, whole, and no series comes twice", async () => {
  const { file, open, cleanup } = await place();
  const child = spawn(process.execPath, ["--input-type=module", "-e", writer(file)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let told = "";
  child.stdout.setEncoding("utf8");
  while (told.split("\n").length < 20) {
    const [chunk]: string[] = await once(child.stdout, "data");
    told += chunk;
  }
  child.kill("SIGKILL");
  await once(child, "close");
  const last = told
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  const registry = await open();
  const record = await registry.get("a");
  assert.ok(record !== undefined && record.revision >= last.length);
  assert.ok((await registry.takeSeries(1)) > Math.max(...last));
  await registry.close();
  await cleanup();
});

test("a file that is no database is refused by name", async () => {
  const { file, open, cleanup } = await place();
  await writeFile(file, "this is no database, but long enough to be taken for a header\n".repeat(50));
  await assert.rejects(
    open(),
    (error) => error instanceof WeirError && error.code === "registry_unavailable" && error.message.includes(file),
  );
  await cleanup();
});

const writer = (file: string): string => `
  import { writeSync } from "node:fs";
  import { openSqliteRegistry } from ${JSON.stringify(new URL("./sqlite-registry.ts", import.meta.url).href)};
  const registry = await openSqliteRegistry({ file: ${JSON.stringify(file)} });
  let record = { rule_id: "a", revision: 0, versions: [] };
  for (;;) {
    const series = await registry.takeSeries(1);
    [record] = (await registry.change({ save: [record], remove: [] }))?.records ?? [];
    if (record === undefined) throw new Error("lost without a rival");
    writeSync(1, series + "\\n");
  }
`;

test("no change is taken once the file was removed behind our back, since it would be gone with the process", async () => {
  const { file, open, cleanup } = await place();
  const registry = await open();
  const change = { save: [{ rule_id: "r", revision: 0, versions: [] }], remove: [] };
  await rm(file);
  await assert.rejects(registry.change(change), {
    code: "registry_unavailable",
    message: /was removed while it was in use/,
  });
  await writeFile(file, "");
  await assert.rejects(registry.change(change), { message: /was replaced while it was in use/ });
  await registry.close();
  await cleanup();
});
