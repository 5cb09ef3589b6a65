import { Aggregates, inputColumn, placeName } from "./aggregates.ts";
import { stateNames } from "./metrics.ts";
import type { PlanMember, PlanShape } from "./plan.ts";

export const groupType = "Array(Nullable(String))";

/** What the branches of a plan have in common. */
export interface BranchScope {
  /** Where the events are read from: a name or a subquery. */
  readonly source: string;
  /** The column with the start of the shape's pane, seconds since the epoch. */
  readonly startOf: (shape: PlanShape) => string;
  /** The condition under which an event comes late for a member. */
  readonly lateOf: (member: PlanMember) => string;
}

/** What a member's row is made of, besides the group: one list of numbers for each, bound as a parameter. */
const memberColumns = ["series", "width", "n_at", "late_at", ...stateNames.map(placeName)];

const shapesMax = 16;
// The engine tells the groupings apart by a 64-bit number, a bit for each key.
const keysMax = 60;

/**
 * Splits shapes into branches: a branch is one pass over the events. Every aggregate of a branch is computed for each of its
 * groupings, so shapes that keep large states are held apart from those that don't.
 */
export function splitIntoBranches(shapes: readonly PlanShape[]): readonly (readonly PlanShape[])[] {
  const branches = new Map<string, PlanShape[][]>();
  for (const shape of shapes) {
    const key = largeStates(shape);
    const alike = branches.get(key) ?? [[]];
    branches.set(key, alike);
    const last = alike.at(-1)!;
    const keys = new Set([...last, shape].flatMap(({ groupBy }) => groupBy)).size;
    if (last.length < shapesMax && keys + last.length < keysMax) last.push(shape);
    else alike.push([shape]);
  }
  return [...branches.values()].flat();
}

function largeStates(shape: PlanShape): string {
  return [...new Set(shape.members.filter((member) => member.metric === "uniq_exact").map(inputColumn))]
    .toSorted()
    .join();
}

/** The SELECT of a branch, which aggregates and then spreads each group to a row for each rule; and the numbers it needs. */
export function renderBranch(
  shapes: readonly PlanShape[],
  parameter: string,
  scope: BranchScope,
): { sql: string; members: number[][][] } {
  const aggregates = new Aggregates(scope.lateOf);
  const members = shapes.map((shape) => memberNumbers(shape, aggregates));
  const groupings = shapes.map((shape) => [scope.startOf(shape), ...shape.groupBy.map((field) => `text${field}`)]);
  const which = whichGrouping(groupings);
  const lists = `{${parameter}:Array(Array(Array(UInt32)))}[grouping_at]`;
  const sql = `SELECT series, toDateTime(intDiv(start, width) * width, 'UTC'), grp,
  counts[n_at] AS n, toUInt64(counts[1] - n) AS skipped, counts[late_at] AS late,
  ${stateNames.map((name) => aggregates.picked(name)).join(", ")}
FROM (
  SELECT ${startSum(groupings)} AS start, ${which} AS grouping_at, ${groupValues(groupings)} AS grp,
    ${aggregates.columns().join(",\n    ")}
  FROM ${scope.source}
  GROUP BY ${groupings.length === 1 ? groupings.join() : `GROUPING SETS (${groupings.map((keys) => `(${keys.join(", ")})`).join(", ")})`}
)
ARRAY JOIN ${memberColumns.map((name, index) => `${lists}[${index + 1}] AS ${name}`).join(",\n  ")}
WHERE n != 0 OR skipped != 0 OR late != 0`;
  return { sql, members };
}

/** One list for each of `memberColumns`, one number in it for each member. */
function memberNumbers(shape: PlanShape, aggregates: Aggregates): number[][] {
  const rows = shape.members.map((member) => [member.series, member.paneSeconds, ...aggregates.placesOf(member)]);
  return memberColumns.map((_, column) => rows.map((row) => row[column]!));
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
const startSum = (groupings: readonly (readonly string[])[]): string =>
  distinct(groupings.map(([start]) => start!)).join(" + ");

function groupValues(groupings: readonly (readonly string[])[]): string {
  const groups = groupings.map(([, ...texts]) => `CAST([${texts.join(", ")}], '${groupType}')`);
  const last = groups.at(-1)!;
  if (groups.every((group) => group === last)) return last;
  const rest = groups.slice(0, -1).map((group, index) => `grouping_at = ${index + 1}, ${group}`);
  return `multiIf(${[...rest, last].join(", ")})`;
}

const distinct = (texts: readonly string[]): string[] => [...new Set(texts)];
