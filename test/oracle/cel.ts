/**
 * What a filter says of an event, by plain evaluation of its expression. Shares no code with the compiler to SQL: an error is
 * an exception here, numbers are BigInts and doubles, which JavaScript compares by their exact values.
 */
import type { FilterExpression, FilterField, FilterLiteral, TimePart } from "../../src/rule/cel/expression.ts";

/** A number of a payload as it stands in its JSON. */
export class JsonNumber {
  readonly token: string;

  constructor(token: string) {
    this.token = token;
  }
}

export type Json = null | boolean | string | JsonNumber | readonly Json[] | { readonly [key: string]: Json };

export interface FilteredEvent {
  readonly event_type: string;
  readonly user_id: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly payload: { readonly [key: string]: Json };
}

class CelError extends Error {}

/** Integers of 64 bits, signed or not. */
class Integer {
  readonly value: bigint;
  readonly unsigned: boolean;

  constructor(value: bigint, unsigned: boolean) {
    if (BigInt[unsigned ? "asUintN" : "asIntN"](64, value) !== value) throw new CelError("overflow");
    this.value = value;
    this.unsigned = unsigned;
  }
}

class Time {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

class Duration {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

type Cel =
  | null
  | boolean
  | string
  | number
  | Integer
  | Time
  | Duration
  | JsonNumber
  | readonly Json[]
  | { readonly [key: string]: Json };

/** True, false, or null for an error. */
export function evaluate(expression: FilterExpression, event: FilteredEvent): boolean | null {
  try {
    return boolean(valueOf(expression, event));
  } catch (error) {
    if (error instanceof CelError) return null;
    throw error;
  }
}

function valueOf(expression: FilterExpression, event: FilteredEvent): Cel {
  const of = (part: FilterExpression): Cel => valueOf(part, event);
  switch (expression.kind) {
    case "literal":
      return literalValue(expression);
    case "field":
      return fieldValue(expression.field, event);
    case "timestamp":
      return new Time(event.timestamp);
    case "has":
      return fieldValue(expression.field, event) !== null;
    case "not":
      return !boolean(of(expression.operand));
    case "negate": {
      const operand = of(expression.operand);
      return operand instanceof Integer && !operand.unsigned ? new Integer(-operand.value, false) : -double(operand);
    }
    case "and":
      return logic(expression.operands, event, false);
    case "or":
      return logic(expression.operands, event, true);
    case "compare":
      return compare(expression.operator, of(expression.left), of(expression.right));
    case "in":
      return isIn(of(expression.value), expression.list.map(of));
    case "arithmetic":
      return arithmetic(expression.operator, of(expression.left), of(expression.right));
    case "conditional":
      return of(boolean(of(expression.condition)) ? expression.whenTrue : expression.whenFalse);
    case "search":
      return search(expression.name, text(of(expression.text)), text(of(expression.wanted)));
    case "matches":
      return javaScriptPattern(expression.pattern).test(text(of(expression.text)));
    case "size":
      return new Integer(BigInt(size(of(expression.operand))), false);
    case "part":
      return new Integer(BigInt(partOf(expression.part, of(expression.time), expression.zone)), false);
    case "convert":
      return expression.to === "dyn" ? of(expression.operand) : convert(expression.to, of(expression.operand));
  }
}

function literalValue(literal: FilterLiteral): Cel {
  switch (literal.type) {
    case "int":
    case "uint":
      return new Integer(BigInt(literal.value), literal.type === "uint");
    case "timestamp":
      return new Time(literal.value);
    case "duration":
      return new Duration(literal.value);
    case "double":
    case "string":
    case "bool":
    case "null":
      return literal.value;
  }
}

function fieldValue(field: FilterField, event: FilteredEvent): Cel {
  if (field.kind !== "payload") return event[field.kind];
  let value: Json = event.payload;
  for (const key of field.path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return null;
    value = value[key] ?? null;
  }
  return value;
}

const isObject = (value: Cel): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** The one value that settles it wins over errors on either side. */
function logic(operands: readonly FilterExpression[], event: FilteredEvent, settles: boolean): boolean {
  const results = operands.map((operand) => evaluate(operand, event));
  if (results.includes(settles)) return settles;
  if (results.includes(null)) throw new CelError("an operand failed");
  return !settles;
}

function boolean(value: Cel): boolean {
  if (typeof value === "boolean") return value;
  throw new CelError("not a boolean");
}

function text(value: Cel): string {
  if (typeof value === "string") return value;
  throw new CelError("not a text");
}

/** The exact value of a number, as a BigInt or a double. */
function exact(value: Cel): bigint | number | undefined {
  if (typeof value === "number") return value;
  if (value instanceof Integer) return value.value;
  if (!(value instanceof JsonNumber)) return undefined;
  return /^-?\d+$/.test(value.token) ? BigInt(value.token) : Number(value.token);
}

function double(value: Cel): number {
  const number = exact(value);
  if (number === undefined) throw new CelError("not a number");
  return Number(number);
}

function compare(operator: string, a: Cel, b: Cel): boolean {
  if (operator === "==") return equal(a, b);
  if (operator === "!=") return !equal(a, b);
  const [x, y] = comparables(a, b);
  if (operator === "<") return x < y;
  if (operator === "<=") return x <= y;
  return operator === ">" ? x > y : x >= y;
}

function comparables(a: Cel, b: Cel): [bigint | number, bigint | number] {
  const [x, y] = [exact(a), exact(b)];
  if (x !== undefined && y !== undefined) return [x, y];
  if (typeof a === "string" && typeof b === "string") return [Buffer.compare(Buffer.from(a), Buffer.from(b)), 0];
  if (typeof a === "boolean" && typeof b === "boolean") return [Number(a), Number(b)];
  if (a instanceof Time && b instanceof Time) return [a.ms, b.ms];
  if (a instanceof Duration && b instanceof Duration) return [a.ms, b.ms];
  throw new CelError("not of one type");
}

function equal(a: Cel, b: Cel): boolean {
  const [x, y] = [exact(a), exact(b)];
  // oxlint-disable-next-line eqeqeq -- between a BigInt and a double, only == compares the values
  if (x !== undefined && y !== undefined) return x == y;
  if (a instanceof Time && b instanceof Time) return a.ms === b.ms;
  if (a instanceof Duration && b instanceof Duration) return a.ms === b.ms;
  if (isComposite(a) && isComposite(b)) throw new CelError("objects and arrays can't be compared");
  return a === b;
}

const isComposite = (value: Cel): boolean => Array.isArray(value) || isObject(value);

function isIn(value: Cel, items: readonly Cel[]): boolean {
  const results = items.map((item) => {
    try {
      return equal(value, item);
    } catch (error) {
      if (error instanceof CelError) return null;
      throw error;
    }
  });
  if (results.includes(true)) return true;
  if (results.includes(null)) throw new CelError("an item can't be compared");
  return false;
}

function arithmetic(operator: string, a: Cel, b: Cel): Cel {
  const time = timeArithmetic(operator, a, b);
  if (time !== undefined) return time;
  if (operator === "+" && (typeof a === "string" || typeof b === "string")) return text(a) + text(b);
  if (operator === "%") return remainder(a, b);
  if (a instanceof Integer && b instanceof Integer && a.unsigned === b.unsigned)
    return new Integer(integers(operator, a.value, b.value), a.unsigned);
  return doubles(operator, double(a), double(b));
}

function integers(operator: string, a: bigint, b: bigint): bigint {
  if ((operator === "/" || operator === "%") && b === 0n) throw new CelError("division by zero");
  const results: Readonly<Record<string, () => bigint>> = {
    "+": () => a + b,
    "-": () => a - b,
    "*": () => a * b,
    "/": () => a / b,
    "%": () => a % b,
  };
  return results[operator]!();
}

function doubles(operator: string, a: number, b: number): number {
  if (operator === "+") return a + b;
  if (operator === "-") return a - b;
  return operator === "*" ? a * b : a / b;
}

function remainder(a: Cel, b: Cel): Integer {
  const [x, y] = [a, b].map(whole);
  const unsigned = a instanceof Integer && a.unsigned && b instanceof Integer && b.unsigned;
  return new Integer(integers("%", x!, y!), unsigned);
}

/** Numbers of 1e21 and more are doubles, also to the engine. */
function whole(value: Cel): bigint {
  const number = typeof value === "number" ? undefined : exact(value);
  if (typeof number === "bigint") return number;
  if (number === undefined || !Number.isInteger(number) || Math.abs(number) >= 1e21)
    throw new CelError("not an integer");
  return BigInt(number);
}

function timeArithmetic(operator: string, a: Cel, b: Cel): Cel | undefined {
  if (operator !== "+" && operator !== "-") return undefined;
  const sign = operator === "+" ? 1 : -1;
  if (a instanceof Time && b instanceof Duration) return new Time(a.ms + sign * b.ms);
  if (a instanceof Duration && b instanceof Time && sign === 1) return new Time(a.ms + b.ms);
  if (a instanceof Time && b instanceof Time && sign === -1) return new Duration(a.ms - b.ms);
  return a instanceof Duration && b instanceof Duration ? new Duration(a.ms + sign * b.ms) : undefined;
}

function search(name: "startsWith" | "endsWith" | "contains", in_: string, wanted: string): boolean {
  return name === "contains" ? in_.includes(wanted) : in_[name](wanted);
}

function size(value: Cel): number {
  if (typeof value === "string") return [...value].length;
  if (Array.isArray(value)) return value.length;
  if (isObject(value)) return Object.keys(value).length;
  throw new CelError("has no size");
}

/** RE2's dot stops at a newline only. For patterns that mean the same in both languages otherwise. */
function javaScriptPattern(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll(/(?<!\\)\./g, "[^\\n]"), "u");
}

function convert(to: "int" | "double" | "string", value: Cel): Cel {
  if (to === "int") return toInteger(value);
  if (to === "double") return toDouble(value);
  if (typeof value === "string") return value;
  if (value instanceof Integer) return String(value.value);
  if (typeof value === "boolean") return String(value);
  if (value instanceof JsonNumber) return String(exact(value)).replace("e+", "e");
  throw new CelError("no text");
}

function toInteger(value: Cel): Integer {
  if (typeof value === "string") {
    if (!/^[+-]?\d{1,30}$/.test(value)) throw new CelError("no integer");
    return new Integer(BigInt(value.replace("+", "")), false);
  }
  if (value instanceof Time) return new Integer(BigInt(Math.floor(value.ms / 1000)), false);
  const number = exact(value);
  if (typeof number === "bigint") return new Integer(number, false);
  if (number === undefined || !Number.isFinite(number)) throw new CelError("no integer");
  return new Integer(BigInt(Math.trunc(number)), false);
}

function toDouble(value: Cel): number {
  if (typeof value !== "string") return double(value);
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value)) throw new CelError("no number");
  return Number(value);
}

function partOf(part: TimePart, value: Cel, zone: string | number): number {
  if (value instanceof Duration) {
    const units: Partial<Record<TimePart, number>> = { getHours: 3_600_000, getMinutes: 60_000, getSeconds: 1000 };
    return part === "getMilliseconds" ? value.ms % 1000 : Math.trunc(value.ms / units[part]!);
  }
  if (!(value instanceof Time)) throw new CelError("no time");
  const local = new Date(localMs(value.ms, zone));
  const newYear = Date.UTC(local.getUTCFullYear(), 0, 1);
  const parts: Readonly<Record<TimePart, number>> = {
    getFullYear: local.getUTCFullYear(),
    getMonth: local.getUTCMonth(),
    getDate: local.getUTCDate(),
    getDayOfMonth: local.getUTCDate() - 1,
    getDayOfWeek: local.getUTCDay(),
    getDayOfYear: Math.floor((local.getTime() - newYear) / 86_400_000),
    getHours: local.getUTCHours(),
    getMinutes: local.getUTCMinutes(),
    getSeconds: local.getUTCSeconds(),
    getMilliseconds: local.getUTCMilliseconds(),
  };
  return parts[part];
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The clock on the wall, as if it were UTC. */
function localMs(ms: number, zone: string | number): number {
  if (typeof zone === "number") return ms + zone * 60_000;
  const format =
    formats.get(zone) ?? new Intl.DateTimeFormat("sv", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  formats.set(zone, format);
  const second = Math.floor(ms / 1000) * 1000;
  return Date.parse(`${format.format(second).replace(" ", "T")}Z`) + (ms - second);
}
