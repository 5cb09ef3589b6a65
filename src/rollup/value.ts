/* What a payload value is, by its JSON text as the engine gives it: '' where there is none. */

/**
 * A scalar's text, null for everything else. The first character tells the type: `{`, `[`, `n` and nothing are no scalar.
 * Where nothing is escaped, quotes stand around a string only, and nowhere else.
 */
export function textOf(raw: string): string {
  return `multiIf(substring(${raw}, 1, 1) IN ('', '{', '[', 'n'), NULL, position(${raw}, '\\\\') = 0, trimBoth(${raw}, '"'), JSONExtractString(${raw}))`;
}
