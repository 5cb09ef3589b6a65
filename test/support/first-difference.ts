import { isDeepStrictEqual } from "node:util";

/**
 * Where rows are not the same for the first time, in few words; undefined where they are. For what is looked at until it is so: to
 * print all rows of both, as an assertion does, takes longer than they are waited for.
 */
export function firstDifference(has: readonly unknown[] = [], answered: readonly unknown[]): string | undefined {
  const at = answered.findIndex((row, index) => !isDeepStrictEqual(row, has[index]));
  if (at < 0 && has.length === answered.length) return undefined;
  return `${has.length} rows of ${answered.length}; at ${at} ${JSON.stringify(has[at])}, not ${JSON.stringify(answered[at])}`;
}
