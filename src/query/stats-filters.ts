import type { Problem } from "../lib/errors.ts";
import { suggest } from "../lib/suggest.ts";
import { StatsParameters } from "../protocol/stats.ts";
import type { WindowQuery } from "../store/store.ts";
import type { RawParameters } from "./parameters.ts";

type Filter = WindowQuery["filters"][number];

const fixed = Object.keys(StatsParameters.properties);

/** Whether `/stats` takes a parameter of this name whatever the rule is; the others are filters. */
export const isFixed = (name: string): boolean => fixed.includes(name);

/**
 * The groups that are asked for, by key: those with a text from the parameters that are named after keys, those without a
 * value from `null_group`, whose values are names of keys, so that no text can mean them.
 */
export function filtersOf(
  raw: RawParameters,
  nullGroups: unknown,
  groupBy: readonly string[],
  problems: Problem[],
): readonly Filter[] {
  const filters = textFilters(raw, groupBy, problems);
  for (const name of Array.isArray(nullGroups) ? nullGroups.filter((one) => typeof one === "string") : []) {
    const key = groupBy.indexOf(name);
    const wrong = (message: string): unknown => problems.push({ path: "null_group", message, value: name });
    if (key === -1) wrong(unknownKey(name, groupBy));
    else if (filters.some((filter) => filter.key === key)) wrong(`asks for ${name} a second time`);
    else filters.push({ key, value: null });
  }
  return filters.toSorted((a, b) => a.key - b.key);
}

function textFilters(raw: RawParameters, groupBy: readonly string[], problems: Problem[]): Filter[] {
  const filters: Filter[] = [];
  for (const [name, value] of Object.entries(raw)) {
    if (isFixed(name)) continue;
    const key = groupBy.indexOf(name.startsWith("group.") ? name.slice("group.".length) : topLevel(name));
    if (key === -1) problems.push({ path: name, message: unknownFilter(name, groupBy), value });
    else if (typeof value !== "string") problems.push({ path: name, message: "may be given once", value });
    else if (filters.some((filter) => filter.key === key))
      problems.push({ path: name, message: "is given twice, with and without `group.`", value });
    else filters.push({ key, value });
  }
  return filters;
}

/** Only these two may stand without `group.`, so that a payload path never takes the name of a later parameter. */
function topLevel(name: string): string {
  return name === "event_type" || name === "user_id" ? name : "";
}

function unknownFilter(name: string, groupBy: readonly string[]): string {
  const keys = groupBy.map((key) => (topLevel(key) === "" ? `group.${key}` : key));
  const isFilter = name.startsWith("group.") || topLevel(name) !== "";
  if (isFilter)
    return `is not a group key of this rule; ${keys.length === 0 ? "it has none" : `it can be filtered by ${keys.join(", ")}`}`;
  const meant = groupBy.includes(name) ? `group.${name}` : suggest(name, [...fixed, ...keys]);
  return meant
    ? `is not a known parameter; did you mean ${meant}?`
    : `is not a known parameter; known are ${[...fixed, ...keys].join(", ")}`;
}

function unknownKey(name: string, groupBy: readonly string[]): string {
  const inner = name.startsWith("group.") ? name.slice("group.".length) : name;
  const meant = groupBy.includes(inner) ? inner : suggest(inner, groupBy);
  if (meant !== undefined) return `is not a group key of this rule; did you mean ${meant}?`;
  return `is not a group key of this rule; ${groupBy.length === 0 ? "it has none" : `its keys are ${groupBy.join(", ")}`}`;
}
