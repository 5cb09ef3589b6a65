import { Aggregates } from "./aggregates.ts";
import { type EventsPart, latenessesKey } from "./events.ts";
import { type StateName, stateColumns, stateOf } from "./metrics.ts";
import { lateFrom } from "./pane.ts";
import type { PlanMember, PlanShape, RollupPlan } from "./plan.ts";

export const groupType = "Array(Nullable(String))";

/** Shapes that are computed together. */
export interface Branch {
  readonly shapes: readonly PlanShape[];
  readonly aggregates: Aggregates;
}

// The engine tells the groupings apart by a 64-bit number, a bit for each key.
const keysMax = 60;
/** How many aggregates more a grouping may compute than it needs, before a pass of its own costs less. */
const surplusMax = 24;

/**
 * Splits shapes into branches: a branch is one pass over the events. Every aggregate of a branch is computed for each of its
 * groupings, so shapes are joined only as long as they ask for much the same, and those that keep large states are alone.
 */
export function splitIntoBranches(plan: RollupPlan): readonly Branch[] {
  const branches: Branch[] = [];
  const open = new Map<string, Branch>();
  for (const shape of plan.shapes) {
    const key = largeStates(shape);
    const before = open.get(key);
    const joined = branchOf(plan, [...(before?.shapes ?? []), shape]);
    if (before !== undefined && areTold(joined) && isCheap(plan, joined))
      branches.splice(branches.indexOf(before), 1, joined);
    else branches.push(before === undefined ? joined : branchOf(plan, [shape]));
    open.set(key, branches.includes(joined) ? joined : branches.at(-1)!);
  }
  return branches;
}

function branchOf(plan: RollupPlan, shapes: readonly PlanShape[]): Branch {
  const aggregates = new Aggregates(plan.fields);
  for (const shape of shapes) for (const member of shape.members) aggregates.add(member);
  return { shapes, aggregates };
}

/** Of two groupings by the same keys, in whatever order, the engine doesn't tell which one a row is of. */
function areTold({ shapes }: Branch): boolean {
  const groupings = shapes.map((shape) => `${latenessesKey(shape)}:${shape.groupBy.toSorted((a, b) => a - b).join()}`);
  return new Set(groupings).size === shapes.length;
}

function isCheap(plan: RollupPlan, { shapes, aggregates }: Branch): boolean {
  const keys = new Set(shapes.flatMap(({ groupBy }) => groupBy)).size + 2 * shapes.length;
  const needed = shapes.reduce((sum, shape) => sum + branchOf(plan, [shape]).aggregates.size, 0);
  return keys <= keysMax && aggregates.size * shapes.length - needed <= surplusMax;
}

const large: ReadonlySet<string> = new Set(["uniq_exact", "uniq", "quantile", "top_k"]);

function largeStates(shape: PlanShape): string {
  const states = shape.members.filter(({ metric }) => large.has(metric));
  return [...new Set(states.map(({ metric, field, filter }) => `${metric} ${field} ${filter}`))].toSorted().join();
}

/** What a row of a branch is made of, besides the group: the numbers of one member, then for each kind of state whether it keeps it. */
const memberNumbers = ["series", "width", "late_from", "drops"] as const;

export interface BranchScope {
  /** Where the events are read from: a name or a subquery. */
  readonly source: string;
  readonly events: Pick<EventsPart, "startOf" | "lateOf">;
  /** The kinds of state that the statement writes. */
  readonly states: readonly StateName[];
  /** Whether the statement is to fail when there are more groups than the parameter `groups_max`. */
  readonly guarded: boolean;
  /** The name of the parameter with the numbers. */
  readonly parameter: string;
}

/**
 * The SELECT of a branch, which aggregates, then spreads each group to a row for each slot, and that to one for each rule;
 * and the numbers it needs: of each grouping, slot and member.
 */
export function renderBranch(
  { shapes, aggregates }: Branch,
  scope: BranchScope,
): { sql: string; members: number[][][][] } {
  const groupings = shapes.map((shape) => ({
    start: scope.events.startOf(shape),
    late: scope.events.lateOf(shape),
    texts: shape.groupBy.map((field) => `text${field}`),
  }));
  const keys = groupings.map(({ start, late, texts }) => [start, late, ...texts]);
  const spread = ["passed", "entered", ...aggregates.states];
  const sql = `SELECT toUInt32(${number("series")}), toDateTime(intDiv(start, ${number("width")}) * ${number("width")} AS pane, 'UTC'), grp,
  ${valuesOf({ shapes, aggregates }, scope.states).join(", ")}
FROM (
  SELECT start, lateness, grp, slot, ${spread.join(", ")}
  FROM (
    SELECT ${sumOf(groupings.map(({ start }) => start))} AS start, ${sumOf(groupings.map(({ late }) => late))} AS lateness,
      ${whichGrouping(keys)}${scope.guarded ? tooMany : ""} AS grouping_at, ${groupValues(groupings.map(({ texts }) => texts))} AS grp,
      ${aggregates.columns().join(",\n      ")}
    FROM ${scope.source}
    GROUP BY ${keys.length === 1 ? keys.join() : `GROUPING SETS (${keys.map((list) => `(${list.join(", ")})`).join(", ")})`}
  )
  ARRAY JOIN {${scope.parameter}:Array(Array(Array(Array(UInt64))))}[grouping_at] AS slot, ${spread.map((name) => `${name}_list AS ${name}`).join(", ")}
  WHERE passed != 0
)
ARRAY JOIN slot AS m`;
  return { sql, members: shapes.map((shape) => bySlots(shape, aggregates)) };
}

function bySlots(shape: PlanShape, aggregates: Aggregates): number[][][] {
  const slots: number[][][] = Array.from({ length: aggregates.slots }, () => []);
  const { states } = aggregates;
  for (const member of shape.members) slots[aggregates.slotOf(member)]!.push(numbersOf(member, states));
  return slots;
}

/** Adds nothing, or fails. Rows of a grouping are counted as they come, over all threads. */
const tooMany = " + throwIf(rowNumberInAllBlocks() >= {groups_max:UInt64}, 'too many groups')";

/** The counts and states of a member. Where an event is late and to be dropped, there is nothing. */
function valuesOf({ shapes, aggregates }: Branch, states: readonly StateName[]): string[] {
  const anyDrops = shapes.some(({ members }) => members.some((member) => member.dropsLate));
  const kept = (value: string): string => (anyDrops ? `${value} * kept` : value);
  const state = (name: StateName): string => {
    const at = aggregates.states.indexOf(name);
    return at < 0 ? stateColumns[name].empty : stateColumns[name].keep(kept(`m[${memberNumbers.length + 1 + at}]`));
  };
  return [
    `entered${anyDrops ? ` * (NOT (is_late AND ${number("drops")}) AS kept)` : ""} AS n`,
    `${kept("passed")} - n AS skipped`,
    `passed * (start + lateness >= pane + ${number("late_from")} AS is_late) AS late`,
    ...states.map(state),
  ];
}

const number = (name: (typeof memberNumbers)[number]): string => `m[${memberNumbers.indexOf(name) + 1}]`;

function numbersOf(member: PlanMember, states: readonly StateName[]): number[] {
  return [
    member.series,
    // A calendar's start is the pane's own.
    member.pane.unit === "second" ? member.pane.count : 1,
    lateFrom(member),
    Number(member.dropsLate),
    ...states.map((name) => Number(stateOf(member)?.column === name)),
  ];
}

/** The place of a row's grouping in the list. GROUPING() has a bit for each key, set when the key is not in the grouping. */
function whichGrouping(groupings: readonly (readonly string[])[]): string {
  if (groupings.length === 1) return "1";
  const keys = distinct(groupings.flat());
  const masks = groupings.map((grouping) =>
    keys.reduce((mask, key) => mask * 2n + (grouping.includes(key) ? 0n : 1n), 0n),
  );
  return `indexOf([${masks.join(", ")}], GROUPING(${keys.join(", ")}))`;
}

// A key that is not in a row's grouping has its type's default there: of the starts all but one are 0.
const sumOf = (columns: readonly string[]): string => distinct(columns).join(" + ");

function groupValues(texts: readonly (readonly string[])[]): string {
  const groups = texts.map((names) => `CAST([${names.join(", ")}], '${groupType}')`);
  const last = groups.at(-1)!;
  if (groups.every((group) => group === last)) return last;
  const rest = groups.slice(0, -1).map((group, index) => `grouping_at = ${index + 1}, ${group}`);
  return `multiIf(${[...rest, last].join(", ")})`;
}

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)];
