import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { lockDataDir } from "./datadir.ts";
import { WeirError } from "./errors.ts";

const root = mkdtempSync(join(tmpdir(), "weir-datadir-"));
after(() => rmSync(root, { recursive: true, force: true }));

const inUseBy = (pid: number, dir: string) => (error: unknown) =>
  error instanceof WeirError &&
  error.code === "data_dir_in_use" &&
  error.message.includes(String(pid)) &&
  error.message.includes(dir);

test("a folder is made, taken once, and can be taken again when given back", () => {
  const dir = join(root, "a", "b");
  const release = lockDataDir(dir);
  assert.throws(() => lockDataDir(dir), inUseBy(process.pid, dir));
  release();
  release();
  lockDataDir(dir)();
});

test("another process is refused with folder and holder, and a killed holder leaves no stale lock", async () => {
  const dir = join(root, "killed");
  const script = `const { lockDataDir } = await import(process.argv[1]); lockDataDir(process.argv[2]); process.stdout.write("held"); setInterval(() => {}, 1000);`;
  const module = new URL("datadir.ts", import.meta.url).href;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, module, dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  assert.throws(() => lockDataDir(dir), inUseBy(child.pid!, dir));
  child.kill("SIGKILL");
  await once(child, "exit");
  lockDataDir(dir)();
});

test("a folder that can't be written is a mistake of the configuration, and given back", () => {
  const dir = join(root, "read-only");
  mkdirSync(join(dir, "weir.pid"), { recursive: true });
  for (const _again of [1, 2])
    assert.throws(() => lockDataDir(dir), { code: "invalid_config", message: /^the data folder .*weir\.pid/ });
  rmdirSync(join(dir, "weir.pid"));
  lockDataDir(dir)();
});

test("a folder that can't be made is a mistake of the configuration", () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  // In /proc nothing can be made, although it is there.
  for (const dir of [file, join(file, "dir"), "/proc/weir", "/proc/weir/a"])
    assert.throws(
      () => lockDataDir(dir),
      (error) => error instanceof WeirError && error.code === "invalid_config" && error.message.includes(dir),
    );
});
