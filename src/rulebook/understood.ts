import { WeirError } from "../lib/errors.ts";
import { remembered } from "../lib/remembered.ts";
import { type ParsedRule, parseRule } from "../rule/parse.ts";
import type { RuleRecord } from "../rule/registry.ts";
import type { CheckedRule, RuleSpec } from "../rule/rule.ts";

/** What a stored spec says. Read once for each spec object. */
const understood = remembered((spec: RuleSpec): ParsedRule => parseRule(spec, () => true));

export const isUnderstood = (spec: RuleSpec): boolean => understood(spec).ok;

/** The rule that a stored spec says. Throws `rule_unreadable` when it says none: a program stored it that takes other rules. */
export function checked(spec: RuleSpec): CheckedRule {
  const parsed = understood(spec);
  if (parsed.ok) return parsed.rule;
  const message = `the rule ${spec.rule_id}, as it is stored, can't be read: ${faultIn(spec)}; change what is wrong, or delete it`;
  throw new WeirError("rule_unreadable", message, { details: parsed.problems });
}

/** The spec of a rule that was sent. What can't be read back is never stored: throws `internal`. */
export function storable({ spec }: Pick<CheckedRule, "spec">): RuleSpec {
  if (isUnderstood(spec)) return spec;
  throw new WeirError("internal", `the rule ${spec.rule_id} could not be read back: ${faultIn(spec)}`);
}

/** A version that is computed, or is to be, and that can't be. */
export interface Unreadable {
  readonly rule_id: string;
  readonly series: number;
  /** For people. */
  readonly fault: string;
}

/** The versions of these records that would have to be computed, if they could be read. */
export function unreadable(records: readonly RuleRecord[]): readonly Unreadable[] {
  return records.flatMap(unreadableOf);
}

const unreadableOf = remembered(({ rule_id: ruleId, versions }: RuleRecord): readonly Unreadable[] =>
  versions
    .filter(({ phase, spec }) => (phase === "filling" || phase === "live") && !isUnderstood(spec))
    .map(({ series, spec }) => ({ rule_id: ruleId, series, fault: `it can't be read: ${faultIn(spec)}` })),
);

function faultIn(spec: RuleSpec): string {
  const parsed = understood(spec);
  return parsed.ok ? "" : parsed.problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
}
