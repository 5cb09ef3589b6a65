import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { breakages } from "./breakages.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

test("what is to be broken is there once, and so is the test that has to see it", () => {
  for (const { row, what, file, from, test: by } of breakages) {
    assert.equal(readFileSync(`${root}${file}`, "utf8").split(from).length, 2, `${row}, ${what}: "${from}" in ${file}`);
    assert.ok(existsSync(`${root}${by}`), by);
  }
});

test("the document of what is seen lists them all", () => {
  const document = readFileSync(`${root}docs/reliability.md`, "utf8");
  for (const { row, test: by } of breakages)
    assert.match(document, new RegExp(`^\\| ${row} \\| .* \\| \`${by.replaceAll(".", "\\.")}\` \\|$`, "m"));
});
