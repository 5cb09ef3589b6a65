import type { OracleRow, OracleRule } from "./model.ts";

type Sureness = "yes" | "maybe" | "no";

/**
 * The rows that pass `having`, and of those the `top_n` largest of each window, and the overflow of groups, which is none
 * itself. Rows come in their order. Where the last digit of a value decides, a row is a `maybe`.
 */
export function chosen(rule: OracleRule, rows: readonly OracleRow[]): readonly OracleRow[] {
  const keys = rule.group_by?.length ?? 0;
  const isGroup = ({ group }: OracleRow): boolean => group.length === keys;
  const rivals = passing(rule, rows.filter(isGroup));
  const sureness = new Map(rivals.map((rival, place) => [rival.row, amongLargest(rule.top_n, rivals, place)]));
  return rows.flatMap((row) => {
    const sure = isGroup(row) ? (sureness.get(row) ?? "no") : "yes";
    if (sure === "no") return [];
    return [sure === "maybe" ? { ...row, maybe: true as const } : row];
  });
}

/** A row that may pass `having`, and between what its value is. What is no double is smaller than all that are. */
interface Rival {
  readonly row: OracleRow;
  readonly passes: Sureness;
  readonly low: number;
  readonly high: number;
}

function passing({ having }: OracleRule, rows: readonly OracleRow[]): readonly Rival[] {
  const conditions = having === undefined ? [] : having.split("&&").map((text) => text.trim().split(" "));
  return rows.flatMap((row) => {
    const value = row.value === null ? -Infinity : Number(row.value);
    const slack = row.slack ?? 0;
    const [low, high] = [value - slack, value + slack];
    const all = conditions.map(([, operator, number]) => holds([low, high], operator!, Number(number)));
    // Nothing that is no double passes.
    if (conditions.length > 0 && !Number.isFinite(low)) all.push(Number.isFinite(value) ? "maybe" : "no");
    if (all.includes("no")) return [];
    return [{ row, passes: all.includes("maybe") ? "maybe" : "yes", low, high }];
  });
}

function amongLargest(most: number | undefined, rivals: readonly Rival[], place: number): Sureness {
  const own = rivals[place]!;
  if (most === undefined) return own.passes;
  const ahead = rivals.map((other, at) => (isOfSameWindow(other, own) ? isAhead(other, own, at < place) : "no"));
  const sure = ahead.filter((one, at) => one === "yes" && rivals[at]!.passes === "yes").length;
  if (sure >= most) return "no";
  return ahead.filter((one) => one !== "no").length < most ? own.passes : "maybe";
}

const isOfSameWindow = ({ row: a }: Rival, { row: b }: Rival): boolean =>
  a !== b && a.windowStart === b.windowStart && a.windowEnd === b.windowEnd;

/** Of equal values the first in order is ahead; of those that are no doubles any may be. */
function isAhead(other: Rival, own: Rival, isBefore: boolean): Sureness {
  if (other.low > own.high) return "yes";
  if (other.high < own.low) return "no";
  const isExact = other.low === other.high && own.low === own.high && Number.isFinite(own.low);
  if (isExact) return isBefore ? "yes" : "no";
  return "maybe";
}

function holds([low, high]: readonly [number, number], operator: string, number: number): Sureness {
  const below = high < number;
  const above = low > number;
  const isEqual = low === number && high === number;
  const all = (yes: boolean, no: boolean): Sureness => (yes ? "yes" : no ? "no" : "maybe");
  switch (operator) {
    case "==":
      return all(isEqual, below || above);
    case "!=":
      return all(below || above, isEqual);
    case "<":
      return all(below, low >= number);
    case "<=":
      return all(high <= number, above);
    case ">":
      return all(above, high <= number);
    default:
      return all(low >= number, below);
  }
}
