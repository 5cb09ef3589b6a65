import type { RuleAnswer } from "../../../client/src/wire.ts";
import { sentenceOf } from "../rule/words.ts";

/** So many are seen at a glance. */
const seenAtOnce = 5;

/** Whether there is a field to search in. As long as something is wanted there is, or nobody could take it back once other rules are gone. */
export const hasSearch = (rules: number, wanted: string): boolean => rules > seenAtOnce || wanted !== "";

/** The rules that have what is wanted in their name, or in what they compute. */
export function foundRules(rules: readonly RuleAnswer[], wanted: string): readonly RuleAnswer[] {
  const text = wanted.trim().toLowerCase();
  return rules.filter((rule) => `${rule.rule_id} ${sentenceOf(rule)}`.toLowerCase().includes(text));
}
