import type { StatsRow } from "../../client/src/wire.ts";

/**
 * The rows of the newest windows that have begun by `now` and of all later ones, as a server gives them, and how many windows there are in
 * all. `rows` has the newest first; those that begin together are one.
 */
export function newestOf(
  rows: readonly StatsRow[],
  most: number,
  now: number,
): { readonly rows: readonly StatsRow[]; readonly windows: number } {
  const first = rows.filter(({ window_start }, index) => window_start !== rows[index - 1]?.window_start);
  const begun = first.findIndex(({ window_start }) => Date.parse(window_start) <= now);
  // However many lie ahead, by a device whose clock is wrong, say: the present is among what is shown.
  const over = begun === -1 ? undefined : first[begun + most];
  return { rows: over === undefined ? rows : rows.slice(0, rows.indexOf(over)), windows: first.length };
}
