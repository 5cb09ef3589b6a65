import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ErasureRegister } from "../register.ts";
import { registerSuite, type RegisterPlace, sampleErasure } from "../register.suite.ts";
import { openSqliteErasures } from "./sqlite-register.ts";

async function place(): Promise<RegisterPlace & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "weir-erasures-"));
  const opened: ErasureRegister[] = [];
  const open = async (): Promise<ErasureRegister> => {
    const register = await openSqliteErasures({ file: join(folder, "erasures.sqlite") });
    opened.push(register);
    return register;
  };
  const cleanup = async (): Promise<void> => {
    for (const register of opened) await register.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { folder, open, cleanup };
}

registerSuite("sqlite", place);

async function withRegister(run: (register: ErasureRegister, folder: string) => Promise<void>): Promise<void> {
  const { open, folder, cleanup } = await place();
  try {
    await run(await open(), folder);
  } finally {
    await cleanup();
  }
}

test("a value that was replaced is in no file any more", () =>
  withRegister(async (register, folder) => {
    const secret = "somebody-whom-nobody-shall-find";
    await register.put(sampleErasure("a", { values: [secret] }));
    const found = async (): Promise<boolean[]> =>
      Promise.all((await readdir(folder)).map(async (name) => (await readFile(join(folder, name))).includes(secret)));
    assert.ok((await found()).includes(true), "it is looked for in the right way");
    await register.put(sampleErasure("a", { values: [], state: "removing", events: 1 }));
    assert.ok(!(await found()).includes(true));
  }));

test("no erasure is taken once the file was removed behind our back, since nobody would remember it", () =>
  withRegister(async (register, folder) => {
    await rm(join(folder, "erasures.sqlite"));
    await assert.rejects(register.put(sampleErasure("a")), {
      code: "registry_unavailable",
      message: /was removed while/,
    });
  }));
