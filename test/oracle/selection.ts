import type { OracleRow, OracleRule } from "./model.ts";

/**
 * The rows that pass `having`, and of those the `top_n` largest of each window, and the overflow of groups, which is none
 * itself. Rows come in their order.
 */
export function chosen(rule: OracleRule, rows: readonly OracleRow[]): readonly OracleRow[] {
  const keys = rule.group_by?.length ?? 0;
  const isGroup = ({ group }: OracleRow): boolean => group.length === keys;
  const groups = new Set(chosenGroups(rule, rows.filter(isGroup)));
  return rows.filter((row) => groups.has(row) || !isGroup(row));
}

function chosenGroups({ having, top_n }: OracleRule, rows: readonly OracleRow[]): readonly OracleRow[] {
  const conditions = having === undefined ? [] : having.split("&&").map((text) => text.trim().split(" "));
  const passing = rows.filter(({ value }) =>
    conditions.every(([, operator, number]) => holds(Number(value), operator!, Number(number))),
  );
  if (top_n === undefined) return passing;
  return passing.filter((row) => {
    const rivals = passing.filter(
      (other) => other.windowStart === row.windowStart && other.windowEnd === row.windowEnd,
    );
    const ahead = (other: OracleRow): boolean => Number(other.value) > Number(row.value) || other.value === row.value;
    const before = rivals.filter(
      (other, place) => ahead(other) && (other.value !== row.value || place < rivals.indexOf(row)),
    );
    return before.length < top_n;
  });
}

function holds(value: number, operator: string, number: number): boolean {
  if (operator === "==") return value === number;
  if (operator === "!=") return value !== number;
  if (operator === "<" || operator === "<=") return operator === "<" ? value < number : value <= number;
  return operator === ">" ? value > number : value >= number;
}
