/**
 * `npm run guide -- docs/rules.md …`: runs the sessions of these pages, and of those that share a server with them, and
 * writes what they print into them, where it is not what the page says. What has changed is for a person to read and to
 * like before it is committed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { type PageRun, guide, pageFile, runPages } from "../test/guide/page.ts";
import { type Step, comparable } from "../test/guide/session.ts";

const asked = process.argv.slice(2);

for (const pages of guide)
  if (asked.length === 0 || pages.some((page) => asked.includes(page))) (await runPages(pages)).forEach(write);

function write({ page, session, printed }: PageRun): void {
  const lines = readFileSync(pageFile(page), "utf8").split("\n");
  // From the end, so that what stands before keeps its line.
  for (const [index, step] of [...session.entries()].toReversed()) rewrite(lines, step, printed[index] ?? "");
  writeFileSync(pageFile(page), lines.join("\n"));
}

function rewrite(lines: string[], { command, printed, line }: Step, came: string): void {
  if (comparable(printed) === comparable(came)) return;
  const output = line - 1 + command.split("\n").length;
  lines.splice(output, printed.split("\n").length - 1, ...came.split("\n").slice(0, -1));
}
