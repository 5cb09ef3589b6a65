import { constant, equality, isSmallNumber, literalJson, unless } from "./filter-compare.ts";
import { integerOf, numberOf } from "./filter-numbers.ts";
import {
  type BoundType,
  type BoundValue,
  type FilterScope,
  isNumber,
  type Leaf,
  textOf,
  type Typed,
  typed,
} from "./filter-values.ts";

/**
 * `value in [items]`: whether it equals one of them. Items of a kind are one bound list, so that the SQL does not grow with
 * them. With `loose` a 0 may stand as NULL.
 */
export function membership(value: Leaf, items: readonly Leaf[], scope: FilterScope, loose: boolean): Typed | null {
  if (value.kind === "failed") return null;
  const lists = sorted(value, items);
  const among = (sql: string, type: BoundType, list: BoundValue & readonly unknown[], sure = false): Typed[] => {
    if (list.length === 0) return [];
    const found = `(${sql} IN ${scope.bind(list, type)})`;
    return [sure || loose ? typed("bool", found, sure) : typed("bool", `ifNull(${found}, 0)`, true)];
  };
  const sure = value.kind === "typed" && value.sure;
  const parts = [
    ...(value.kind === "payload" ? among(scope.raw(value.field), "Array(String)", lists.json, true) : []),
    ...among(textOf(value, scope)?.sql ?? "", "Array(String)", lists.texts, sure),
    ...among(positiveZero(value, scope), "Array(Float64)", lists.doubles, sure),
    // As digits, which is how integers are bound.
    ...among(`toString(${integerOf(value, scope)})`, "Array(String)", lists.integers),
    ...lists.others.flatMap((item) => equality("==", value, item, scope, loose) ?? []),
  ];
  const found =
    parts.length === 0
      ? constant(false)
      : typed(
          "bool",
          parts.length === 1 ? parts[0]!.sql : `or(${parts.map((part) => part.sql).join(", ")})`,
          parts.every((part) => part.sure),
        );
  return value.kind === "typed" && !loose ? unless([value], found) : found;
}

/** As a double, without the -0 that only arithmetic makes: the engine's sets tell it from 0. */
function positiveZero(value: Leaf, scope: FilterScope): string {
  const sql = numberOf(value, scope)?.sql ?? "";
  return value.kind === "typed" && value.type === "double" ? `plus(${sql}, 0)` : sql;
}

interface Lists {
  /** Compared with the payload's JSON text. */
  readonly json: string[];
  readonly texts: string[];
  readonly doubles: number[];
  readonly integers: string[];
  readonly others: Leaf[];
}

function sorted(value: Leaf, items: readonly Leaf[]): Lists {
  const lists: Lists = { json: [], texts: [], doubles: [], integers: [], others: [] };
  const [payload, text] = [value.kind === "payload", value.kind === "typed" && value.type === "string"];
  for (const item of items) {
    const literal = item.kind === "typed" ? item.literal : undefined;
    const json = literalJson(item);
    if (payload && json !== undefined) lists.json.push(json);
    else if (literal?.type === "string" && (payload || text)) lists.texts.push(literal.value);
    else if (literal !== undefined && isNumber(item) && (payload || isNumber(value))) sortNumber(lists, literal.value);
    else lists.others.push(item);
  }
  return lists;
}

/** A number is the value of an Int64, UInt64 or double literal. */
function sortNumber(lists: Lists, value: string | number | boolean | null): void {
  const number = Number(value);
  if (isSmallNumber(number)) lists.doubles.push(number + 0);
  else lists.integers.push(typeof value === "string" ? value : String(BigInt(number)));
}
