import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { guide, pageFile } from "./page.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Pages with blocks that a reader takes for sessions, and how each of these begins. */
const sessions = ["*.md", "docs/**/*.md", "client/*.md", "examples/**/*.md", "deploy/**/*.md"]
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .map((page) => ({
    page,
    fences: readFileSync(pageFile(page), "utf8").match(/^\s*(`{3,}|~{3,})\s*console.*$/gim) ?? [],
  }))
  .filter(({ fences }) => fences.length > 0);

test("every page that has a session is run; its name belongs into the list of page.ts", () => {
  const pages = sessions.map(({ page }) => page);
  assert.deepEqual(pages.toSorted(), guide.flat().toSorted());
});

test("every session is fenced as those that are run", () => {
  for (const { page, fences } of sessions)
    for (const fence of fences) assert.equal(fence.replace(/^\n+/, ""), "```console", page);
});
