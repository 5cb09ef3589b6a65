import { createHash } from "node:crypto";
import { shortened } from "../event/shortened.ts";
import { type Problem, WeirError } from "../lib/errors.ts";
import { isObject } from "../lib/is-object.ts";
import { suggest } from "../lib/suggest.ts";
import { type HasFilter, parseRule } from "../rule/parse.ts";
import type { RuleRecord } from "../rule/registry.ts";
import type { RuleSpec } from "../rule/rule.ts";
import { invalidRule } from "./change.ts";
import { checkRoom, rulesMax } from "./room.ts";
import { checked, isUnderstood, storable } from "./understood.ts";
import { newest, says } from "./versions.ts";

/** All rules, as people write them: docs/decisions/0012. */
export interface RuleDocument {
  /** Another one after every change of any rule. */
  readonly tag: string;
  /** By `rule_id`; complete and canonical, without anything that the server adds. */
  readonly rules: readonly RuleSpec[];
}

export interface DocumentOptions {
  /** The tag of the document that the caller has seen; the change is refused if it is another. */
  readonly ifMatch?: string;
  /** Rules that are not in the document go. */
  readonly deleteOthers: boolean;
  /** Tells what would change, and changes nothing. */
  readonly dryRun: boolean;
}

/** What a document does to each rule, by `rule_id`. */
export interface DocumentEffect {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  readonly deleted: readonly string[];
  /** Not in the document, and left alone. */
  readonly kept: readonly string[];
}

/** An effect, with what has to be done for it. */
export interface DocumentPlan extends DocumentEffect {
  /** The rules that get a new version. */
  readonly next: readonly { readonly current: RuleRecord | undefined; readonly spec: RuleSpec }[];
  readonly removed: readonly RuleRecord[];
  /** The rules that stay as they are. */
  readonly untouched: readonly RuleRecord[];
}

/** Reading ends with the rule that has this mistake. */
const problemsMax = 10_000;
/** So many keys are told that a document does not have. */
const keysToldMax = 64;

/** The document that these records say. `records` are by `rule_id`. */
export function documentOf(records: readonly RuleRecord[]): RuleDocument {
  return { tag: tagOf(records), rules: records.map((record) => inFormOfToday(newest(record).spec)) };
}

/** Of a rule that an earlier program stored. One that can't be read is told as it is; the document is refused with it. */
const inFormOfToday = (spec: RuleSpec): RuleSpec => (isUnderstood(spec) ? checked(spec).spec : spec);

/** When it was made tells a rule that was deleted and made again from the one before; its series is another one when windows are made anew. */
export function tagOf(records: readonly RuleRecord[]): string {
  const facts = records.map((record) => [record.rule_id, newest(record).version, newest(record).createdAt]);
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}

/** Throws `version_conflict` when the records are not those of the tag that the caller has seen. */
export function checkTag(records: readonly RuleRecord[], { ifMatch }: DocumentOptions): void {
  const tag = tagOf(records);
  if (ifMatch === undefined || ifMatch === tag) return;
  throw new WeirError("version_conflict", `the rules are those of "${tag}", not of "${ifMatch}"`, { details: { tag } });
}

/**
 * The specs of a document, by `rule_id`; a step for each rule. Throws `invalid_rule` with the mistakes of all rules, each
 * with its path in the document.
 */
export function* readDocument(
  body: unknown,
  hasFilter: HasFilter,
): Generator<undefined, readonly RuleSpec[], undefined> {
  const problems: Problem[] = [];
  const rules = rulesOf(body, problems);
  const specs: RuleSpec[] = [];
  const places = new Map<unknown, number>();
  for (const [index, rule] of rules.entries()) {
    if (problems.length >= problemsMax) break;
    const path = `rules[${index}]`;
    problems.push(...repeats(rule, places, index));
    specs.push(...ruleIn(path, rule, hasFilter, problems));
    yield;
  }
  if (problems.length > 0) throw invalidRule("the document", problems);
  return specs.toSorted(byId);
}

/**
 * What becomes of the records when they are to say these specs. Both are by `rule_id`. Throws `invalid_rule` when there would
 * be too many.
 */
export function planDocument(
  records: readonly RuleRecord[],
  specs: readonly RuleSpec[],
  { deleteOthers }: DocumentOptions,
): DocumentPlan {
  const known = new Map(records.map((record) => [record.rule_id, record]));
  const wanted = new Set(specs.map((spec) => spec.rule_id));
  const next = specs
    .map((spec) => ({ spec, current: known.get(spec.rule_id) }))
    .filter(({ spec, current }) => current === undefined || !says(current, spec));
  const touched = new Set(next.map(({ spec }) => spec.rule_id));
  const others = records.filter((record) => !wanted.has(record.rule_id));
  const same = records.filter((record) => wanted.has(record.rule_id) && !touched.has(record.rule_id));
  const total = wanted.size + (deleteOthers ? 0 : others.length);
  checkRoom("rules", records.length, total);
  return {
    created: next.filter(({ current }) => current === undefined).map(({ spec }) => spec.rule_id),
    changed: next.filter(({ current }) => current !== undefined).map(({ spec }) => spec.rule_id),
    unchanged: idsOf(same),
    deleted: deleteOthers ? idsOf(others) : [],
    kept: deleteOthers ? [] : idsOf(others),
    next,
    removed: deleteOthers ? others : [],
    untouched: deleteOthers ? same : [...same, ...others],
  };
}

const idsOf = (records: readonly RuleRecord[]): string[] => records.map((record) => record.rule_id);

/** Both the registry and a document have rules in this order. */
export const byId = (a: { readonly rule_id: string }, b: { readonly rule_id: string }): number =>
  a.rule_id < b.rule_id ? -1 : 1;

function rulesOf(body: unknown, problems: Problem[]): readonly unknown[] {
  if (!isObject(body)) {
    problems.push({ path: "", message: 'must be an object: {"rules": […]}', value: shortened(body) });
    return [];
  }
  for (const key of Object.keys(body).slice(0, keysToldMax)) {
    if (key === "rules") continue;
    problems.push({
      path: String(shortened(key)),
      message: `is not a key of the document${hintFor(key)}`,
      value: shortened(body[key]),
    });
  }
  const rules = Object.hasOwn(body, "rules") ? body.rules : undefined;
  if (!Array.isArray(rules)) {
    const message = rules === undefined ? "is required" : "must be a list of rules";
    problems.push({ path: "rules", message, ...(rules === undefined ? {} : { value: shortened(rules) }) });
    return [];
  }
  if (rules.length <= rulesMax) return rules;
  problems.push({ path: "rules", message: `has ${rules.length} rules; a document has at most ${rulesMax}` });
  return [];
}

/** `count` stands in the list of rules and how they stand, which is no document. */
function hintFor(key: string): string {
  if (key === "count") return "; GET /aggregation-rules?as=document answers one to put back";
  return suggest(key, ["rules"]) === undefined ? "" : "; did you mean rules?";
}

/** An id that an earlier rule has, whatever else is wrong with either. */
function repeats(rule: unknown, places: Map<unknown, number>, index: number): Problem[] {
  const id = isObject(rule) && Object.hasOwn(rule, "rule_id") ? rule.rule_id : undefined;
  if (typeof id !== "string") return [];
  const before = places.get(id);
  if (before === undefined) places.set(id, index);
  if (before === undefined) return [];
  return [{ path: `rules[${index}].rule_id`, message: `is the rule_id of rules[${before}] too`, value: shortened(id) }];
}

function ruleIn(path: string, rule: unknown, hasFilter: HasFilter, problems: Problem[]): RuleSpec[] {
  const parsed = parseRule(rule, hasFilter);
  if (parsed.ok) return [storable(parsed.rule)];
  for (const problem of parsed.problems)
    problems.push({ ...problem, path: problem.path === "" ? path : `${path}.${problem.path}` });
  return [];
}
