import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Erasure, ErasureRegister } from "../register.ts";
import { openSqliteErasures } from "./sqlite-register.ts";

const erasure = (id: string, more: Partial<Erasure> = {}): Erasure => ({
  ...{ id, by: "user_id", values: ["u1"], digests: ["d"], below: { 0: 7 }, state: "waiting" },
  ...{ events: null, requestedAt: 5, removedAt: null, finishedAt: null },
  ...more,
});

async function withRegister(run: (register: ErasureRegister, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "weir-erasures-"));
  const register = await openSqliteErasures({ file: join(folder, "erasures.sqlite") });
  try {
    await run(register, folder);
  } finally {
    await register.close();
    await rm(folder, { recursive: true, force: true });
  }
}

test("an erasure is kept in its latest state, in the order of asking, also when it is opened again", () =>
  withRegister(async (register, folder) => {
    for (const id of ["a", "b", "c"]) await register.put(erasure(id));
    await register.put(erasure("a", { state: "done", events: 3, values: [] }));
    await register.close();
    const again = await openSqliteErasures({ file: join(folder, "erasures.sqlite") });
    const ids = (erasures: readonly Erasure[]): string[] => erasures.map(({ id }) => id);
    assert.deepEqual(ids(await again.unfinished()), ["b", "c"]);
    assert.deepEqual(ids(await again.latest(2)), ["c", "b"]);
    assert.deepEqual(await again.get("a"), erasure("a", { state: "done", events: 3, values: [] }));
    assert.equal(await again.get("d"), undefined);
    await again.close();
  }));

test("a value that was replaced is in no file any more", () =>
  withRegister(async (register, folder) => {
    const secret = "somebody-whom-nobody-shall-find";
    await register.put(erasure("a", { values: [secret] }));
    const found = async (): Promise<boolean[]> =>
      Promise.all((await readdir(folder)).map(async (name) => (await readFile(join(folder, name))).includes(secret)));
    assert.ok((await found()).includes(true), "it is looked for in the right way");
    await register.put(erasure("a", { values: [] }));
    assert.ok(!(await found()).includes(true));
  }));

test("no erasure is taken once the file was removed behind our back, since nobody would remember it", () =>
  withRegister(async (register, folder) => {
    await rm(join(folder, "erasures.sqlite"));
    await assert.rejects(register.put(erasure("a")), { code: "registry_unavailable", message: /was removed while/ });
  }));
