/*
 * What the roll-up of one batch costs the engine, whatever is in it: the analysis of the statement's text, stage by stage.
 * `node bench/statement.bench.ts`, a minute. For docs/decisions/0011.
 */
import { openEmbeddedEngine } from "../test/support/embedded-engine.ts";
import { offset, src } from "../src/event/position.ts";
import { planRollup } from "../src/rollup/plan.ts";
import { renderRollup } from "../src/rollup/render.ts";
import type { Statement } from "../src/rollup/statement.ts";
import { parseRule } from "../src/rule/parse.ts";
import { usage } from "./lib/meter.ts";
import { table } from "./lib/report.ts";
import { benchRules, wireRule } from "./lib/rules.ts";

const times = 60;
const engine = await openEmbeddedEngine();
const range = { src: src(0), from: offset(0), to: offset(9) };
const extras = { marks: [{ key: "0:0:0-9" }], counts: { src: 0, events: 10, duplicates: 0 }, whole: "weir" };
const targets = benchRules.map((rule, index) => {
  const parsed = parseRule(wireRule(rule));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { series: 16 + index, rule: parsed.rule };
});
const tenRules = renderRollup(planRollup(targets, "close"), range, extras);
const noRules = renderRollup(planRollup([], "close"), range, extras);
const explained = (what: string): Statement => ({ ...tenRules, sql: `EXPLAIN ${what} ${selectOf(tenRules.sql)}` });

const rows = [
  await measured("`SELECT 1`", { sql: "SELECT 1", parameters: {} }),
  await measured("a mark, no rules", noRules),
  await measured("ten rules, parsed", explained("AST")),
  await measured("… and made a tree", explained("QUERY TREE run_passes = 0")),
  await measured("… and resolved and rewritten", explained("QUERY TREE")),
  await measured("… and planned", explained("PLAN")),
  await measured("… and made a pipeline", explained("PIPELINE")),
  await measured("ten rules, run over no event", tenRules),
];
console.log(table(["up to where", "engine's processor, ms", "time, ms"], rows));
await engine.close();

async function measured(what: string, statement: Statement): Promise<string[]> {
  for (let warm = 0; warm < 5; warm++) await engine.connection.write(statement);
  const before = await usage(process.pid);
  const started = performance.now();
  for (let run = 0; run < times; run++) await engine.connection.write(statement);
  const wallMs = (performance.now() - started) / times;
  const cpuMs = (((await usage(process.pid)).engineCpu - before.engineCpu) * 1000) / times;
  return [what, cpuMs.toFixed(1), wallMs.toFixed(1)];
}

/** An INSERT's SELECT. */
function selectOf(sql: string): string {
  return sql.slice(sql.indexOf("\n"));
}
