import { parseFilter } from "./cel/cel.ts";
import type { FilterProblem } from "./cel/expression.ts";
import type { CheckedRule, RuleSpec } from "./rule.ts";
import type { RulePart, RuleReader } from "./rule-reader.ts";

type FilterPart = RulePart<Pick<RuleSpec, "filter">, Pick<CheckedRule, "filter">>;

/**
 * Reads `filter`, a CEL expression: each of its mistakes is one of the rule, with its column. `isStored` says of a text, without
 * space around it, whether the rule has had it before.
 */
export function parseFilterKey(reader: RuleReader, isStored: (filter: string) => boolean): FilterPart {
  const text = reader.textIfAny("filter");
  const parsed = text === undefined ? undefined : parseFilter(text, isStored(text.trim()));
  if (parsed?.ok) return { spec: { filter: parsed.filter.text }, rule: { filter: parsed.filter } };
  for (const problem of parsed?.problems ?? []) reader.wrong("filter", inWords(problem));
  return { spec: {}, rule: {} };
}

/** A problem of a text in CEL as one sentence. */
export function inWords({ message, column, hint }: FilterProblem): string {
  return `at column ${column}: ${message}${hint === undefined ? "" : `; ${hint}`}`;
}
