import { formatField, parseField } from "./field.ts";
import type { CheckedRule, FieldRef, RuleSpec } from "./rule.ts";
import type { RulePart, RuleReader } from "./rule-reader.ts";

type GroupsPart = RulePart<Pick<RuleSpec, "group_by">, Pick<CheckedRule, "groupBy">>;

const groupKeysMax = 8;

/** Reads `group_by`. */
export function parseGroups(reader: RuleReader): GroupsPart {
  const groupBy = readList(reader);
  return { spec: { group_by: groupBy.map(formatField) }, rule: { groupBy } };
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
