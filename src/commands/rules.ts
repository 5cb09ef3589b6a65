import { WeirError } from "../../client/src/weir.ts";
import type { DryRunAnswer, Rule, RuleAnswer, Weir } from "../../client/src/weir.ts";
import type { RulesAction } from "../config/command-line.ts";
import { CommandError, rulesIn } from "./rule-files.ts";
import type { ReadFile } from "./rule-files.ts";
import { harmless, table } from "./table.ts";
import { painted, say, sayJson } from "./terminal.ts";
import type { Terminal } from "./terminal.ts";
import { windowTable } from "./windows.ts";

export interface RulesDeps {
  readonly weir: Pick<Weir, "rules">;
  readonly terminal: Terminal;
  readonly readFile: ReadFile;
  readonly complain: (text: string) => void;
}

/** `weir rules …`. @throws WeirError, CommandError */
export const runRules = (action: RulesAction, words: readonly string[], deps: RulesDeps): Promise<void> =>
  actions[action](deps, words);

const actions: Readonly<Record<RulesAction, (deps: RulesDeps, words: readonly string[]) => Promise<void>>> = {
  list: async ({ weir, terminal }) => {
    const rules = await weir.rules.list();
    if (terminal.json) return rules.forEach((rule) => sayJson(terminal, rule));
    if (rules.length === 0) return say(terminal, "no rules yet; weir rules apply FILE makes some");
    const [head = "", ...rows] = table(listHead, rules.map(listRow), terminal.columns());
    say(terminal, painted(terminal, "bold", head));
    for (const row of rows) say(terminal, row);
  },
  get: async ({ weir, terminal }, [id = ""]) => {
    const rule = await weir.rules.get(id);
    // One object, whoever reads it: as the server says it, and as `apply` does not need it.
    terminal.write(`${JSON.stringify(rule, undefined, terminal.json ? 0 : 2)}\n`);
  },
  apply,
  delete: remove,
  try: async ({ weir, terminal, readFile }, [path = ""]) => {
    const [rule, ...more] = await rulesIn(path, readFile);
    if (rule === undefined || more.length > 0) throw new CommandError(`${path}: one rule can be tried at a time`);
    const answer = await weir.rules.dryRun(rule);
    if (terminal.json) sayJson(terminal, answer);
    else tried(terminal, answer);
  },
};

const listHead = ["rule", "metric", "window", "by", "state", "groups", "late", "skipped", "version"];

function listRow(rule: RuleAnswer): (string | number)[] {
  const { rule_id, metric, field, window_size, hop, group_by, state, progress, groups, late, skipped, version } = rule;
  return [
    rule_id,
    field === undefined ? metric : `${metric} of ${field}`,
    hop === undefined ? window_size : `${window_size}, every ${hop}`,
    group_by.join(", "),
    state === "filling" ? `filling ${Math.floor(progress * 100)} %` : state,
    ...[groups, late, skipped].map((count) => count ?? "?"),
    version,
  ];
}

/** All files together are applied as a whole, or not at all. */
async function apply({ weir, terminal, readFile }: RulesDeps, paths: readonly string[]): Promise<void> {
  const rules: Rule[] = [];
  for (const path of paths) rules.push(...(await rulesIn(path, readFile)));
  const effect = await weir.rules.apply({ rules });
  const versions = new Map((await weir.rules.list()).map(({ rule_id, version }) => [rule_id, version]));
  for (const { rule_id } of rules)
    tell(terminal, { rule_id, effect: effectOf(rule_id, effect), version: versions.get(rule_id) });
}

/** One that is not there costs no other. @throws the last refusal, when all have had their turn */
async function remove({ weir, terminal, complain }: RulesDeps, ids: readonly string[]): Promise<void> {
  const unknown: WeirError[] = [];
  for (const id of ids)
    try {
      await weir.rules.delete(id);
      tell(terminal, { rule_id: id, effect: "deleted" });
    } catch (error) {
      if (!(error instanceof WeirError) || error.code !== "unknown_rule") throw error;
      unknown.push(error);
    }
  const last = unknown.pop();
  for (const { message } of unknown) complain(`${harmless(message)}\n`);
  if (last !== undefined) throw last;
}

interface Told {
  readonly rule_id: string;
  readonly effect: "created" | "changed" | "unchanged" | "deleted";
  readonly version?: number | undefined;
}

function effectOf(id: string, { created, changed }: { created: readonly string[]; changed: readonly string[] }) {
  if (created.includes(id)) return "created";
  return changed.includes(id) ? "changed" : "unchanged";
}

function tell(terminal: Terminal, told: Told): void {
  if (terminal.json) return sayJson(terminal, told);
  const { rule_id, effect, version } = told;
  const colour = { created: "green", changed: "yellow", unchanged: "dim", deleted: "red" } as const;
  const what = effect === "changed" ? `changed, version ${version}` : effect;
  say(terminal, `${rule_id}: ${painted(terminal, colour[effect], what)}`);
}

function tried(terminal: Terminal, answer: DryRunAnswer): void {
  const { rule, effect, fills, sample, entered, skipped, late, groups, data, more, cost, warnings } = answer;
  const would = { create: "would be created", change: "would be changed", none: "is there already, just so" }[effect];
  const facts = [
    `${rule.rule_id} ${would}${fills ? ", and filled from history" : ""}`,
    `of the newest ${sample.events} events ${entered} entered, ${skipped} were skipped, ${late} late; ${groups} groups`,
    ...(cost.engine_ms_per_100k_events === null
      ? []
      : [`it takes ${cost.engine_ms_per_100k_events} ms of the engine for 100,000 events`]),
  ];
  for (const fact of facts) say(terminal, fact);
  for (const { message } of warnings) say(terminal, painted(terminal, "yellow", `mind: ${message}`));
  if (data.length > 0) for (const line of ["", ...windowTable(data, terminal.columns())]) say(terminal, line);
  if (more) say(terminal, painted(terminal, "dim", "… and more"));
}
