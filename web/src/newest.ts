import type { StatsRow } from "../../client/src/wire.ts";

/** The rows of the newest windows, and how many windows there are in all. `rows` has the newest first; those that begin together are one. */
export function newestOf(
  rows: readonly StatsRow[],
  most: number,
): { readonly rows: readonly StatsRow[]; readonly windows: number } {
  let windows = 0;
  let end = rows.length;
  for (const [index, { window_start }] of rows.entries()) {
    if (window_start === rows[index - 1]?.window_start) continue;
    windows += 1;
    if (windows === most + 1) end = index;
  }
  return { rows: end === rows.length ? rows : rows.slice(0, end), windows };
}
