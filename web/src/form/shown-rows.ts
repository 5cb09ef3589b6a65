import type { DryRunAnswer, StatsRow } from "../../../client/src/wire.ts";

/** Of the rows of a preview those that can be shown as what they are. */
export interface ShownRows {
  readonly rows: readonly StatsRow[];
  /** They are of one window that has more groups than these. */
  readonly isPart: boolean;
}

/**
 * An answer has the newest rows, and where it is cut short the oldest window may lack groups: these have not counted none, so
 * that window is left out; where it is the only one, its groups are not all there are. Without groups a window is one row.
 */
export function shownRows({ data, more, rule }: Pick<DryRunAnswer, "data" | "more" | "rule">): ShownRows {
  const oldest = data.at(-1);
  if (!more || oldest === undefined || (rule.group_by ?? []).length === 0) return { rows: data, isPart: false };
  const rows = data.filter((row) => !isSameWindow(row, oldest));
  return rows.length === 0 ? { rows: data, isPart: true } : { rows, isPart: false };
}

const isSameWindow = (a: StatsRow, b: StatsRow): boolean =>
  a.window_start === b.window_start && a.window_end === b.window_end;
