import { formatField, parseField } from "./field.ts";
import type { CheckedRule, FieldRef, RuleSpec } from "./rule.ts";
import type { RulePart, RuleReader } from "./rule-reader.ts";

type GroupsPart = RulePart<Pick<RuleSpec, "group_by" | "max_groups">, Pick<CheckedRule, "groupBy" | "maxGroups">>;

const groupKeysMax = 8;
const groupsMost = 1_000_000;

/** Reads `group_by` and `max_groups`. */
export function parseGroups(reader: RuleReader): GroupsPart {
  const groupBy = readList(reader);
  const maxGroups = readMax(reader);
  return {
    spec: { group_by: groupBy.map(formatField), ...(maxGroups === undefined ? {} : { max_groups: maxGroups }) },
    rule: { groupBy, ...(maxGroups === undefined ? {} : { maxGroups }) },
  };
}

/** Whether no group is asked for; a `group_by` with mistakes, which are told, does ask. */
export function isWithoutGroups(reader: RuleReader): boolean {
  const list = reader.value("group_by") ?? [];
  return Array.isArray(list) && list.length === 0;
}

function readMax(reader: RuleReader): number | undefined {
  const count = reader.value("max_groups");
  if (count === undefined) return undefined;
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > groupsMost)
    return reader.wrong("max_groups", `must be a whole number from 1 to ${groupsMost}`);
  if (!isWithoutGroups(reader)) return count;
  return reader.wrong("max_groups", "bounds how many groups there are, and without group_by there is only one");
}

function readList(reader: RuleReader): readonly FieldRef[] {
  const list = reader.value("group_by") ?? [];
  if (!Array.isArray(list)) {
    reader.wrong("group_by", "must be a list of event_type, user_id and payload paths");
    return [];
  }
  if (list.length > groupKeysMax) {
    reader.wrong("group_by", `has ${list.length} keys; a rule has at most ${groupKeysMax}`);
    return [];
  }
  const seen = new Set<string>();
  return list.flatMap((item: unknown, index) => readKey(reader, item, `group_by[${index}]`, seen));
}

function readKey(reader: RuleReader, item: unknown, path: string, seen: Set<string>): readonly FieldRef[] {
  const field = typeof item === "string" ? parseField(item) : undefined;
  if (field === undefined || !field.ok) {
    reader.wrongAt(path, field?.message ?? "must be a text such as event_type or payload.country", item);
    return [];
  }
  const text = formatField(field.value);
  if (seen.has(text)) reader.wrongAt(path, "names the same key twice", item);
  seen.add(text);
  return [field.value];
}
