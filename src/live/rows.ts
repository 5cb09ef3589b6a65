import type { WindowRow } from "../store/store.ts";

/** What a read of at most so many rows found, and from which window on it has all rows. */
export interface FoundRows {
  readonly windows: ReadonlyMap<number, readonly WindowRow[]>;
  readonly complete: number;
}

/** Rows by window, in the order in which they came: newest first, one more than `rowsMax` where there are more. */
export function foundRows(rows: readonly WindowRow[], rowsMax: number): FoundRows {
  const windows = byWindow(rows);
  return { windows, complete: completeFrom(rows, windows.size, rowsMax) };
}

/** A single window with too many rows is cut, or there would be no end. */
function completeFrom(rows: readonly WindowRow[], windows: number, rowsMax: number): number {
  if (rows.length <= rowsMax) return -Infinity;
  const last = rows.at(-1)!.windowStart;
  return windows > 1 ? last + 1 : last;
}

/** What grows within a window is pushed as it is at its newest end. */
function byWindow(rows: readonly WindowRow[]): Map<number, WindowRow[]> {
  const windows = new Map<number, WindowRow[]>();
  for (const row of rows) {
    const window = windows.get(row.windowStart);
    if (window === undefined) windows.set(row.windowStart, [row]);
    // The newest end comes first, and has a row for every group of the window.
    else if (row.windowEnd === window[0]!.windowEnd) window.push(row);
  }
  return windows;
}
