import { Weir, WeirError } from "../../client/src/weir.ts";
import type { RuleAnswer, VerificationAnswer } from "../../client/src/weir.ts";
import { exitCodeOf } from "../commands/commands.ts";
import { explained } from "../commands/message.ts";
import { harmless } from "../commands/table.ts";
import type { Clock } from "../lib/clock.ts";
import { patientFetch } from "./patient-fetch.ts";

export interface UpkeepDeps {
  readonly queryUrl: string;
  /** Only this rule; null: all of them. */
  readonly rule: string | null;
  readonly clock: Clock;
  readonly print: (line: string) => void;
}

const pollMs = 500;

/**
 * Compares the windows of rules with what the stored events give, and prints what differs. One that the server can't compare costs
 * no other.
 * @returns 0: all that could be compared is equal; 1: something differs; 2: there are rules, and none could be compared, or one failed.
 * @throws when no server answers
 */
export async function verifyRules(deps: UpkeepDeps): Promise<0 | 1 | 2> {
  const { rules: client } = clientOf(deps);
  const results = new Set<VerificationAnswer["result"] | "failed">();
  for (const { rule_id: id } of await rulesOf(client, deps)) {
    const answer = await unlessRefused(client.verify(id));
    const isRefused = answer instanceof Error;
    const told = isRefused ? [harmless(`${id}: not compared, ${explained(answer)}`)] : lines(answer);
    for (const line of told) deps.print(line);
    if (!isRefused) results.add(answer.result);
    // One of all that was deleted meanwhile is none of them any more.
    else if (deps.rule !== null || !isUnknown(answer)) results.add("failed");
  }
  if (results.has("different")) return 1;
  if (results.has("failed")) return 2;
  return results.has("not_comparable") && !results.has("equal") ? 2 : 0;
}

/**
 * Makes the windows of rules anew from the stored events, and prints how far it is until that is done. One that the server refuses
 * costs no other.
 * @returns 0: all were made anew; 1: some were not.
 * @throws when no server answers
 */
export async function rebuildRules(deps: UpkeepDeps): Promise<0 | 1> {
  const { rules: client } = clientOf(deps);
  const begun: string[] = [];
  const failed: string[] = [];
  for (const { rule_id: id } of await rulesOf(client, deps)) {
    const answer = await unlessRefused(client.rebuild(id));
    if (answer instanceof Error) failed.push(`${id}: not made anew, ${explained(answer)}`);
    else begun.push(id);
  }
  const rules = await untilFilled(client, begun, deps);
  const done = begun.filter((id) => {
    const why = whyNot(rules.get(id));
    if (why !== undefined) failed.push(`${id}: not made anew, ${why}`);
    return why === undefined;
  });
  for (const line of failed) deps.print(harmless(line));
  deps.print(`made anew: ${done.join(", ") || "no rule"}`);
  return failed.length > 0 ? 1 : 0;
}

const clientOf = ({ queryUrl }: UpkeepDeps): Weir => new Weir({ queryUrl, surroundings: { fetch: patientFetch } });

/** What the server has against it is an answer. @throws when no server answers */
async function unlessRefused<T>(answer: Promise<T>): Promise<T | Error> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Error) || exitCodeOf(error) === 2) throw error;
    return error;
  }
}

const isUnknown = (error: Error): boolean => error instanceof WeirError && error.code === "unknown_rule";

/** The rules as they are when none of these is being filled any more, unless it stands still. */
async function untilFilled(
  client: Weir["rules"],
  ids: readonly string[],
  { clock, print }: UpkeepDeps,
): Promise<ReadonlyMap<string, RuleAnswer>> {
  for (let told = ""; ; await clock.sleep(pollMs)) {
    const rules = await client.list();
    const left = rules.filter((rule) => ids.includes(rule.rule_id) && isGoingOn(rule));
    if (left.length === 0) return new Map(rules.map((rule) => [rule.rule_id, rule]));
    const now = left.map(({ rule_id: id, progress }) => `${id} ${Math.floor(progress * 100)} %`).join(", ");
    if (now !== told) print(`being filled: ${now}`);
    told = now;
  }
}

/** What stands still does so until somebody has mended what it stands still for. */
const isGoingOn = ({ state, waiting_for: waitingFor }: RuleAnswer): boolean =>
  state === "filling" && waitingFor === undefined;

/** A rule that is not being filled may also be gone, or one that the store refuses to compute. */
function whyNot(rule: RuleAnswer | undefined): string | undefined {
  if (rule === undefined) return "it was deleted meanwhile";
  if (rule.stopped_because !== undefined) return `the server has paused it: ${rule.stopped_because}`;
  if (rule.waiting_for !== undefined)
    return `it stands still, and its windows answer as they are: ${rule.waiting_for}. The server tries again by itself`;
  return rule.outdated ? "it was changed or paused meanwhile; the server goes on with it" : undefined;
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
      `  ${start}\t${harmless(JSON.stringify(group))}\tstored ${harmless(stored)}\texpected ${harmless(expected)}`,
  );
  const more = different > rows.length ? [`  … and ${different - rows.length} more`] : [];
  return [
    `${head}: ${different} differ by ${compared === "events" ? "their events" : "their value"}`,
    ...rows,
    ...more,
  ];
}
