import assert from "node:assert/strict";
import { accessSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { WeirError } from "../lib/errors.ts";
import { mustBeOurs, mustHaveData, mustHaveRoom } from "./folder.ts";

const root = mkdtempSync(join(tmpdir(), "weir-folder-"));
after(() => rmSync(root, { recursive: true, force: true }));

test("a full disk is told before a folder is made on it", () => {
  mustHaveRoom(join(root, "a", "b"));
  // Of /proc the system says that nothing is left.
  assert.throws(() => mustHaveRoom("/proc/weir/data"), {
    code: "disk_full",
    message: /^the disk of \/proc\/weir\/data/,
  });
});

test("what another user has brought back is named at once", () => {
  const dir = join(root, "restored");
  mkdirSync(join(dir, "engine"), { recursive: true });
  for (const name of ["rules.sqlite", "erasures.sqlite"]) writeFileSync(join(dir, name), "");
  mustBeOurs(dir);
  // Root, as which tests may run, may write everything.
  const access = (path: string): void => {
    accessSync(path);
    if (!path.endsWith("erasures.sqlite")) throw Object.assign(new Error("not yours"), { code: "EACCES" });
  };
  const told = `${join(dir, "rules.sqlite")}, ${join(dir, "engine")}; all in it has to belong`;
  assert.throws(
    () => mustBeOurs(dir, access),
    (error) => error instanceof WeirError && error.code === "invalid_config" && error.message.includes(told),
  );
});

test("a folder in which nothing was kept is told apart from one that has something", () => {
  assert.throws(() => mustHaveData(join(root, "none")), { message: /none is not there; name the folder/ });
  mkdirSync(join(root, "other", "log"), { recursive: true });
  mustHaveData(join(root, "other"));
});
