import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { missingEntries } from "../scripts/complete-lock.ts";
import type { Lock } from "../scripts/complete-lock.ts";
import { untidy } from "./tidy/check.ts";

const root = new URL("../", import.meta.url);
const leftOut = new Set([".git", "node_modules", "weir-data", ".cache", "dist"]);

/** Every text of the repository that people write. */
function repository(folder = ""): [string, string][] {
  return readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap((entry): [string, string][] => {
    const path = folder + entry.name;
    if (leftOut.has(entry.name)) return [];
    if (entry.isDirectory()) return repository(`${path}/`);
    return /\.(tsx?|mjs|md|json|yml|yaml)$/.test(path) && entry.name !== "package-lock.json"
      ? [[path, readFileSync(new URL(path, root), "utf8")]]
      : [];
  });
}

test("the repository keeps its own rules", () => {
  const files = new Map(repository());
  assert.ok(files.size > 50, "the walk has found the repository");
  assert.deepEqual(untidy(files), []);
});

test("the lock file names every platform's packages and no registry; `npm run lock` mends it", () => {
  const text = readFileSync(new URL("package-lock.json", root), "utf8");
  assert.deepEqual(Object.keys(missingEntries(JSON.parse(text) as Lock)), []);
  assert.ok(!text.includes('"resolved"'));
});
