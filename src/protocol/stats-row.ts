import { formatTime } from "../lib/rfc3339.ts";
import type { WindowValue } from "../rollup/finish.ts";
import type { CheckedRule } from "../rule/rule.ts";
import type { StatsRow } from "./stats.ts";

/** A window and group as the store has it; times in ms since the epoch. */
export interface AnsweredWindow {
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly group: readonly (string | null)[];
  readonly value: WindowValue;
}

/**
 * A window and group as an object: the group keys by their names. `finalThrough`: windows that end, and have waited for late
 * events, by then are final. `/stats` and the live feed have their rows from here, so that they are the same.
 */
export function statsRow(row: AnsweredWindow, rule: CheckedRule, finalThrough: number): StatsRow {
  const { windowEnd } = row;
  const groups = rule.spec.group_by.map((name, index) => [name, row.group[index] ?? null] as const);
  return {
    window_start: formatTime(row.windowStart),
    ...Object.fromEntries(groups),
    value: row.value,
    window_end: formatTime(windowEnd),
    final: isFinal(windowEnd, rule, finalThrough),
    ...(rule.groupBy.length > 0 && row.group.length === 0 ? { overflow: true } : {}),
  };
}

export const isFinal = (windowEnd: number, { latenessSeconds }: CheckedRule, finalThrough: number): boolean =>
  windowEnd + latenessSeconds * 1000 <= finalThrough;
