import type { ArithmeticOperator, CompareOperator } from "./expression.ts";

/** What is known of a value when the rule is made. `dyn` is known per event; `unknown` has a problem already. */
export type StaticType =
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "timestamp"
  | "duration"
  | "null"
  | "dyn"
  | "unknown";

const words: Readonly<Record<StaticType, string>> = {
  bool: "a boolean",
  int: "an integer",
  uint: "an unsigned integer",
  double: "a number",
  string: "a text",
  timestamp: "a time",
  duration: "a duration",
  null: "null",
  dyn: "a payload value",
  unknown: "unknown",
};

/** The type in words, with its article. */
export const inWords = (type: StaticType): string => words[type];

export const isNumeric = (type: StaticType): boolean => type === "int" || type === "uint" || type === "double";
const isOpen = (type: StaticType): boolean => type === "dyn" || type === "unknown";
const isTime = (type: StaticType): boolean => type === "timestamp" || type === "duration";

/** Whether a value of the type may be one of the wanted type in some event. */
export function mayBe(type: StaticType, wanted: StaticType): boolean {
  return type === wanted || type === "unknown" || (type === "dyn" && !isTime(wanted));
}

/** Whether two values can be compared so that the answer is not known beforehand. */
export function comparable(operator: CompareOperator, left: StaticType, right: StaticType): boolean {
  const ordered = operator !== "==" && operator !== "!=";
  if (left === "unknown" || right === "unknown") return true;
  if (ordered && (left === "null" || right === "null")) return false;
  if (isOpen(left) || isOpen(right)) return !isTime(left) && !isTime(right);
  return left === right || (isNumeric(left) && isNumeric(right));
}

/** The type of a sum, difference, product, …; null when there is none. Numbers of different kinds become doubles. */
export function arithmeticType(operator: ArithmeticOperator, left: StaticType, right: StaticType): StaticType | null {
  if (left === "unknown" || right === "unknown") return "unknown";
  if (operator === "+" && [left, right].includes("string"))
    return mayBe(left, "string") && mayBe(right, "string") ? "string" : null;
  if (isTime(left) || isTime(right)) return timeArithmetic(operator, left, right);
  const numbers = [left, right].every((type) => isNumeric(type) || type === "dyn");
  if (!numbers) return null;
  if (operator === "%")
    return [left, right].includes("double") ? null : left === right && left === "uint" ? left : "int";
  // Two payload values are added as texts or as numbers, as they come.
  if (left === "dyn" && right === "dyn") return operator === "+" ? "dyn" : "double";
  return left === right ? left : "double";
}

function timeArithmetic(operator: ArithmeticOperator, left: StaticType, right: StaticType): StaticType | null {
  if (operator === "+" && isTime(left) && isTime(right))
    return left === "duration" ? right : right === "duration" ? left : null;
  if (operator !== "-") return null;
  if (left === "timestamp") return right === "timestamp" ? "duration" : right === "duration" ? "timestamp" : null;
  return left === "duration" && right === "duration" ? "duration" : null;
}

/** The type of `c ? a : b`; null when no value could be meant. */
export function eitherType(left: StaticType, right: StaticType): StaticType | null {
  if (left === right) return left;
  if (left === "unknown" || right === "unknown") return "unknown";
  if (isTime(left) || isTime(right)) return null;
  return [left, right].some((type) => type === "dyn" || type === "null") ? "dyn" : null;
}
