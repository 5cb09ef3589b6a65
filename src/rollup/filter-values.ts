import type { FilterField, FilterLiteral, PayloadField } from "../rule/cel/expression.ts";

/** Where a filter finds what it reads, and where its values go. */
export interface FilterScope {
  /** Binds a value and answers its place in the text, `{name:Type}`. Equal values may share a place. */
  bind(value: BoundValue, type: BoundType): string;
  /** The column with a payload value's JSON text: '' when missing, else as JSONExtractRaw gives it. */
  raw(field: PayloadField): string;
  /** The columns made of it by `payloadForms`. */
  number(field: PayloadField): string;
  integer(field: PayloadField): string;
  string(field: PayloadField): string;
  /**
   * UInt64, JSONLength of the value in the payload itself: how many items or keys it has. (The engine can't read back its own
   * text of an object with a number such as 1e20 in it.)
   */
  length(field: PayloadField): string;
  /** The String column of `event_type` or `user_id`. */
  text(field: Exclude<FilterField, PayloadField>): string;
  /** The event's time, Int64 milliseconds since the epoch. */
  readonly timestampMs: string;
}

/** Integers are bound as their digits. */
export type BoundValue = string | number | readonly string[] | readonly number[];
export type BoundType = "String" | "Array(String)" | "Int64" | "UInt64" | "Int128" | "Float64" | "Array(Float64)";

/** The typed forms of a payload value, from the column with its JSON text. Each is NULL when the value is of another type. */
export const payloadForms = {
  /** Nullable(Float64). */
  number: (raw: string): string => `toFloat64OrNull(${raw})`,
  /**
   * Nullable(Int128): the exact value of every number that is an integer and that a double might not hold. The engine's text of
   * a double has no more digits than tell it from others, and noughts behind them (1234567890123456800 of …768), so that `type`,
   * the JSONType of the value in the payload, is asked. From 9.2e19 on these digits are left: no more is compared by them.
   */
  integer: (raw: string, type: string): string =>
    `coalesce(if(length(${raw}) >= 16 AND ${type} = 'Double', accurateCastOrNull(toFloat64OrNull(${raw}), 'Int128'), NULL), toInt128OrNull(${raw}))`,
  /** Nullable(String). */
  string: (raw: string): string =>
    `multiIf(NOT startsWith(${raw}, '"'), NULL, position(${raw}, '\\\\') = 0, substring(${raw}, 2, length(${raw}) - 2), JSONExtractString(${raw}))`,
} as const;

export type SqlType = "bool" | "int" | "uint" | "double" | "string" | "timestamp" | "duration";

/** A part whose type is known, as SQL: UInt8, an integer, Float64, String, Int64 milliseconds. NULL is CEL's error. */
export interface Typed {
  readonly kind: "typed";
  readonly type: SqlType;
  readonly sql: string;
  /** It can't be NULL. */
  readonly sure: boolean;
  readonly literal?: FilterLiteral;
  /** An integer that a double holds exactly. */
  readonly small?: boolean;
}

/** A part that stands for one value at a time. A payload's type is known per event; a failed one is always an error. */
export type Leaf =
  | Typed
  | { readonly kind: "payload"; readonly field: PayloadField }
  | { readonly kind: "null" }
  | { readonly kind: "failed" };

/** One of two values of different types. What is done with it is done with both. */
interface Choice {
  readonly kind: "choice";
  readonly condition: Typed;
  readonly whenTrue: Value;
  readonly whenFalse: Value;
}

export type Value = Leaf | Choice;

export const failed: Leaf = { kind: "failed" };

export function typed(type: SqlType, sql: string, sure: boolean): Typed {
  return { kind: "typed", type, sql, sure };
}

const sqlTypes: Readonly<Record<SqlType, string>> = {
  bool: "UInt8",
  int: "Int64",
  uint: "UInt64",
  double: "Float64",
  string: "String",
  timestamp: "Int64",
  duration: "Int64",
};

/** A value that is always an error, of a type. */
export const nullOf = (type: SqlType): Typed => typed(type, `CAST(NULL, 'Nullable(${sqlTypes[type]})')`, false);

/** Does to each value that `value` may be what `make` does to one. */
export function each(value: Value, make: (leaf: Leaf) => Value): Value {
  if (value.kind !== "choice") return make(value);
  return choose(value.condition, each(value.whenTrue, make), each(value.whenFalse, make));
}

/** CEL's conditional: an error of the condition is one of the whole. */
export function choose(condition: Typed, whenTrue: Value, whenFalse: Value): Value {
  if (whenTrue.kind === "failed" && whenFalse.kind === "failed") return failed;
  if (whenTrue.kind === "typed" && (whenFalse.kind === "failed" || sameType(whenTrue, whenFalse)))
    return chooseTyped(condition, whenTrue, asTyped(whenFalse, whenTrue.type));
  if (whenFalse.kind === "typed" && whenTrue.kind === "failed")
    return chooseTyped(condition, nullOf(whenFalse.type), whenFalse);
  return { kind: "choice", condition, whenTrue, whenFalse };
}

const sameType = (a: Typed, b: Value): boolean => b.kind === "typed" && a.type === b.type;

function chooseTyped(condition: Typed, a: Typed, b: Typed): Typed {
  const [yes, no] = [branch(a), branch(b)];
  const sql = condition.sure
    ? `if(${condition.sql}, ${yes}, ${no})`
    : `multiIf(${condition.sql}, ${yes}, not(${condition.sql}), ${no}, NULL)`;
  const small = (a.small ?? false) && (b.small ?? false);
  return { ...typed(a.type, sql, condition.sure && a.sure && b.sure), small };
}

// The engine finds no type that holds both a UInt64 and an Int64.
const branch = (value: Typed): string => (value.type === "int" ? `toInt64(${value.sql})` : value.sql);

/** A leaf that is to be of a type, or an error. */
function asTyped(value: Value, type: SqlType): Typed {
  return value.kind === "typed" && value.type === type ? value : nullOf(type);
}

/** The value as a boolean; whatever is none is an error. With `loose`, a 0 may stand as NULL. */
export function asBoolean(value: Value, scope: FilterScope, loose: boolean): Typed {
  const made = each(value, (leaf) => booleanOf(leaf, scope, loose) ?? failed);
  return asTyped(made, "bool");
}

/** A leaf as a boolean; null when it never is one. */
export function booleanOf(leaf: Leaf, scope: FilterScope, loose = false): Typed | null {
  if (leaf.kind === "typed") return leaf.type === "bool" ? leaf : null;
  if (leaf.kind !== "payload") return null;
  const raw = scope.raw(leaf.field);
  if (loose) return typed("bool", `(${raw} = 'true')`, true);
  return typed("bool", `multiIf(${raw} = 'true', 1, ${raw} = 'false', 0, NULL)`, false);
}

/** A leaf as a text; null when it never is one. */
export function textOf(leaf: Leaf, scope: FilterScope): Typed | null {
  if (leaf.kind === "typed") return leaf.type === "string" ? leaf : null;
  return leaf.kind === "payload" ? typed("string", scope.string(leaf.field), false) : null;
}

export const isNumber = (leaf: Leaf): leaf is Typed & { readonly type: "int" | "uint" | "double" } =>
  leaf.kind === "typed" && (leaf.type === "int" || leaf.type === "uint" || leaf.type === "double");
