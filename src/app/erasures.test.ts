import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { sampleErasure } from "../erasure/register.suite.ts";
import { openSqliteErasures } from "../erasure/sqlite/sqlite-register.ts";
import { moveErasures } from "./erasures.ts";

test("what a folder's own register has goes into the one that all have, once, in whatever state it is", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weir-erasures-"));
  const [file, shared] = [join(folder, "erasures.sqlite"), join(folder, "shared.sqlite")];
  const [before, after] = [await openSqliteErasures({ file }), await openSqliteErasures({ file: shared })];
  const done = { state: "done", events: 2, values: [], removedAt: 8, finishedAt: 9 } as const;
  try {
    for (const id of ["a", "b"]) await before.put(sampleErasure(id));
    await before.put(sampleErasure("a", done));
    await before.close();
    // A crash came before the file was put away.
    await after.put(sampleErasure("a", { ...done, askedOf: "p" }));
    await moveErasures(file, after, "p");
    assert.deepEqual(await after.unfinished(), [sampleErasure("b", { askedOf: "p" })]);
    assert.deepEqual(await after.get("a"), sampleErasure("a", { ...done, askedOf: "p" }));
    assert.deepEqual([existsSync(file), existsSync(`${file}.moved`)], [false, true]);
  } finally {
    await Promise.all([before.close(), after.close()]);
    await rm(folder, { recursive: true, force: true });
  }
});
