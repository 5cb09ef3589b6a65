import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { offset, src } from "../../src/event/position.ts";
import { planRollup, type RollupTarget } from "../../src/rollup/plan.ts";
import { renderWindows } from "../../src/rollup/read.ts";
import { renderRollup } from "../../src/rollup/render.ts";
import type { Statement } from "../../src/rollup/statement.ts";
import { parseRule } from "../../src/rule/parse.ts";

/**
 * Rules → plan → SQL, one file for each case. A case is its title, its words and its rules; the rest of the file is what
 * the compiler makes of them. `WEIR_GOLDEN=update` writes it anew: look at the difference before you commit it.
 */
const update = process.env["WEIR_GOLDEN"] === "update";

for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith(".md"))) {
  const file = join(import.meta.dirname, name);
  test(`golden: ${name}`, () => {
    const text = readFileSync(file, "utf8");
    const expected = compiled(text);
    if (update) writeFileSync(file, expected);
    else assert.equal(text, expected, "the compiler makes something else of it; WEIR_GOLDEN=update shows what");
  });
}

/** The whole file as it should be, from its words and rules. */
function compiled(text: string): string {
  const head = /^[^]*?```json\n([^]*?)\n```\n/.exec(text);
  assert.ok(head?.[1] !== undefined, "a case begins with its rules in a block of JSON");
  const bodies: unknown = JSON.parse(head[1]);
  assert.ok(Array.isArray(bodies));
  const targets = bodies.map(asTarget);
  // Rules that say their bound are taken to be close to it.
  const rooms = new Map(targets.flatMap(({ series, rule }) => (rule.maxGroups === undefined ? [] : [[series, rule.maxGroups]])));
  const plan = planRollup(targets, "scattered", new Set(rooms.keys()));
  const range = { src: src(2), from: offset(1000), to: offset(1999) };
  const rollup = renderRollup(plan, range, { marks: [{ key: "0:2:1000-1999" }], counts: { src: 2, events: 990, duplicates: 10 }, rooms });
  return [
    head[0],
    section("Plan", block("json", planText(plan))),
    section("Roll up", ...statement(rollup)),
    ...targets.map((target) => section(`Read ${target.rule.spec.rule_id}`, ...statement(readStatement(target)))),
  ].join("\n");
}

function asTarget(body: unknown, index: number): RollupTarget {
  const parsed = parseRule(body);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return { series: 16 + index, rule: parsed.rule };
}

function readStatement({ series, rule }: RollupTarget): Statement {
  const group = rule.groupBy.map((_, index) => (index === 0 ? "DE" : null));
  const filters = rule.groupBy.map((_, key) => ({ key, value: group[key] ?? null }));
  const behind = { windowStart: 1_768_298_400_000, windowEnd: 1_768_302_000_000, group };
  return renderWindows({ series, rule, from: 1_768_262_400_000, to: 1_768_348_800_000, filters, order: "newest", limit: 100, behind });
}

const section = (title: string, ...parts: string[]): string => `## ${title}\n\n${parts.join("\n")}`;
const block = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\`\n`;
const statement = ({ sql, parameters }: Statement): string[] => [block("sql", sql), block("json", entries(parameters))];

/** One line for each parameter. */
function entries(parameters: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(parameters).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n}`;
}

function planText(plan: ReturnType<typeof planRollup>): string {
  const lines = (items: readonly unknown[]): string => (items.length === 0 ? "[]" : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(",\n")}\n  ]`);
  return `{\n  "fields": ${lines(plan.fields)},\n  "filters": ${lines(plan.filters.map((filter) => filter.text))},\n  "shapes": ${lines(plan.shapes)}\n}`;
}
