import type { CompareOperator } from "../rule/cel/expression.ts";
import { integerOf, numberOf } from "./filter-numbers.ts";
import { booleanOf, type FilterScope, isNumber, type Leaf, textOf, type Typed, typed } from "./filter-values.ts";

type Payload = Extract<Leaf, { readonly kind: "payload" }>;

const sqlOperators: Readonly<Record<CompareOperator, string>> = {
  "==": "=",
  "!=": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

/**
 * `==` and `!=`: values of different types are not equal, a missing value equals null, two objects or arrays can't be
 * compared. With `loose` a 0 may stand as NULL.
 */
export function equality(operator: "==" | "!=", a: Leaf, b: Leaf, scope: FilterScope, loose: boolean): Typed | null {
  if (a.kind === "failed" || b.kind === "failed") return null;
  if (a.kind === "null" && b.kind === "null") return constant(operator === "==");
  if (a.kind === "null" || b.kind === "null") return equalsNull(operator, a.kind === "null" ? b : a, scope);
  if (a.kind === "payload" && b.kind === "payload") return equalPayloads(operator, a, b, scope);
  if (a.kind === "payload") return equalsPayload(operator, a, b, scope, loose);
  if (b.kind === "payload") return equalsPayload(operator, b, a, scope, loose);
  if (a.kind !== "typed" || b.kind !== "typed") return null;
  if (a.type === b.type || (isNumber(a) && isNumber(b)))
    return typed("bool", `(${a.sql} ${sqlOperators[operator]} ${b.sql})`, a.sure && b.sure);
  return unless([a, b], constant(operator !== "=="));
}

/** `<`, `<=`, `>`, `>=`: an error between types. Null when the two are never of one type. */
export function order(operator: CompareOperator, a: Leaf, b: Leaf, scope: FilterScope): Typed | null {
  const sign = sqlOperators[operator];
  if (a.kind === "typed" && b.kind === "typed") {
    const alike = a.type === b.type || (isNumber(a) && isNumber(b));
    return alike ? typed("bool", `(${a.sql} ${sign} ${b.sql})`, a.sure && b.sure) : null;
  }
  const pairs = [
    numbersCompared(sign, a, b, scope),
    pair(sign, textOf(a, scope), textOf(b, scope)),
    pair(sign, booleanOf(a, scope), booleanOf(b, scope)),
  ].filter((sql) => sql !== null);
  if (pairs.length === 0) return null;
  return typed("bool", pairs.length === 1 ? pairs[0]! : `coalesce(${pairs.join(", ")})`, false);
}

const pair = (sign: string, a: Typed | null, b: Typed | null): string | null =>
  a === null || b === null ? null : `(${a.sql} ${sign} ${b.sql})`;

/**
 * By value, over 64-bit integers and doubles; NULL unless both are numbers. A double holds every integer below 2^53, and
 * rounding never changes the order to such a number; only beyond are the integers themselves compared.
 */
function numbersCompared(sign: string, a: Leaf, b: Leaf, scope: FilterScope): string | null {
  const [left, right] = [numberOf(a, scope), numberOf(b, scope)];
  const doubles = pair(sign, left, right);
  if (doubles === null || isSmall(a) || isSmall(b)) return doubles;
  return `ifNull(${integerOf(a, scope)} ${sign} ${integerOf(b, scope)}, ${doubles})`;
}

function isSmall(leaf: Leaf): boolean {
  if (!isNumber(leaf)) return false;
  return leaf.small ?? (leaf.literal !== undefined && isSmallNumber(Number(leaf.literal.value)));
}

/** Below 2^53, or beyond every 64-bit integer: a double tells it from all others. */
export const isSmallNumber = (value: number): boolean => Math.abs(value) < 2 ** 53 || Math.abs(value) > 2 ** 65;

function equalsNull(operator: "==" | "!=", leaf: Leaf, scope: FilterScope): Typed {
  if (leaf.kind === "payload")
    return typed("bool", `(${scope.raw(leaf.field)} ${operator === "==" ? "IN" : "NOT IN"} ('', 'null'))`, true);
  return unless(leaf.kind === "typed" ? [leaf] : [], constant(operator !== "=="));
}

function equalsPayload(
  operator: "==" | "!=",
  payload: Payload,
  other: Leaf,
  scope: FilterScope,
  loose: boolean,
): Typed {
  if (other.kind !== "typed") return constant(operator !== "==");
  const sign = sqlOperators[operator];
  const raw = scope.raw(payload.field);
  const json = literalJson(other);
  if (json !== undefined) return typed("bool", `(${raw} ${sign} ${scope.bind(json, "String")})`, true);
  if (other.type === "bool")
    return unless([other], typed("bool", `(${raw} ${sign} if(${other.sql}, 'true', 'false'))`, true));
  const same =
    other.type === "string" ? pair(sign, textOf(payload, scope), other) : numbersCompared(sign, payload, other, scope);
  if (same === null) return unless([other], constant(operator !== "=="));
  if (loose && operator === "==") return typed("bool", same, false);
  return unless([other], typed("bool", `ifNull(${same}, ${operator === "==" ? 0 : 1})`, true));
}

/**
 * The JSON text of a literal, where there is only one way in which the engine writes it: then the payload's text can be
 * compared, and need not be decoded. Of texts those of plain ASCII, without what JSON may escape.
 */
export function literalJson(leaf: Leaf): string | undefined {
  if (leaf.kind !== "typed" || leaf.literal === undefined) return undefined;
  const { type, value } = leaf.literal;
  if (type === "bool") return String(value);
  return type === "string" && /^[ !#-.0-[\]-~]*$/.test(value) ? `"${value}"` : undefined;
}

function equalPayloads(operator: "==" | "!=", a: Payload, b: Payload, scope: FilterScope): Typed {
  const [left, right] = [scope.raw(a.field), scope.raw(b.field)];
  const isComposite = (raw: string): string => `match(${raw}, '^[[{]')`;
  const isMissing = (raw: string): string => `(${raw} IN ('', 'null'))`;
  const both = (test: (raw: string) => string): string => `(${test(left)} AND ${test(right)})`;
  const [numbers, texts] = [numbersCompared("=", a, b, scope), pair("=", textOf(a, scope), textOf(b, scope))];
  const same = `coalesce(${numbers}, ${texts}, ${both(isMissing)} OR (${left} = ${right}))`;
  const sql = operator === "==" ? same : `not(${same})`;
  return typed("bool", `if(${both(isComposite)}, NULL, ${sql})`, false);
}

/** The answer, or an error where one of the values is one. */
export function unless(values: readonly Typed[], answer: Typed): Typed {
  const unsure = values.filter((value) => !value.sure);
  if (unsure.length === 0) return answer;
  return typed("bool", `if(${unsure.map((value) => `isNull(${value.sql})`).join(" OR ")}, NULL, ${answer.sql})`, false);
}

export const constant = (value: boolean): Typed => typed("bool", value ? "1" : "0", true);
