import type { Offset, Src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { remembered } from "../lib/remembered.ts";
import { sameSpec } from "../rule/parse.ts";
import { hasWindows, keepsWindows, type RulePhase, type RuleRecord, type RuleVersion } from "../rule/registry.ts";
import { keepsNoMore } from "../rule/retention.ts";
import type { CheckedRule, RuleSpec } from "../rule/rule.ts";
import { storesSame } from "../rule/stored.ts";
import { withRebuilt, withoutRebuild, withoutTwins, withoutWindows } from "./rebuild.ts";
import { checked, isUnderstood, unreadable } from "./understood.ts";

/** How many replaced versions a record remembers. */
const retiredMax = 100;
/** How many of them may keep their windows. */
const keptMax = 5;

/** What a change is made of, beside the record that it changes. */
export interface ChangeFacts {
  /** Never used before. */
  readonly series: number;
  readonly now: number;
  /** The version whose spec this one takes up again. */
  readonly rolledBackTo?: number | undefined;
  /** Why it is the server that pauses the rule. */
  readonly stoppedBecause?: string | undefined;
}

/** The version that a rule's spec comes from: its newest. */
export function newest(record: RuleRecord): RuleVersion {
  const version = record.versions.at(-1);
  if (version === undefined) throw new WeirError("internal", `rule ${record.rule_id} has no version`);
  return version;
}

/**
 * The version whose windows answer: the newest that is live, or paused with windows; else the newest. Only who asks for
 * the rule of one that can't be read gets an error.
 */
export function answering(record: RuleRecord): { readonly version: RuleVersion; readonly rule: CheckedRule } {
  const answers = (version: RuleVersion): boolean => hasWindows(version) && isUnderstood(version.spec);
  const version = record.versions.findLast(answers) ?? newest(record);
  return {
    version,
    get rule() {
      return checked(version.spec);
    },
  };
}

/** A version of which windows can be read, and how they stand. */
export interface ReadableVersion {
  readonly version: RuleVersion;
  readonly rule: CheckedRule;
  /** By whose retention its windows go: the version that has taken them over last. */
  readonly keeper: CheckedRule;
}

/** A version of which windows can be read at `now`, by its number: one that answers, is filled, or is kept. */
export function readable(record: RuleRecord, number: number, now: number): ReadableVersion | undefined {
  const version = record.versions.find((one) => one.version === number);
  if (version === undefined || !readableVersions(record, now).includes(version)) return undefined;
  // Where a later version has taken the series over, it goes on or stands still as that one does.
  const keeper = record.versions.findLast(({ series }) => series === version.series) ?? version;
  return { version: { ...version, phase: keeper.phase }, rule: checked(version.spec), keeper: checked(keeper.spec) };
}

/** Versions whose series a later one has taken over share its windows. */
export function readableVersions({ versions }: RuleRecord, now: number): readonly RuleVersion[] {
  const stored = versions.filter((version) => version.activation !== null && keepsWindows(version, now));
  const series = new Set(stored.map((version) => version.series));
  return versions.filter((version) => series.has(version.series));
}

/** A rule version that live processing computes, from its activation on. */
export interface ComputedVersion {
  readonly rule_id: string;
  readonly series: number;
  readonly rule: CheckedRule;
  readonly activation: Readonly<Record<number, number>>;
  /** Whether what lies below the activation is not all there yet. */
  readonly filling: boolean;
  /** Filled to take the place of windows that answer meanwhile. */
  readonly rebuilding: boolean;
}

/**
 * The versions that live processing must roll up: filling or live. Pending ones must have been completed, and those that are
 * `unreadable`, which are left out, stopped. Asked for each batch, while a rule may have a hundred versions that are retired:
 * worked out once for the same list, and once for each record.
 */
export const computed = remembered((records: readonly RuleRecord[]): readonly ComputedVersion[] =>
  records.flatMap(computedOf),
);

const computedOf = remembered(({ rule_id: id, versions }: RuleRecord): readonly ComputedVersion[] =>
  versions.flatMap((version) => computedVersion(id, version)),
);

/** Whether `computed` of these has everything as it is: none is pending, nor to be stopped. */
export const isSettled = remembered(
  (records: readonly RuleRecord[]): boolean => !records.some(isPending) && unreadable(records).length === 0,
);

function computedVersion(ruleId: string, version: RuleVersion): ComputedVersion[] {
  const { phase, activation, series } = version;
  if (activation === null || (phase !== "filling" && phase !== "live") || !isUnderstood(version.spec)) return [];
  const filling = phase === "filling";
  const rebuilding = version.rebuilds !== undefined;
  return [{ rule_id: ruleId, series, rule: checked(version.spec), activation, filling, rebuilding }];
}

/** Whether the rule asks for just this already, be it in the words of an earlier program. */
export function says(record: RuleRecord, spec: RuleSpec): boolean {
  const { spec: stored } = newest(record);
  return sameSpec(stored, spec) || (isUnderstood(stored) && sameSpec(checked(stored).spec, spec));
}

/** The record with one more version, of this spec. */
export function withSpec(record: RuleRecord | undefined, spec: RuleSpec, facts: ChangeFacts): RuleRecord {
  if (record === undefined) return { rule_id: spec.rule_id, revision: 0, versions: [firstVersion(spec, facts)] };
  const version = nextVersion(record, spec, facts);
  // The older versions keep answering until the new one can: they go on if it is active, and stand still if it is not.
  const older = record.versions.map((old) => aged(old, spec.active, version.series));
  return { ...record, versions: trimmed([...older, version]) };
}

/** Whether a version of this spec would have to be filled from history, or would answer at once. */
export function needsFill(record: RuleRecord | undefined, spec: RuleSpec, ends: ReadonlyMap<Src, Offset>): boolean {
  const next = withSpec(record, spec, { series: 0, now: 0 });
  return newest(withActivation(next, ends, 0)).phase === "filling";
}

/** The record with its pending version in force from the log's ends on. */
export function withActivation(record: RuleRecord, ends: ReadonlyMap<Src, Offset>, keptUntil: number): RuleRecord {
  const activation = Object.fromEntries(ends);
  const empty = [...ends.values()].every((end) => end === 0);
  // What is made anew takes another's place, as every fill that ends.
  const isLive = (version: RuleVersion): boolean => empty && version.rebuilds === undefined;
  const versions = record.versions.map((version) =>
    version.phase === "pending"
      ? { ...version, phase: isLive(version) ? ("live" as const) : ("filling" as const), activation }
      : version,
  );
  const last = newest(record);
  return last.phase === "pending" && isLive(last)
    ? onlyNewest({ ...record, versions }, keptUntil)
    : { ...record, versions };
}

/**
 * The record with this series complete and everything older retired; undefined when the series is not being filled. What
 * has answered until now keeps its windows up to the moment `keptUntil`.
 */
export function withFilled(record: RuleRecord, series: number, keptUntil: number): RuleRecord | undefined {
  const rebuilt = withRebuilt(record, series);
  if (rebuilt !== undefined) return rebuilt;
  const last = newest(record);
  if (last.series !== series || last.phase !== "filling") return undefined;
  return onlyNewest({ ...record, versions: [...record.versions.slice(0, -1), { ...last, phase: "live" }] }, keptUntil);
}

/**
 * The record paused, as somebody may pause it, since its version of this series can't be computed; undefined when that is
 * not computed anyway. One that is about to be replaced is left to that. An earlier version that is made anew goes, as it can't be.
 */
export function withStopped(record: RuleRecord, stopped: number, facts: ChangeFacts): RuleRecord | undefined {
  const isComputed = ({ series, phase }: RuleVersion): boolean =>
    series === stopped && (phase === "live" || phase === "filling");
  if (!record.versions.some(isComputed)) return undefined;
  const last = newest(record);
  if (isComputed(last)) return withSpec(record, { ...last.spec, active: false }, facts);
  const without = withoutRebuild(record, stopped);
  if (without !== undefined) return without;
  const versions = record.versions.map((one) => (isComputed(one) ? { ...one, phase: "paused" as const } : one));
  return { ...record, versions };
}

export const isPending = remembered((record: RuleRecord): boolean =>
  record.versions.some((version) => version.phase === "pending"),
);

function firstVersion(spec: RuleSpec, { series, now, rolledBackTo, stoppedBecause }: ChangeFacts): RuleVersion {
  const phase = spec.active ? "pending" : "paused";
  const from = rolledBackTo === undefined ? {} : { rolledBackTo };
  const why = stoppedBecause === undefined ? {} : { stoppedBecause };
  return { version: 1, spec, series, phase, activation: null, createdAt: now, ...from, ...why };
}

function nextVersion(record: RuleRecord, spec: RuleSpec, facts: ChangeFacts): RuleVersion {
  const version = { ...firstVersion(spec, facts), version: newest(record).version + 1 };
  const before = forerunner(record, spec);
  if (before === undefined) return version;
  const phase = spec.active ? before.phase : "paused";
  return { ...version, phase, series: before.series, activation: before.activation };
}

/**
 * The version whose series the next one takes over, instead of having history filled again: one for which the same is
 * stored, rightly, that keeps all that the next one keeps, and that goes on as the next one is to. What answers goes before what is
 * being filled. What a pause has left out is missing in its series, so nothing that is active takes that over.
 */
function forerunner({ versions }: RuleRecord, spec: RuleSpec): RuleVersion | undefined {
  if (!isUnderstood(spec)) return undefined;
  const next = checked(spec);
  const fits = ({ spec: text }: RuleVersion): boolean =>
    isUnderstood(text) && storesSame(checked(text), next) && keepsNoMore(next, checked(text));
  const phases: readonly RulePhase[] = spec.active ? ["live", "filling"] : ["live", "paused"];
  const candidates = phases.flatMap((phase) => versions.filter((version) => version.phase === phase));
  return candidates.find((version) => version.activation !== null && version.outdated === undefined && fits(version));
}

function aged(old: RuleVersion, active: boolean, nextSeries: number): RuleVersion {
  if (old.phase === "retired") return old;
  if (!hasWindows(old) || old.series === nextSeries) return { ...old, phase: "retired" };
  return active ? old : { ...old, phase: "paused" };
}

function onlyNewest(record: RuleRecord, keptUntil: number): RuleRecord {
  const last = newest(record);
  const versions = record.versions.map((old) => (old === last ? old : replaced(old, keptUntil)));
  return { ...record, versions: fewKept(withoutTwins(versions)) };
}

function replaced(old: RuleVersion, keptUntil: number): RuleVersion {
  return hasWindows(old) && old.outdated === undefined
    ? { ...old, phase: "retired", keptUntil }
    : { ...old, phase: "retired" };
}

function fewKept(versions: readonly RuleVersion[]): readonly RuleVersion[] {
  const kept = versions.filter((version) => version.keptUntil !== undefined);
  const dropped = new Set(kept.slice(0, Math.max(0, kept.length - keptMax)));
  return versions.map((version) => (dropped.has(version) ? withoutWindows(version) : version));
}

function trimmed(all: readonly RuleVersion[]): readonly RuleVersion[] {
  const versions = withoutTwins(all);
  const retired = versions.filter((version) => version.phase === "retired");
  const forgotten = new Set(retired.slice(0, Math.max(0, retired.length - retiredMax)));
  return versions.filter((version) => !forgotten.has(version));
}
