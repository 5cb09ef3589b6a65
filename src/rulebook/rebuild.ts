import type { RuleRecord, RuleVersion } from "../rule/registry.ts";

/**
 * Versions whose windows are made anew from raw rows, under a series that was never used, while the windows that are there
 * answer. In a record such a version stands twice: with its windows, `outdated`, and behind it being filled, `rebuilds`.
 */

/** A paused version without an activation was never computed. */
export function hasWindows(version: RuleVersion): boolean {
  return version.phase === "live" || (version.phase === "paused" && version.activation !== null);
}

/** Whether windows that are not right answer, or stand still. */
export const isOutdated = ({ versions }: RuleRecord): boolean =>
  versions.some((version) => version.outdated !== undefined && hasWindows(version));

const seriesToRebuild = ({ versions }: RuleRecord): number =>
  versions.filter((version) => version.phase === "filling" || hasWindows(version)).length;

/** How many series making all of them anew takes, at most. */
export const seriesToRebuildAll = (records: readonly RuleRecord[]): number =>
  records.reduce((sum, record) => sum + seriesToRebuild(record), 0);

/**
 * The record with all of its windows to be made anew: those that answer do so until then, what is being filled begins from
 * nothing, and those of replaced versions go. Takes series from `nextSeries`.
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
 * drops them. What the store has refused to compute is not begun again until somebody has looked at the rule.
 */
export function withMissing(record: RuleRecord, nextSeries: () => number): RuleRecord | undefined {
  if (record.versions.at(-1)?.stoppedBecause !== undefined) return undefined;
  const rebuilt = new Set(record.versions.map((version) => (isUnderWay(version) ? version.rebuilds : undefined)));
  const isMissing = (version: RuleVersion): boolean =>
    version.outdated !== undefined && hasWindows(version) && !rebuilt.has(version.series);
  if (!record.versions.some(isMissing)) return undefined;
  const versions = record.versions.flatMap((version) =>
    isMissing(version) ? [version, rebuildOf(version, nextSeries())] : [version],
  );
  return { ...record, versions };
}

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
