import type { OracleEvent } from "./model.ts";

type Group = readonly (string | null)[];

/** An event that passes the rule's filter, with its group. */
export interface Grouped {
  readonly event: OracleEvent;
  readonly group: Group;
  /** Whether it enters the metric. */
  readonly enters: boolean;
}

/**
 * The groups that events are counted in when a rule has no more than `max_groups`, by the ranges in their order: those that
 * are in already stay, of the new ones of a range those come in that most events enter, of equal ones the first in order.
 * What has no room is in the group `[]`.
 */
export function homes(
  grouped: readonly Grouped[],
  max: number,
  ranges: readonly (readonly OracleEvent[])[],
): ReadonlyMap<OracleEvent, Group> {
  const known = new Set<string>();
  const home = new Map<OracleEvent, Group>();
  for (const range of ranges) {
    const here = grouped.filter(({ event }) => range.includes(event));
    const fresh = new Map<string, { readonly group: Group; entered: number }>();
    for (const { group, enters } of here) {
      const key = JSON.stringify(group);
      if (known.has(key)) continue;
      const one = fresh.get(key) ?? { group, entered: 0 };
      fresh.set(key, one);
      if (enters) one.entered += 1;
    }
    const entered = [...fresh].filter(([, one]) => one.entered > 0);
    const byEvents = entered.toSorted(([, a], [, b]) => b.entered - a.entered || compareGroups(a.group, b.group));
    for (const [key] of byEvents.slice(0, Math.max(0, max - known.size))) known.add(key);
    for (const { event, group } of here) home.set(event, known.has(JSON.stringify(group)) ? group : []);
  }
  return home;
}

/** By the bytes of each value, null last; the overflow behind all groups. */
export function compareGroups(a: Group, b: Group): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index] ?? null, b[index] ?? null];
    if (left === right) continue;
    if (left === null) return 1;
    if (right === null) return -1;
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  }
  return b.length - a.length;
}
