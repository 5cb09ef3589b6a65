import { commonDivisor } from "../lib/divisor.ts";
import type { Filter } from "../rule/cel/expression.ts";
import type { CheckedRule, FieldRef, MetricName, Span } from "../rule/rule.ts";

/** A rule version whose windows are to be computed. */
export interface RollupTarget {
  readonly series: number;
  readonly rule: CheckedRule;
}

/** One rule's part in a shape: the aggregate it wants. */
export interface PlanMember {
  readonly series: number;
  readonly metric: MetricName;
  /** An index into the plan's `fields`. */
  readonly field: number | null;
  /** Numbers are read as decimals with so many places. */
  readonly decimals?: number;
  /** An index into the plan's `filters`; null: every event passes. */
  readonly filter: number | null;
  /** The pane that this rule's rows are stored by. */
  readonly pane: Span;
  /** An event comes late when it is received so long after its pane's end. */
  readonly latenessSeconds: number;
  /** Whether a late event is left out. */
  readonly dropsLate: boolean;
  /** Its groups may come to the rule's bound with this range: each is looked up, and what is too many goes to the overflow. */
  readonly bounded?: true;
}

/** Rules that share group keys and have panes of like size: one grouping, by a pane that all of theirs are made of. */
export interface PlanShape {
  /** Divides the pane of every member. A member's row may so come in pieces, which the store merges by its key. */
  readonly pane: Span;
  /** Indexes into the plan's `fields`. */
  readonly groupBy: readonly number[];
  readonly members: readonly PlanMember[];
}

/** How the times of a range's events lie: within some seconds, or anyhow. */
export type Spread = "close" | "scattered";

/** What to compute over a range of raw rows for a set of rules: plain data, printable, independent of the range. */
export interface RollupPlan {
  /** Every field that any rule reads, once. */
  readonly fields: readonly FieldRef[];
  /** Every filter, once. */
  readonly filters: readonly Filter[];
  readonly shapes: readonly PlanShape[];
}

/**
 * Joins rules into a plan: rules of the same group keys (in the same order) and panes of like size become one shape, every
 * field and every filter is listed once. The order of the targets decides the order of everything in the plan, so that
 * equal targets give equal plans. Every plan of the same targets gives the same windows. `bounded` are series whose groups may be too many.
 */
export function planRollup(
  targets: readonly RollupTarget[],
  events: Spread = "scattered",
  bounded: ReadonlySet<number> = none,
): RollupPlan {
  const fields = new Listed<FieldRef>(fieldKey);
  const filters = new Listed<Filter>((filter) => filter.text);
  const shapes = new Shapes(events);
  for (const { series, rule } of targets) {
    const groupBy = rule.groupBy.map((field) => fields.indexOf(field));
    const member: PlanMember = {
      series,
      metric: rule.metric,
      field: rule.field === undefined ? null : fields.indexOf(rule.field),
      ...(rule.decimals === undefined ? {} : { decimals: rule.decimals }),
      filter: rule.filter === undefined ? null : filters.indexOf(rule.filter),
      pane: rule.window.pane,
      latenessSeconds: rule.latenessSeconds,
      dropsLate: rule.latePolicy === "drop",
      ...(bounded.has(series) ? { bounded: true as const } : {}),
    };
    for (const field of rule.filter?.fields ?? []) fields.indexOf(field);
    shapes.add(groupBy, member);
  }
  return { fields: fields.all, filters: filters.all, shapes: shapes.all };
}

const none: ReadonlySet<number> = new Set();

/** Equal exactly for fields that read the same. */
export const fieldKey = (field: FieldRef): string =>
  field.kind === "payload" ? JSON.stringify(field.path) : field.kind;

export const spanKey = (span: Span): string =>
  span.unit === "second" ? String(span.count) : `${span.unit} ${span.timezone}`;

class Shapes {
  readonly all: { pane: Span; groupBy: readonly number[]; members: PlanMember[] }[] = [];
  readonly #open = new Map<string, (typeof this.all)[number]>();
  readonly #events: Spread;

  constructor(events: Spread) {
    this.#events = events;
  }

  add(groupBy: readonly number[], member: PlanMember): void {
    const key = `${kindOfPane(member.pane, this.#events)}:${groupBy.join(",")}`;
    let shape = this.#open.get(key);
    if (shape === undefined) {
      shape = { pane: member.pane, groupBy, members: [] };
      this.#open.set(key, shape);
      this.all.push(shape);
    }
    shape.pane = commonPane(shape.pane, member.pane);
    shape.members.push(member);
  }
}

// Events that lie close together have few panes of any size, so a common one saves passes; but scattered ones have a piece
// for each common pane. There days are kept apart from minutes, so that a daily rule is not cut into seconds.
function kindOfPane(pane: Span, events: Spread): string {
  if (pane.unit !== "second") return spanKey(pane);
  if (events === "close") return "second";
  return String([60, 3600, 86_400].filter((bound) => pane.count >= bound).length);
}

function commonPane(a: Span, b: Span): Span {
  return a.unit === "second" && b.unit === "second" ? { unit: "second", count: commonDivisor(a.count, b.count) } : a;
}

/** Different things in the order in which they came. */
class Listed<T> {
  readonly all: T[] = [];
  readonly #keyOf: (item: T) => string;
  readonly #indexes = new Map<string, number>();

  constructor(keyOf: (item: T) => string) {
    this.#keyOf = keyOf;
  }

  indexOf(item: T): number {
    const key = this.#keyOf(item);
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#indexes.set(key, this.all.length);
    return this.all.push(item) - 1;
  }
}
