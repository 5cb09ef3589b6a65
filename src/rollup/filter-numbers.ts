import type { ArithmeticOperator } from "../rule/cel/expression.ts";
import {
  choose,
  failed,
  type FilterScope,
  isNumber,
  type Leaf,
  textOf,
  type Typed,
  typed,
  type Value,
} from "./filter-values.ts";

/** A leaf as Float64; null when it is never a number. */
export function numberOf(leaf: Leaf, scope: FilterScope): Typed | null {
  if (leaf.kind === "payload") return typed("double", scope.number(leaf.field), false);
  if (!isNumber(leaf)) return null;
  if (leaf.type === "double") return leaf;
  const { literal } = leaf;
  if (literal?.type === "int" || literal?.type === "uint")
    return typed("double", scope.bind(Number(literal.value), "Float64"), true);
  return typed("double", `toFloat64(${leaf.sql})`, leaf.sure);
}

/** A number as Int128, NULL where it is no integer or where its double is exact; only for numbers and payload values. */
export function integerOf(leaf: Leaf, scope: FilterScope): string {
  if (leaf.kind === "payload") return scope.integer(leaf.field);
  if (leaf.kind !== "typed") return "NULL";
  const { literal } = leaf;
  if (literal?.type === "int" || literal?.type === "uint") return scope.bind(literal.value, "Int128");
  return leaf.type === "double" ? `accurateCastOrNull(${leaf.sql}, 'Int128')` : `toInt128(${leaf.sql})`;
}

const functions: Readonly<Record<ArithmeticOperator, string>> = {
  "+": "plus",
  "-": "minus",
  "*": "multiply",
  "/": "divide",
  "%": "modulo",
};
const integerFunctions: Readonly<Record<ArithmeticOperator, string>> = {
  ...functions,
  "/": "intDivOrNull",
  "%": "moduloOrNull",
};

/**
 * CEL's arithmetic. Integers stay integers, with an error where 64 bits are left or zero divides; numbers of different
 * kinds, and numbers of the payload, become doubles; `%` is for integers.
 */
export function arithmetic(operator: ArithmeticOperator, a: Leaf, b: Leaf, scope: FilterScope): Value | null {
  if (operator === "+" && a.kind === "payload" && b.kind === "payload") return payloadSum(a, b, scope);
  const time = timeArithmetic(operator, a, b);
  if (time !== null) return time;
  if (operator === "+" && (isString(a) || isString(b))) return concatenation(a, b, scope);
  if (operator === "%") return remainder(a, b, scope);
  if (isNumber(a) && isNumber(b) && a.type === b.type && a.type !== "double")
    return integers(operator, a.type, a, b, scope);
  const [left, right] = [numberOf(a, scope), numberOf(b, scope)];
  if (left === null || right === null) return null;
  return typed("double", `${functions[operator]}(${left.sql}, ${right.sql})`, left.sure && right.sure);
}

/** `-x`. */
export function negative(leaf: Leaf, scope: FilterScope): Typed | null {
  if (leaf.kind === "typed" && leaf.type === "int")
    return typed("int", `accurateCastOrNull(negate(${integerOf(leaf, scope)}), 'Int64')`, false);
  const number = numberOf(leaf, scope);
  return number === null ? null : typed("double", `negate(${number.sql})`, number.sure);
}

/** A text when the first is one, else a number. */
function payloadSum(a: Leaf & { readonly kind: "payload" }, b: Leaf, scope: FilterScope): Value {
  const isText = typed("bool", `isNotNull(${scope.string(a.field)})`, true);
  const [left, right] = [numberOf(a, scope), numberOf(b, scope)];
  const sum = typed("double", `plus(${left?.sql}, ${right?.sql})`, false);
  return choose(isText, concatenation(a, b, scope) ?? failed, sum);
}

const isString = (leaf: Leaf): boolean => leaf.kind === "typed" && leaf.type === "string";

function concatenation(a: Leaf, b: Leaf, scope: FilterScope): Typed | null {
  const [left, right] = [textOf(a, scope), textOf(b, scope)];
  return left && right && typed("string", `concat(${left.sql}, ${right.sql})`, left.sure && right.sure);
}

function integers(operator: ArithmeticOperator, type: "int" | "uint", a: Leaf, b: Leaf, scope: FilterScope): Typed {
  const result = `${integerFunctions[operator]}(${integerOf(a, scope)}, ${integerOf(b, scope)})`;
  return typed(type, `accurateCastOrNull(${result}, '${type === "int" ? "Int64" : "UInt64"}')`, false);
}

function remainder(a: Leaf, b: Leaf, scope: FilterScope): Typed | null {
  const whole = (leaf: Leaf): boolean => leaf.kind === "payload" || (isNumber(leaf) && leaf.type !== "double");
  if (!whole(a) || !whole(b)) return null;
  const unsigned = [a, b].every((leaf) => leaf.kind === "typed" && leaf.type === "uint");
  return integers("%", unsigned ? "uint" : "int", a, b, scope);
}

function timeArithmetic(operator: ArithmeticOperator, a: Leaf, b: Leaf): Typed | null {
  if (a.kind !== "typed" || b.kind !== "typed") return null;
  const times = [a, b].filter((leaf) => leaf.type === "timestamp").length;
  const durations = [a, b].filter((leaf) => leaf.type === "duration").length;
  if (times + durations < 2 || (operator !== "+" && operator !== "-")) return null;
  if (operator === "+" ? times === 2 : b.type === "timestamp" && times === 1) return null;
  // 64 bits of milliseconds hold far more than a filter's few hundred parts can add up to.
  return typed(times === 1 ? "timestamp" : "duration", `${functions[operator]}(${a.sql}, ${b.sql})`, a.sure && b.sure);
}
