import type { Rule } from "../../../client/src/wire.ts";

/** What the fields of the form hold, as it was typed: also what is no rule yet. */
export type Draft = Readonly<Record<FieldName, string>>;

const textFields = [
  ...["rule_id", "window_size", "window_type", "hop", "timezone", "metric", "field"],
  ...["filter", "having", "allowed_lateness", "late_policy", "retention"],
] as const;
const numberFields = ["decimals", "max_groups", "top_n"] as const;

export type FieldName =
  | ("rule_id" | "window_size" | "window_type" | "hop" | "timezone" | "metric" | "field" | "group_by")
  | ("filter" | "having" | "allowed_lateness" | "late_policy" | "retention")
  | (typeof numberFields)[number];

const fieldNames = [...textFields, "group_by", ...numberFields] as readonly FieldName[];

const blank = Object.fromEntries(fieldNames.map((name) => [name, ""])) as Record<FieldName, string>;

/** The form before anything is typed. */
export const newDraft: Draft = { ...blank, window_size: "1m", metric: "count" };

/** A rule as the form shows it. */
export function draftOf(rule: Rule): Draft {
  const draft = { ...blank };
  for (const name of [...textFields, ...numberFields] as readonly Exclude<FieldName, "group_by">[])
    draft[name] = String(rule[name] ?? "");
  return { ...draft, group_by: (rule.group_by ?? []).join(", ") };
}

/**
 * The rule that the fields say. What is empty is left out; what should be a number and is none stays as it was typed, so that
 * the server says what is wrong: the form has no rules of its own.
 */
export function ruleOf(draft: Draft, active = true): Rule {
  const texts = (textFields as readonly FieldName[])
    .map((name) => [name, draft[name].trim()] as const)
    .filter(([, text]) => text !== "");
  const numbers = numberFields
    .map((name) => [name, draft[name].trim()] as const)
    .filter(([, text]) => text !== "")
    .map(([name, text]) => [name, /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text] as const);
  const group_by = pathsOf(draft.group_by);
  return { ...Object.fromEntries([...texts, ...numbers]), group_by, active } as unknown as Rule;
}

/** The paths of a list with commas; one inside of quotes belongs to its path. */
export function pathsOf(text: string): string[] {
  return (text.match(/(?:"(?:[^"\\]|\\.)*"?|[^,"])+/g) ?? []).map((path) => path.trim()).filter((path) => path !== "");
}

/** Whether both say the same rule. */
export const isSame = (a: Draft, b: Draft): boolean => JSON.stringify(ruleOf(a)) === JSON.stringify(ruleOf(b));

/** What was typed, on what others have made of the rule meanwhile: a field that was not touched is as they have it. */
export const onTopOf = (theirs: Draft, typed: Draft, base: Draft): Draft => ({
  ...typed,
  ...Object.fromEntries(fieldNames.filter((name) => typed[name] === base[name]).map((name) => [name, theirs[name]])),
});

/** The fields in which what others have made of the rule meanwhile gives way to something else that was typed. */
export const clashesOf = (theirs: Draft, typed: Draft, base: Draft): readonly FieldName[] =>
  fieldNames.filter(
    (name) => typed[name] !== base[name] && theirs[name] !== base[name] && theirs[name] !== typed[name],
  );

/** A draft that was kept as text; undefined when it is none, or one of an earlier form. */
export function draftFrom(kept: unknown): Draft | undefined {
  if (typeof kept !== "object" || kept === null) return undefined;
  const values = Object.entries(kept).filter(([name, value]) => name in blank && typeof value === "string");
  return values.length === 0 ? undefined : { ...blank, ...Object.fromEntries(values) };
}
