import type { CheckedRule, FieldRef, MetricName } from "../rule/rule.ts";

/** A rule version whose windows are to be computed. */
export interface RollupTarget {
  readonly series: number;
  readonly rule: CheckedRule;
}

/** One rule's part in a shape: the aggregate it wants. `field` is an index into the plan's `fields`. */
export interface PlanMember {
  readonly series: number;
  readonly metric: MetricName;
  readonly field: number | null;
  /** The pane that this rule's rows are stored by. */
  readonly paneSeconds: number;
  /** When the window ends, seconds behind its pane's start; for the late count. */
  readonly endSeconds: number;
}

/** Rules that share group keys and have panes of like size: one grouping, by a pane that all of theirs are made of. */
export interface PlanShape {
  /** Divides the pane of every member. A member's row may so come in pieces, which the store merges by its key. */
  readonly paneSeconds: number;
  /** Indexes into the plan's `fields`. */
  readonly groupBy: readonly number[];
  readonly members: readonly PlanMember[];
}

/** What to compute over a range of raw rows for a set of rules: plain data, printable, independent of the range. */
export interface RollupPlan {
  /** Every field that any rule reads, once. */
  readonly fields: readonly FieldRef[];
  readonly shapes: readonly PlanShape[];
}

/**
 * Joins rules into a plan: rules of the same group keys (in the same order) and panes of like size become one shape, every
 * field is listed once. The order of the targets decides the order of everything in the plan, so that equal targets give
 * equal plans.
 */
export function planRollup(targets: readonly RollupTarget[]): RollupPlan {
  const fields = new FieldList();
  const shapes = new Map<string, { paneSeconds: number; groupBy: readonly number[]; members: PlanMember[] }>();
  for (const { series, rule } of targets) {
    const pane = rule.windowSeconds;
    const groupBy = rule.groupBy.map((field) => fields.indexOf(field));
    const key = `${sizeClass(pane)}:${groupBy.join(",")}`;
    const shape = shapes.get(key) ?? { paneSeconds: pane, groupBy, members: [] };
    shapes.set(key, shape);
    const field = rule.field === undefined ? null : fields.indexOf(rule.field);
    shape.paneSeconds = commonDivisor(shape.paneSeconds, pane);
    shape.members.push({ series, metric: rule.metric, field, paneSeconds: pane, endSeconds: pane });
  }
  return { fields: fields.all, shapes: [...shapes.values()] };
}

// Events of a live batch lie close together, so a common pane costs them nothing; but a batch of scattered old events has
// a piece for each common pane. Days are kept apart from minutes so that a daily rule is not cut into seconds there.
function sizeClass(paneSeconds: number): number {
  return [60, 3600, 86_400].filter((bound) => paneSeconds >= bound).length;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

class FieldList {
  readonly all: FieldRef[] = [];
  readonly #indexes = new Map<string, number>();

  indexOf(field: FieldRef): number {
    const key = field.kind === "payload" ? JSON.stringify(field.path) : field.kind;
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#indexes.set(key, this.all.length);
    return this.all.push(field) - 1;
  }
}
