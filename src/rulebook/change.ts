import { shortened } from "../event/shortened.ts";
import { type Problem, WeirError } from "../lib/errors.ts";
import { formatTime } from "../lib/rfc3339.ts";
import { isObject, type JsonObject } from "../lib/is-object.ts";
import { type HasFilter, parseRule, ruleKeysMax } from "../rule/parse.ts";
import type { RuleRecord } from "../rule/registry.ts";
import type { RuleSpec } from "../rule/rule.ts";
import { storable } from "./understood.ts";
import { newest } from "./versions.ts";

/** What the next version of a rule is to say. */
export interface NextSpec {
  readonly spec: RuleSpec;
  /** The version that is taken up again. */
  readonly rolledBackTo?: number;
}

/** Which filters the versions of rules have, of the records that are found. */
export const filtersOf =
  (find: (ruleId: string) => RuleRecord | undefined): HasFilter =>
  (ruleId, filter) =>
    find(ruleId)?.versions.some(({ spec }) => spec.filter === filter) ?? false;

/** The spec that a rule's body says; throws `invalid_rule` with every mistake. */
export function specOf(body: unknown, hasFilter: HasFilter): RuleSpec {
  const parsed = parseRule(body, hasFilter);
  if (parsed.ok) return storable(parsed.rule);
  throw invalidRule("the rule", parsed.problems);
}

/**
 * What a patch makes of a rule: a JSON merge patch on its spec (`null` takes a key away), or `{"version": n}`, which takes
 * up the spec of version n again. Throws `invalid_rule`, `unknown_version`.
 */
export function patched(record: RuleRecord, patch: unknown): NextSpec {
  if (!isObject(patch)) {
    throw invalidRule("the rule", [{ path: "", message: "a change must be an object", value: shortened(patch) }]);
  }
  // Too many keys are told as those of a rule are, whatever the change was meant to be.
  if (Object.hasOwn(patch, "version") && Object.keys(patch).length <= ruleKeysMax) return rolledBack(record, patch);
  return { spec: mergedSpec(record, patch) };
}

export interface ChangeOptions {
  /** The newest version that the caller has seen; the change is refused if it is another. */
  readonly ifMatch?: number;
  /** When that was made, RFC 3339: a rule that was deleted and made again has the same numbers. */
  readonly ifMadeAt?: string;
  /** The rule is refused if there is one of its id already. */
  readonly ifNew?: true;
}

/** Throws `version_conflict` when the rule is not as the caller has seen it. */
export function checkVersion(ruleId: string, record: RuleRecord | undefined, options: ChangeOptions): void {
  const { ifMatch, ifMadeAt, ifNew } = options;
  const there = record && newest(record);
  const conflict = (what: string): WeirError =>
    new WeirError("version_conflict", `rule ${JSON.stringify(ruleId)} ${what}`, {
      details: { version: there?.version ?? null },
    });
  if (ifNew && there) throw conflict(`is there already, with version ${there.version}`);
  if (ifMatch === undefined) return;
  if (there?.version !== ifMatch)
    throw conflict(`${there ? `has version ${there.version}` : "does not exist"}, not version ${ifMatch}`);
  if (ifMadeAt !== undefined && formatTime(there.createdAt) !== ifMadeAt)
    throw conflict("was deleted, and another of its name was made");
}

/** The error for a body with mistakes; `what` is what the body should have been. */
export function invalidRule(what: string, problems: readonly Problem[]): WeirError {
  const first = problems[0];
  const where = first === undefined || first.path === "" ? "" : `${first.path} `;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return new WeirError("invalid_rule", `${what} is not valid: ${where}${first?.message ?? ""}${more}`, {
    details: problems,
  });
}

function mergedSpec(record: RuleRecord, { rule_id: id = record.rule_id, ...changes }: JsonObject): RuleSpec {
  const { spec } = newest(record);
  // A null that stands for a key that is none must be seen as well.
  const hasFilter = filtersOf(() => record);
  const parsed = parseRule({ ...spec, ...changes }, hasFilter);
  const problems = parsed.ok ? [] : [...parsed.problems];
  if (id !== spec.rule_id)
    problems.unshift({ path: "rule_id", message: "can't be changed; make a new rule", value: shortened(id) });
  if (parsed.ok && problems.length === 0) return storable(parsed.rule);
  throw invalidRule("the rule", problems);
}

function rolledBack(record: RuleRecord, patch: JsonObject): NextSpec {
  const { version: wanted, ...others } = patch;
  const problems: Problem[] = Object.entries(others).map(([key, value]) => ({
    path: String(shortened(key)),
    message: "can't stand beside version, which brings back all fields of that version",
    value: shortened(value),
  }));
  if (!Number.isSafeInteger(wanted) || Number(wanted) < 1)
    problems.push({ path: "version", message: "must be the number of a version, such as 3", value: shortened(wanted) });
  if (problems.length > 0) throw invalidRule("the rule", problems);
  const found = record.versions.find(({ version }) => version === wanted);
  if (found === undefined) throw unknownVersion(record, Number(wanted));
  const hasFilter = filtersOf(() => record);
  return { spec: specOf(found.spec, hasFilter), rolledBackTo: found.version };
}

function unknownVersion({ rule_id: id, versions }: RuleRecord, wanted: number): WeirError {
  const kept = versions.map(({ version }) => version);
  return new WeirError(
    "unknown_version",
    `rule ${JSON.stringify(id)} has no version ${wanted}; those kept are ${kept.join(", ")}`,
    { details: { versions: kept } },
  );
}
