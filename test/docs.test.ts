import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { operatingFile, withTables } from "../scripts/docs.ts";

test("the tables of docs/operating.md are those of the declarations; `npm run docs` writes them", () => {
  const text = readFileSync(operatingFile, "utf8");
  assert.equal(text, withTables(text));
});

test("every link between the documents leads somewhere", () => {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const files = ["*.md", "docs/**/*.md"].flatMap((pattern) => globSync(pattern, { cwd: root }));
  const dead = files.flatMap((file) => {
    const links = [...readFileSync(root + file, "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(
      (match) => match[1]!,
    );
    return links
      .filter((link) => !existsSync(new URL(link, new URL(file, new URL("../", import.meta.url)))))
      .map((link) => `${file}: ${link}`);
  });
  assert.ok(files.length > 5);
  assert.deepEqual(dead, []);
});

test("every decision is in the list of decisions", () => {
  const folder = new URL("../docs/decisions/", import.meta.url);
  const list = readFileSync(new URL("README.md", folder), "utf8");
  for (const file of globSync("0*.md", { cwd: fileURLToPath(folder) })) assert.ok(list.includes(`(${file})`), file);
});
