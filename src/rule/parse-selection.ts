import { type Condition, formatHaving, parseHaving } from "./cel/having.ts";
import { inWords } from "./parse-filter.ts";
import { isWithoutGroups } from "./parse-groups.ts";
import type { CheckedRule, MetricName, RuleSpec } from "./rule.ts";
import type { RulePart, RuleReader } from "./rule-reader.ts";

type SelectionPart = RulePart<Pick<RuleSpec, "having" | "top_n">, Pick<CheckedRule, "having" | "topN">>;

const groupsMax = 1000;

/** Reads `having` and `top_n`: which groups of a window a rule answers for. */
export function parseSelection(reader: RuleReader, metric: MetricName | undefined): SelectionPart {
  for (const key of ["having", "top_n"]) checkNumeric(reader, key, metric);
  const having = readHaving(reader);
  const topN = readTopN(reader);
  return {
    spec: {
      ...(having.length === 0 ? {} : { having: formatHaving(having) }),
      ...(topN === undefined ? {} : { top_n: topN }),
    },
    rule: { having, ...(topN === undefined ? {} : { topN }) },
  };
}

const others: readonly MetricName[] = ["first", "last", "top_k"];

function checkNumeric(reader: RuleReader, key: string, metric: MetricName | undefined): void {
  if (reader.value(key) === undefined || metric === undefined || !others.includes(metric)) return;
  reader.wrong(key, `compares numbers, and the value of ${metric} is none; leave it out`);
}

function readHaving(reader: RuleReader): readonly Condition[] {
  const text = reader.textIfAny("having");
  if (text === undefined) return [];
  const parsed = parseHaving(text);
  if (parsed.ok) return parsed.conditions;
  reader.wrong("having", inWords(parsed.problem));
  return [];
}

function readTopN(reader: RuleReader): number | undefined {
  const count = reader.value("top_n");
  if (count === undefined) return undefined;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > groupsMax)
    return reader.wrong("top_n", `must be a whole number from 1 to ${groupsMax}`);
  if (!isWithoutGroups(reader)) return count;
  return reader.wrong("top_n", "keeps the groups with the largest values, and without group_by there is only one");
}
