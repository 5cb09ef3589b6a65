import { windowValue } from "../../rollup/finish.ts";
import type { WindowPlace } from "../../rollup/selection.ts";
import type { CheckedRule } from "../../rule/rule.ts";
import type { WindowRow } from "../store.ts";

/** The place of a window and group as the engine answers it; times in ms since the epoch. */
export interface FoundPlace {
  readonly window_start: number;
  readonly window_end: number;
  readonly grp: (string | null)[];
}

/** A row of `renderWindows`. */
export interface FoundWindow extends FoundPlace {
  readonly value: unknown;
}

export const placeOf = (row: FoundPlace): WindowPlace => ({
  windowStart: row.window_start,
  windowEnd: row.window_end,
  group: row.grp,
});

export const windowRow = (rule: CheckedRule, row: FoundWindow): WindowRow => ({
  ...placeOf(row),
  value: windowValue(rule, row.value),
});
