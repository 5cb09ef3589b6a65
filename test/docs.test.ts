import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { operatingFile, withTables } from "../scripts/docs.ts";
import { RuleBody } from "../src/protocol/rules.ts";
import { StatsParameters } from "../src/protocol/stats.ts";
import { tableFormats } from "../src/rollup/table.ts";
import { metricInputs } from "../src/rule/metric.ts";

test("the tables of docs/operating.md are those of the declarations; `npm run docs` writes them", () => {
  const text = readFileSync(operatingFile, "utf8");
  assert.equal(text, withTables(text));
});

const root = fileURLToPath(new URL("../", import.meta.url));
const textOf = (file: string): string => readFileSync(root + file, "utf8");

test("every link between the documents leads somewhere, to a heading where it names one", () => {
  const files = ["*.md", "docs/**/*.md"].flatMap((pattern) => globSync(pattern, { cwd: root }));
  const dead = files.flatMap((file) =>
    [...textOf(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      .map(([, path = "", heading]) => ({ target: path === "" ? file : join(dirname(file), path), heading }))
      .filter(({ target, heading }) => !leads(target, heading))
      .map(({ target, heading }) => `${file}: ${target}${heading === undefined ? "" : `#${heading}`}`),
  );
  assert.ok(files.length > 5);
  assert.deepEqual(dead, []);
});

function leads(file: string, heading: string | undefined): boolean {
  if (!existsSync(root + file)) return false;
  return heading === undefined || headings(textOf(file)).includes(heading);
}

/** The names by which links lead to the headings of a text. */
const headings = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );

test("every field of rules, every metric and every parameter of /stats is told in the guide", () => {
  const told = (file: string, names: readonly string[]): string[] =>
    names.filter((name) => !textOf(file).includes(`\`${name}\``));
  assert.deepEqual(told("docs/rules.md", Object.keys(RuleBody.properties)), []);
  const metrics = Object.keys(metricInputs).filter((name) => name !== "quantile");
  assert.deepEqual(told("docs/rules.md", metrics), []);
  assert.deepEqual(told("docs/metrics.md", metrics), []);
  assert.deepEqual(told("docs/stats.md", [...Object.keys(StatsParameters.properties), ...tableFormats]), []);
});

test("every decision is in the list of decisions", () => {
  const folder = new URL("../docs/decisions/", import.meta.url);
  const list = readFileSync(new URL("README.md", folder), "utf8");
  for (const file of globSync("0*.md", { cwd: fileURLToPath(folder) })) assert.ok(list.includes(`(${file})`), file);
});
