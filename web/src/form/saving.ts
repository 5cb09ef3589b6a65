import { WeirError } from "../../../client/src/weir.ts";
import type { Weir } from "../../../client/src/weir.ts";
import type { Rule, RuleAnswer } from "../../../client/src/wire.ts";
import { draftOf, isSame, ruleOf } from "./draft.ts";
import type { Draft } from "./draft.ts";

/** What the form says. */
export interface Said {
  readonly draft: Draft;
  readonly active: boolean;
  /** The same rule as the server writes it, where that is known. */
  readonly canonical?: Rule | undefined;
}

type Condition = NonNullable<Parameters<Weir["rules"]["put"]>[1]>;

/**
 * Saves what the form says. A save that took effect may be answered badly, or not at all, and is refused when it is tried again: then the
 * rule itself says whether it is saved.
 * @throws what `put` throws, when the rule is not what the form says.
 */
export async function save(
  rules: Pick<Weir["rules"], "put" | "get">,
  said: Said,
  condition: Condition,
): Promise<RuleAnswer> {
  try {
    return await rules.put(ruleOf(said.draft, said.active), condition);
  } catch (error) {
    const found = mayBeSaved(error) ? await foundOf(rules, said.draft.rule_id.trim()) : undefined;
    if (found === undefined || !isStored(found, said)) throw error;
    return found;
  }
}

/** Whether a rule is what the form says. */
export function isStored(rule: RuleAnswer, { draft, active, canonical }: Said): boolean {
  if (rule.active !== active) return false;
  const stored = draftOf(rule);
  return isSame(stored, draft) || (canonical !== undefined && isSame(stored, draftOf(canonical)));
}

const mayBeSaved = (error: unknown): boolean =>
  error instanceof WeirError && (error.canRetry || error.code === "version_conflict");

async function foundOf(rules: Pick<Weir["rules"], "get">, ruleId: string): Promise<RuleAnswer | undefined> {
  try {
    return await rules.get(ruleId);
  } catch {
    // Nobody can say it now. It is found out when it is saved again.
    return undefined;
  }
}
