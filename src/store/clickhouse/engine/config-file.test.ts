import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeConfig } from "./config-file.ts";

test("the engine's settings are written when they are others, and left alone when not: a full disk would lose them", async () => {
  const dir = mkdtempSync(join(tmpdir(), "weir-config-"));
  const path = join(dir, "engine.xml");
  try {
    await writeConfig(path, 1 << 30);
    assert.match(readFileSync(path, "utf8"), /<max_server_memory_usage>1073741824</);
    utimesSync(path, 1, 1);
    await writeConfig(path, 1 << 30);
    assert.equal(statSync(path).mtimeMs, 1000);
    await writeConfig(path, 1 << 29);
    assert.match(readFileSync(path, "utf8"), /<max_server_memory_usage>536870912</);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
