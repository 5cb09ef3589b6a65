import { hasWindows, isOutdated } from "../rule/registry.ts";
import type { RuleRecord, RuleVersion } from "../rule/registry.ts";

/**
 * Versions whose windows are made anew from raw rows, under a series that was never used, while the windows that are there
 * answer. In a record such a version stands twice: with its windows, `outdated`, and behind it being filled, `rebuilds`.
 */

const seriesToRebuild = ({ versions }: RuleRecord): number =>
  versions.filter((version) => version.phase === "filling" || hasWindows(version)).length;

/** How many series making all of them anew takes, at most. */
export const seriesToRebuildAll = (records: readonly RuleRecord[]): number =>
  records.reduce((sum, record) => sum + seriesToRebuild(record), 0);

/**
 * The record with all of its windows to be made anew: those that answer do so until then, what is being filled begins from
 * nothing, and those of replaced versions and of rules that the server has stopped go. Takes series from `nextSeries`.
 */
export function withRebuilds(record: RuleRecord, nextSeries: () => number): RuleRecord {
  const versions = record.versions.flatMap((version): RuleVersion[] => {
    if (version.phase === "retired") return [withoutWindows(version)];
    if (version.phase === "filling") return [{ ...version, ...unbegun, series: nextSeries() }];
    return hasWindows(version) ? [{ ...version, outdated: true }] : [version];
  });
  return withMissing({ ...record, versions }, nextSeries) ?? { ...record, versions };
}

/**
 * The record with a version being filled for each that is outdated; undefined when none is missing: a change of the rule
 * drops them. What the store has refused to compute is not begun again until somebody has looked at the rule, which is then
 * filled from nothing: its outdated windows go.
 */
export function withMissing(record: RuleRecord, nextSeries: () => number): RuleRecord | undefined {
  if (record.versions.at(-1)?.stoppedBecause !== undefined)
    return isOutdated(record) ? withoutOutdated(record, nextSeries) : undefined;
  const rebuilt = new Set(record.versions.map((version) => (isUnderWay(version) ? version.rebuilds : undefined)));
  const isMissing = (version: RuleVersion): boolean =>
    version.outdated !== undefined && hasWindows(version) && !rebuilt.has(version.series);
  if (!record.versions.some(isMissing)) return undefined;
  const versions = record.versions.flatMap((version) =>
    isMissing(version) ? [version, rebuildOf(version, nextSeries())] : [version],
  );
  return { ...record, versions };
}

/** The newest version stays, as one that was never computed. */
function withoutOutdated(record: RuleRecord, nextSeries: () => number): RuleRecord {
  const last = record.versions.at(-1);
  const versions = record.versions.map((version): RuleVersion => {
    if (version.outdated === undefined || !hasWindows(version)) return version;
    if (version !== last) return replaced(version);
    const { outdated: _, ...rest } = version;
    return { ...rest, activation: null, series: nextSeries() };
  });
  return { ...record, versions: withoutTwins(versions) };
}

/**
 * The record without the windows of this series, which are made to take another's place and can't be, and without that one's; undefined
 * when it has no such windows.
 */
export function withoutRebuild(record: RuleRecord, series: number): RuleRecord | undefined {
  const rebuild = record.versions.find((one) => one.series === series && one.phase === "filling");
  if (rebuild?.rebuilds === undefined) return undefined;
  const versions = record.versions
    .filter((one) => one !== rebuild)
    .map((one) => (one.series === rebuild.rebuilds ? replaced(one) : one));
  return { ...record, versions: withoutTwins(versions) };
}

const replaced = (version: RuleVersion): RuleVersion => ({ ...withoutWindows(version), phase: "retired" });

/** The record with the windows of this series in their place; undefined when they are not made to take another's. */
export function withRebuilt(record: RuleRecord, series: number): RuleRecord | undefined {
  const filled = record.versions.find((one) => one.series === series && one.phase === "filling");
  const old = record.versions.find((one) => filled !== undefined && one.series === filled.rebuilds && hasWindows(one));
  if (filled === undefined || old === undefined) return undefined;
  const { rebuilds: _, ...version } = filled;
  const versions = record.versions
    .filter((one) => one !== old)
    .map((one) => (one === filled ? { ...version, phase: old.phase } : one))
    // Earlier versions of which only the reading has changed go on sharing the windows.
    .map((one) => (one.series === old.series ? { ...one, series } : one));
  return { ...record, versions };
}

/** A version stands twice only while it is made anew: without those that are retired beside another of their number. */
export function withoutTwins(versions: readonly RuleVersion[]): readonly RuleVersion[] {
  return versions.filter(
    (version, index) =>
      version.phase !== "retired" ||
      !versions.some(
        (other, at) => other.version === version.version && (other.phase !== "retired" ? at !== index : at < index),
      ),
  );
}

const unbegun = { phase: "pending", activation: null } as const;

const isUnderWay = ({ phase }: RuleVersion): boolean => phase === "pending" || phase === "filling";

function rebuildOf(old: RuleVersion, series: number): RuleVersion {
  const { outdated: _, ...version } = old;
  return { ...version, ...unbegun, series, rebuilds: old.series };
}

/** A replaced version whose windows go. */
export function withoutWindows(version: RuleVersion): RuleVersion {
  const { keptUntil: _, ...rest } = version;
  return rest;
}
