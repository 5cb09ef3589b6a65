import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { type TestContext, test } from "node:test";
import type { RuleRecord } from "../../src/rule/registry.ts";
import { openSqliteRegistry } from "../../src/rule/sqlite/sqlite-registry.ts";
import { unlessMissing } from "../support/needs.ts";
import { whyNoStrace } from "../support/strace.ts";
import { troubleSyncs } from "./syncs.ts";

const needs = unlessMissing(whyNoStrace());

test("R4: a change whose sync failed is read as it is after a death", needs, async (t) => {
  for (const work of ["save", "remove"]) {
    // The first sync fails, and the next, which would undo it, may do so, too.
    for (const when of ["1", "1..2"]) {
      const { answer, file } = await dies(t, when, work === "save" ? saving : removing);
      const { failed, read } = answer as { failed: boolean; read: readonly RuleRecord[] };
      assert.ok(failed, "it was said to be made");
      const registry = await openSqliteRegistry({ file });
      assert.deepEqual(await registry.all(), read, `${work}, with sync ${when} failing`);
      await registry.close();
    }
  }
});

test("R4: no series is given twice, though every third sync fails", needs, async (t) => {
  const { answer, file } = await dies(t, "1+3", taking);
  const { given, refused } = answer as { given: readonly number[]; refused: number };
  assert.ok(given.length > 5 && refused > 5, `${given.length} were given, ${refused} refused`);
  const registry = await openSqliteRegistry({ file });
  const next = await registry.takeSeries(1);
  assert.equal(new Set([...given, next]).size, given.length + 1, `given: ${given.join()}; then ${next}`);
  await registry.close();
});

const saving = `
  const failed = await refuses(() => registry.change({ save: [record("b", 0)], remove: [] }));
  answer({ failed, read: await atLast(() => registry.all()) });`;

const removing = `
  const failed = await refuses(() => registry.change({ save: [], remove: [first] }));
  answer({ failed, read: await atLast(() => registry.all()) });`;

const taking = `
  let [given, refused] = [[], 0];
  for (let round = 0; round < 30; round++) {
    const failed = await refuses(async () => given.push(await registry.takeSeries(1)));
    if (failed) refused += 1;
  }
  answer({ given, refused });`;

/** A process with the rules of one file; syncs of it fail while it does its work, and once it has answered it is no more. */
async function dies(t: TestContext, when: string, work: string): Promise<{ answer: unknown; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "weir-registry-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "rules.sqlite");
  const child = spawn(process.execPath, ["--input-type=module", "-e", program(file, work)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, "ready");
  const tracing = await troubleSyncs(child.pid!, { files: [`${file}-wal`], when, error: "EIO" });
  child.stdin.write("go\n");
  const { value } = await lines.next();
  await once(child, "close");
  assert.ok(
    (await tracing.ended).made.some(({ refused }) => refused),
    "no sync has failed",
  );
  return { answer: JSON.parse(String(value)), file };
}

const program = (file: string, work: string): string => `
  import { once } from "node:events";
  import { writeSync } from "node:fs";
  import { openSqliteRegistry } from ${JSON.stringify(new URL("../../src/rule/sqlite/sqlite-registry.ts", import.meta.url).href)};
  const registry = await openSqliteRegistry({ file: ${JSON.stringify(file)} });
  const record = (rule_id, revision) => ({ rule_id, revision, versions: [] });
  const { records: [first] } = await registry.change({ save: [record("a", 0)], remove: [] });
  const refuses = (run) => run().then(() => false, () => true);
  const atLast = async (run) => { for (;;) try { return await run(); } catch {} };
  const answer = (value) => { writeSync(1, JSON.stringify(value) + "\\n"); process.kill(process.pid, "SIGKILL"); };
  writeSync(1, "ready\\n");
  await once(process.stdin, "data");
  ${work}`;
