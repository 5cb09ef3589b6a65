import { Weir } from "../../client/src/weir.ts";
import type { RuleAnswer, VerificationAnswer } from "../../client/src/weir.ts";
import type { Clock } from "../lib/clock.ts";

export interface UpkeepDeps {
  readonly queryUrl: string;
  /** Only this rule; null: all of them. */
  readonly rule: string | null;
  readonly clock: Clock;
  readonly print: (line: string) => void;
}

const pollMs = 500;

/**
 * Compares the windows of rules with what the stored events give, and prints what differs.
 * @returns 0: all that could be compared is equal; 1: something differs; 2: there are rules, and none could be compared.
 */
export async function verifyRules(deps: UpkeepDeps): Promise<0 | 1 | 2> {
  const { rules: client } = new Weir({ queryUrl: deps.queryUrl });
  const results = new Set<VerificationAnswer["result"]>();
  for (const { rule_id: id } of await rulesOf(client, deps)) {
    const answer = await client.verify(id);
    for (const line of lines(answer)) deps.print(line);
    results.add(answer.result);
  }
  if (results.has("different")) return 1;
  return results.has("not_comparable") && !results.has("equal") ? 2 : 0;
}

/** Makes the windows of rules anew from the stored events, and prints how far it is until that is done. */
export async function rebuildRules(deps: UpkeepDeps): Promise<void> {
  const { rules: client } = new Weir({ queryUrl: deps.queryUrl });
  const rules = await rulesOf(client, deps);
  for (const { rule_id: id } of rules) await client.rebuild(id);
  const ids = new Set(rules.map(({ rule_id: id }) => id));
  for (let told = ""; ; await deps.clock.sleep(pollMs)) {
    const left = (await client.list()).filter(({ rule_id: id, state }) => ids.has(id) && state === "filling");
    const now = left.map(({ rule_id: id, progress }) => `${id} ${Math.floor(progress * 100)} %`).join(", ");
    if (left.length === 0) return deps.print(`made anew: ${[...ids].join(", ") || "no rule"}`);
    if (now !== told) deps.print(`being filled: ${now}`);
    told = now;
  }
}

async function rulesOf(client: Weir["rules"], { rule }: UpkeepDeps): Promise<readonly RuleAnswer[]> {
  const rules = await client.list();
  if (rule === null) return rules;
  const found = rules.filter(({ rule_id: id }) => id === rule);
  if (found.length === 0) throw new Error(`there is no rule ${JSON.stringify(rule)}`);
  return found;
}

/** A line for the rule, and one for each difference: window, group, stored, expected. */
export function lines(answer: VerificationAnswer): string[] {
  const { rule_id: id, version, result, reason, compared, different, differences } = answer;
  const head = `${id} version ${version}`;
  if (result === "not_comparable") return [`${head}: not compared, ${reason}`];
  if (result === "equal") return [`${head}: as the stored events give it`];
  const rows = differences.map(
    ({ window_start: start, group, stored, expected }) =>
      `  ${start}\t${JSON.stringify(group)}\tstored ${stored}\texpected ${expected}`,
  );
  const more = different > rows.length ? [`  … and ${different - rows.length} more`] : [];
  return [
    `${head}: ${different} differ by ${compared === "events" ? "their events" : "their value"}`,
    ...rows,
    ...more,
  ];
}
