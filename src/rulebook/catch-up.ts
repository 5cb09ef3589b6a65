import type { Registry, RegistryChange, RuleRecord } from "../rule/registry.ts";
import { isPending } from "./versions.ts";
import { withRebuilds } from "./rebuild.ts";

export interface CatchUpDeps {
  readonly registry: Pick<Registry, "all" | "takeSeries">;
  /** The saved records as stored, or undefined when someone else was first. */
  readonly apply: (change: RegistryChange) => Promise<readonly RuleRecord[] | undefined>;
  /** Gives pending versions of these records an activation. */
  readonly completed: (records: readonly RuleRecord[]) => Promise<unknown>;
}

/**
 * For the start: `newestSeries` is the newest that the store knows. When it was never given, the rules were lost or replaced
 * by older ones: series would be given again, and those that go on may have stood still. Then no series up to it is
 * ever given, and all windows are made anew. Answers whether it was so.
 *
 * It is over once the registry gives series behind all that the store or a record has, and nothing is pending. Several
 * processes may be at it at once. Windows are made anew under series behind all of them, and only then are these given: a start
 * that follows a death before finds them not given, as they were, and does all of it again. Last comes the activation, which
 * changes each of these records: whoever has read them, and then a series, before they were given, comes too late with
 * his own change from here on, and begins again.
 */
export async function catchUp(newestSeries: number, { registry, apply, completed }: CatchUpDeps): Promise<boolean> {
  let wereOlder = false;
  for (;;) {
    const records = await registry.all();
    const next = await registry.takeSeries(1);
    const newest = newestOf(records, newestSeries);
    const areOlder = next <= newestSeries;
    wereOlder ||= areOlder;
    if (next > newest && !records.some(isPending)) return wereOlder;
    const stored = areOlder ? await apply(madeAnew(records, newest + 1)) : records;
    if (stored === undefined) continue; // someone else was first
    const missing = newestOf(stored, newestSeries) - next;
    if (missing > 0) await registry.takeSeries(missing);
    await completed(stored);
  }
}

function madeAnew(records: readonly RuleRecord[], first: number): RegistryChange {
  let series = first;
  return { save: records.map((record) => withRebuilds(record, () => series++)), remove: [] };
}

const newestOf = (records: readonly RuleRecord[], least: number): number =>
  records.flatMap(({ versions }) => versions).reduce((most, { series }) => Math.max(most, series), least);
