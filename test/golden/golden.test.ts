import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { offset, src } from "../../src/event/position.ts";
import { planRollup, type RollupTarget } from "../../src/rollup/plan.ts";
import { renderWindows } from "../../src/rollup/read.ts";
import { renderRollup } from "../../src/rollup/render.ts";
import type { Statement } from "../../src/rollup/statement.ts";
import { metricInputs } from "../../src/rule/metric.ts";
import { oldestKept } from "../../src/rule/retention.ts";
import { parseRule } from "../../src/rule/parse.ts";
import { parseWindowSize } from "../../src/rule/window.ts";

/**
 * Rules → plan → SQL, one file for each case. A case is its title, its words, its rules and, if it is about them, the ways
 * in which they are read (a block `json readings`); the rest of the file is what the compiler makes of them. `WEIR_GOLDEN=update` writes it anew: look at the difference before you commit it.
 */
const update = process.env["WEIR_GOLDEN"] === "update";

interface ReadingOf {
  readonly rule: string;
  /** Windows of this length instead of the rule's. */
  readonly step?: string;
  /** Groups have a row in every window. */
  readonly fill?: true;
}

const names = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".md"));
const texts = new Map(names.map((name) => [name, readFileSync(join(import.meta.dirname, name), "utf8")]));

for (const [name, text] of texts) {
  const file = join(import.meta.dirname, name);
  test(`golden: ${name}`, () => {
    const expected = compiled(text);
    if (update) writeFileSync(file, expected);
    else assert.equal(text, expected, "the compiler makes something else of it; WEIR_GOLDEN=update shows what");
  });
}

test("every metric, every kind of window and every way of reading has a golden case", () => {
  const cases = [...texts.values()].map(caseOf);
  const specs = cases.flatMap(({ targets }) => targets.map(({ rule }) => rule.spec));
  const metrics = new Set(specs.map(({ metric }) => (/^p\d/.test(metric) ? "quantile" : metric)));
  const all = [...Object.keys(metricInputs), "event_count", "active_users"];
  assert.deepEqual(
    all.filter((metric) => !metrics.has(metric)),
    [],
  );
  const windows = new Set(cases.flatMap(({ targets }) => targets.map(({ rule }) => kindOf(rule))));
  const kinds = ["tumbling second", "tumbling day", "tumbling week", "tumbling month"];
  const panes = ["hopping second", "cumulative second", "cumulative day", "cumulative week", "cumulative month"];
  assert.deepEqual([...windows].toSorted(), [...kinds, ...panes].toSorted());
  for (const key of ["having", "top_n", "max_groups", "decimals", "filter", "allowed_lateness", "late_policy"] as const)
    assert.ok(specs.some((spec) => spec[key] !== undefined), key);
  const readings = cases.flatMap((one) => one.readings ?? []);
  for (const key of ["step", "fill"] as const) assert.ok(readings.some((reading) => reading[key] !== undefined), key);
});

const kindOf = ({ window }: RollupTarget["rule"]): string => `${window.kind} ${window.size.unit}`;

/** The whole file as it should be, from its words and rules. */
function compiled(text: string): string {
  const { head, targets, readings } = caseOf(text);
  // Rules that say their bound are taken to be close to it.
  const rooms = new Map(targets.flatMap(({ series, rule }) => (rule.maxGroups === undefined ? [] : [[series, rule.maxGroups]])));
  const keptFrom = new Map(targets.map(({ series, rule }) => [series, oldestKept(rule, span.to)]));
  const plan = planRollup(targets, "scattered", new Set(rooms.keys()));
  const range = { src: src(2), from: offset(1000), to: offset(1999) };
  const rollup = renderRollup(plan, range, { marks: [{ key: "0:2:1000-1999" }], counts: { src: 2, events: 990, duplicates: 10 }, rooms, keptFrom, whole: "weir" });
  const reads =
    readings === undefined
      ? targets.map((target) => section(`Read ${target.rule.spec.rule_id}`, ...statement(pageStatement(target))))
      : readings.map((reading) => section(titleOf(reading), ...statement(readingStatement(reading, targets))));
  return [head, section("Plan", block("json", planText(plan))), section("Roll up", ...statement(rollup)), ...reads].join("\n");
}

function caseOf(text: string): { head: string; targets: readonly RollupTarget[]; readings?: readonly ReadingOf[] } {
  const found = /^[^]*?```json\n([^]*?)\n```\n(?:[^`]*```json readings\n([^]*?)\n```\n)?/.exec(text);
  assert.ok(found?.[1] !== undefined, "a case begins with its rules in a block of JSON");
  const bodies = JSON.parse(found[1]) as unknown[];
  const readings = found[2] === undefined ? {} : { readings: JSON.parse(found[2]) as ReadingOf[] };
  return { head: found[0], targets: bodies.map(asTarget), ...readings };
}

function asTarget(body: unknown, index: number): RollupTarget {
  const parsed = parseRule(body);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return { series: 16 + index, rule: parsed.rule };
}

/** 13 January 2026. */
const span = { from: 1_768_262_400_000, to: 1_768_348_800_000, order: "newest", limit: 100 } as const;

/** A page behind a row, of one group. */
function pageStatement({ series, rule }: RollupTarget): Statement {
  const group = rule.groupBy.map((_, index) => (index === 0 ? "DE" : null));
  const filters = rule.groupBy.map((_, key) => ({ key, value: group[key] ?? null }));
  const behind = { windowStart: 1_768_298_400_000, windowEnd: 1_768_302_000_000, group };
  return renderWindows({ series, rule, ...span, filters, behind });
}

function readingStatement({ rule: id, step, fill }: ReadingOf, targets: readonly RollupTarget[]): Statement {
  const target = targets.find(({ rule }) => rule.spec.rule_id === id);
  assert.ok(target, id);
  const { size } = target.rule.window;
  const read = step === undefined ? undefined : parseWindowSize(step, size.unit === "second" ? "UTC" : size.timezone);
  const filled = fill === undefined ? {} : { fillTo: span.to - 3_600_000 };
  return renderWindows({ ...target, ...span, filters: [], ...(read?.ok ? { step: read.value } : {}), ...filled });
}

const titleOf = ({ rule, step, fill }: ReadingOf): string =>
  `Read ${rule}${step === undefined ? "" : ` in steps of ${step}`}${fill === undefined ? "" : ", filled"}`;

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
