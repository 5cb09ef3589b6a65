import type { Problem } from "../lib/errors.ts";
import { isObject } from "../lib/is-object.ts";
import { parseFilterKey } from "./parse-filter.ts";
import { parseGroups } from "./parse-groups.ts";
import { parseLateness } from "./parse-lateness.ts";
import { metricOf, parseMetric } from "./parse-metric.ts";
import { parseRetention } from "./parse-retention.ts";
import { parseSelection } from "./parse-selection.ts";
import { kindOf, parseWindow } from "./parse-window.ts";
import type { CheckedRule, RuleSpec } from "./rule.ts";
import { RuleReader, suggestion } from "./rule-reader.ts";
import { parseDuration } from "./window.ts";

export type ParsedRule =
  | { readonly ok: true; readonly rule: CheckedRule }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Whether the rule of this id has, or had, this filter. */
export type HasFilter = (ruleId: string, filter: string) => boolean;

const known: Readonly<Record<keyof RuleSpec, true>> = {
  rule_id: true,
  window_size: true,
  window_type: true,
  hop: true,
  timezone: true,
  metric: true,
  field: true,
  decimals: true,
  group_by: true,
  max_groups: true,
  filter: true,
  having: true,
  top_n: true,
  allowed_lateness: true,
  late_policy: true,
  retention: true,
  active: true,
};
const knownKeys = Object.keys(known);
/** More than any rule has: each key that is none is told with what it was meant to be, and a body has room for 100,000. */
export const ruleKeysMax = 64;

/**
 * Reads a rule's body. Closed grammar: every key, type and limit is checked, and all mistakes are named at once, each by
 * its path. `null` is the same as a missing key. The spec of the result is canonical (paths, metrics and zones in their one
 * form, what is optional and has its default left out; `group_by` and `active` always there): the spec of a spec is itself.
 *
 * `hasFilter` says which filters a rule has had already: bounds that came after it hold for what is new alone.
 */
export function parseRule(body: unknown, hasFilter: HasFilter = () => false): ParsedRule {
  if (!isObject(body)) {
    const reader = new RuleReader({});
    reader.wrongAt("", "a rule must be an object", body);
    return { ok: false, problems: reader.problems };
  }
  const reader = new RuleReader(body);
  const rule = hasTooMany(reader) ? undefined : readRule(reader, hasFilter);
  return rule === undefined ? { ok: false, problems: reader.problems } : { ok: true, rule };
}

/** Whether two rules ask for the same, whatever keys they have: `60s` is `1m`. */
export function sameSpec(a: RuleSpec, b: RuleSpec): boolean {
  return canonicalText(a) === canonicalText(b);
}

function canonicalText(spec: RuleSpec): string {
  const entries = Object.entries({ ...spec, ...durations(spec) }).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The lengths in seconds; a calendar's week or month stays what it is. */
function durations({
  window_size: size,
  hop,
  allowed_lateness: lateness,
  retention,
}: RuleSpec): Record<string, unknown> {
  const seconds = (text: string | undefined): unknown => {
    const read = text === undefined ? undefined : parseDuration(text, "1s", "3650d");
    return read?.ok ? read.value : text;
  };
  return {
    window_size: seconds(size),
    hop: seconds(hop),
    allowed_lateness: seconds(lateness),
    retention: seconds(retention),
  };
}

function readRule(reader: RuleReader, hasFilter: HasFilter): CheckedRule | undefined {
  checkKeys(reader);
  const ruleId = readRuleId(reader);
  const window = parseWindow(reader);
  const metric = parseMetric(reader);
  const groups = parseGroups(reader);
  const filter = parseFilterKey(reader, (text) => ruleId !== undefined && hasFilter(ruleId, text));
  const selection = parseSelection(reader, metricOf(reader));
  const lateness = parseLateness(reader, kindOf(reader) ?? "tumbling");
  const retention = parseRetention(reader, window?.rule.window);
  const active = readActive(reader);
  if (ruleId === undefined || window === undefined || metric === undefined || reader.problems.length > 0)
    return undefined;
  return {
    spec: {
      rule_id: ruleId,
      ...window.spec,
      ...metric.spec,
      ...groups.spec,
      ...filter.spec,
      ...selection.spec,
      ...lateness.spec,
      ...retention.spec,
      active,
    },
    ...window.rule,
    ...metric.rule,
    ...groups.rule,
    ...filter.rule,
    ...selection.rule,
    ...lateness.rule,
    ...retention.rule,
  };
}

function hasTooMany(reader: RuleReader): boolean {
  const { length: count } = reader.keys;
  if (count > ruleKeysMax) reader.wrongAt("", `has ${count} keys, which is more than a rule can have`, undefined);
  return count > ruleKeysMax;
}

function checkKeys(reader: RuleReader): void {
  for (const key of reader.keys) {
    if (knownKeys.includes(key)) continue;
    reader.wrong(key, `is not a key of a rule${suggestion(key, knownKeys)}`);
  }
}

function readRuleId(reader: RuleReader): string | undefined {
  const id = reader.text("rule_id");
  if (id === undefined) return undefined;
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(id)) return reader.wrong("rule_id", "must be 1 to 128 of letters, digits, _ . -");
  if (id === "." || id === "..") return reader.wrong("rule_id", "must not be . or .., which a URL can't carry");
  return id;
}

function readActive(reader: RuleReader): boolean {
  const active = reader.value("active") ?? true;
  if (typeof active !== "boolean") reader.wrong("active", "must be true or false");
  return active === true;
}
