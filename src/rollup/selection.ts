import { endOfSpan, startOfSpan } from "../rule/calendar.ts";
import type { CheckedRule, RuleWindow, Span } from "../rule/rule.ts";
import type { Binder } from "./bindings.ts";

/**
 * A row's place in the order of windows: by start, by end, by the group values. Times are milliseconds since the epoch. The
 * overflow of a rule with group keys has no group values.
 */
export interface WindowPlace {
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly group: readonly (string | null)[];
}

/** Which windows of a series to read; the store's query. Times are milliseconds since the epoch. */
export interface WindowSelection {
  readonly series: number;
  readonly rule: CheckedRule;
  /** Windows with `from ≤ window_start < to`. */
  readonly from: number;
  readonly to: number;
  /** Equality on group keys, by index into `rule.groupBy`; null means the group `null`. */
  readonly filters: readonly { readonly key: number; readonly value: string | null }[];
  readonly order: "newest" | "oldest";
  readonly limit: number;
  /** Only rows behind this one, in the asked order. */
  readonly behind?: WindowPlace;
  /** Only rows up to and with this one. */
  readonly through?: WindowPlace;
  /** Windows of this span, merged from the rule's panes, instead of the rule's own. Each pane must lie in one of them. */
  readonly step?: Span;
  /**
   * Windows that start before this have a row for each group of the whole span, also where nothing entered; without group
   * keys always one. Not for rules that choose among their groups.
   */
  readonly fillTo?: number;
  /** Of `top_k` all that is known of a window, not the first ten. */
  readonly whole?: true;
  /** Of cumulative windows only those whose last hop starts in `from ≤ … < to`. */
  readonly lastHops?: { readonly from: number; readonly to: number };
}

/** The windows that are asked for: the rule's own, or those of the step. */
export const windowsOf = ({ rule, step }: Pick<WindowSelection, "rule" | "step">): RuleWindow =>
  step === undefined ? rule.window : { kind: "tumbling", size: step, pane: rule.window.pane };

/** Without the windows that lie wholly outside of `behind` and `through`. */
export function betweenPlaces(query: WindowSelection): WindowSelection {
  const [first, last] = query.order === "newest" ? [query.through, query.behind] : [query.behind, query.through];
  const from = Math.max(query.from, first?.windowStart ?? query.from);
  return { ...query, from, to: Math.min(query.to, (last?.windowStart ?? query.to) + 1) };
}

/** The conditions on the rows of the table that the windows of a selection are made of. Group filters come on top. */
export function paneConditions(query: WindowSelection, bindings: Binder): string[] {
  return [
    `series = ${bindings.bind("series", "UInt32", query.series)}`,
    `pane >= toDateTime(${bindings.bind("pane", "UInt32", secondAt(panesBegin(query)))}, 'UTC')`,
    `pane < toDateTime(${bindings.bind("pane", "UInt32", secondAt(panesEnd(query)))}, 'UTC')`,
  ];
}

export const filterConditions = ({ filters }: WindowSelection, bindings: Binder): string[] =>
  filters.map(({ key, value }) => {
    const place = `grp[${bindings.bind("key", "UInt8", key + 1)}]`;
    return value === null
      ? `(isNull(${place}) AND notEmpty(grp))`
      : `${place} = ${bindings.bind("value", "String", value)}`;
  });

/** The first whole second at or behind `ms`, inside what a DateTime holds. */
export const secondAt = (ms: number): number => Math.min(Math.max(Math.ceil(ms / 1000), 0), secondMax);

const secondMax = 0xffff_ffff;

/** The first hours of 1970 are in the calendar's window that begins behind them. */
function panesBegin(query: WindowSelection): number {
  const { size, pane } = windowsOf(query);
  return size.unit !== "second" && pane !== size && query.from < 2 * 86_400_000 ? 0 : query.from;
}

/** Where the last window ends that starts before `to`. */
function panesEnd(query: WindowSelection): number {
  const { kind, size, hop, pane } = windowsOf(query);
  const to = Math.min(Math.ceil(query.to), secondMax * 1000);
  if (to <= 0) return 0;
  if (pane === size) return to;
  // The hops of hopping windows are counted from the epoch; cumulative windows begin at every size.
  const last = startOfSpan(kind === "hopping" && hop ? hop : size, to - 1);
  return size.unit === "second" ? last + size.count * 1000 : endOfSpan(size, last);
}
