import type { TimePart, Zone } from "../rule/cel/expression.ts";
import { numberOf } from "./filter-numbers.ts";
import { type FilterScope, isNumber, type Leaf, textOf, type Typed, typed } from "./filter-values.ts";

/** `size()`: characters (code points) of a text, items of an array, keys of an object. */
export function size(leaf: Leaf, scope: FilterScope): Typed | null {
  if (leaf.kind === "payload") {
    const { field } = leaf;
    const items = `if(match(${scope.raw(field)}, '^[[{]'), ${scope.length(field)}, NULL)`;
    const sql = `coalesce(lengthUTF8(${scope.string(field)}), ${items})`;
    return { ...typed("int", sql, false), small: true };
  }
  const text = textOf(leaf, scope);
  return text && { ...typed("int", `lengthUTF8(${text.sql})`, text.sure), small: true };
}

const searches = {
  startsWith: (text: string, wanted: string) => `startsWith(${text}, ${wanted})`,
  endsWith: (text: string, wanted: string) => `endsWith(${text}, ${wanted})`,
  contains: (text: string, wanted: string) => `(position(${text}, ${wanted}) > 0)`,
} as const;

/** `startsWith`, `endsWith`, `contains`. */
export function search(name: keyof typeof searches, text: Leaf, wanted: Leaf, scope: FilterScope): Typed | null {
  const [left, right] = [textOf(text, scope), textOf(wanted, scope)];
  return left && right && typed("bool", searches[name](left.sql, right.sql), left.sure && right.sure);
}

/** `matches`: RE2, anywhere in the text. In CEL a dot stops at a line's end, unlike in the engine. */
export function matches(leaf: Leaf, pattern: string, scope: FilterScope): Typed | null {
  const text = textOf(leaf, scope);
  return text && typed("bool", `match(${text.sql}, ${scope.bind(onlyByRe2(pattern), "String")})`, text.sure);
}

/**
 * The engine looks for a text that every match must hold before it asks RE2, and has been wrong about it (`é?` wants a part of
 * é in 26.7). An alternative that never matches holds no text, so that RE2 alone decides.
 */
const onlyByRe2 = (pattern: string): string => `(?-s:${pattern})|[^\\x00-\\x{10FFFF}]`;

const partsOfTimes: Readonly<Record<TimePart, (time: string) => string>> = {
  getFullYear: (time) => `toYear(${time})`,
  getMonth: (time) => `toMonth(${time}) - 1`,
  getDate: (time) => `toDayOfMonth(${time})`,
  getDayOfMonth: (time) => `toDayOfMonth(${time}) - 1`,
  getDayOfWeek: (time) => `toDayOfWeek(${time}) % 7`,
  getDayOfYear: (time) => `toDayOfYear(${time}) - 1`,
  getHours: (time) => `toHour(${time})`,
  getMinutes: (time) => `toMinute(${time})`,
  getSeconds: (time) => `toSecond(${time})`,
  getMilliseconds: (time) => `toMillisecond(${time})`,
};

const partsOfDurations: Partial<Record<TimePart, (ms: string) => string>> = {
  getHours: (ms) => `intDiv(${ms}, 3600000)`,
  getMinutes: (ms) => `intDiv(${ms}, 60000)`,
  getSeconds: (ms) => `intDiv(${ms}, 1000)`,
  getMilliseconds: (ms) => `${ms} % 1000`,
};

/** A part of a time in a zone, or of a duration. */
export function part(name: TimePart, zone: Zone, leaf: Leaf, scope: FilterScope): Typed | null {
  if (leaf.kind !== "typed") return null;
  if (leaf.type === "duration") {
    const sql = partsOfDurations[name]?.(leaf.sql);
    return sql === undefined ? null : { ...typed("int", `(${sql})`, leaf.sure), small: true };
  }
  if (leaf.type !== "timestamp") return null;
  const shifted =
    typeof zone === "number" && zone !== 0 ? `${leaf.sql} + ${scope.bind(String(zone * 60_000), "Int64")}` : leaf.sql;
  const time = `fromUnixTimestamp64Milli(${shifted}, ${scope.bind(typeof zone === "number" ? "UTC" : zone, "String")})`;
  return { ...typed("int", `(${partsOfTimes[name](time)})`, leaf.sure), small: true };
}

/** `int()`, `double()`, `string()`. A text that can't be read so is an error. */
export function convert(to: "int" | "double" | "string", leaf: Leaf, scope: FilterScope): Typed | null {
  return { int: toInteger, double: toDouble, string: toText }[to](leaf, scope);
}

function toInteger(leaf: Leaf, scope: FilterScope): Typed | null {
  if (leaf.kind === "payload") {
    const whole = (number: string): string => `accurateCastOrNull(${number}, 'Int64')`;
    const { field } = leaf;
    const numbers = [whole(scope.integer(field)), whole(`trunc(${scope.number(field)})`)];
    return typed("int", `coalesce(${[...numbers, readInteger(scope.string(field))].join(", ")})`, false);
  }
  if (leaf.kind !== "typed") return null;
  if (leaf.type === "int") return leaf;
  if (leaf.type === "string") return typed("int", readInteger(leaf.sql), false);
  if (leaf.type === "timestamp")
    return typed("int", `intDiv(${leaf.sql} - positiveModulo(${leaf.sql}, 1000), 1000)`, leaf.sure);
  if (!isNumber(leaf)) return null;
  return typed("int", `accurateCastOrNull(${leaf.type === "uint" ? leaf.sql : `trunc(${leaf.sql})`}, 'Int64')`, false);
}

function toDouble(leaf: Leaf, scope: FilterScope): Typed | null {
  if (leaf.kind === "payload")
    return typed("double", `coalesce(${scope.number(leaf.field)}, ${readDouble(scope.string(leaf.field))})`, false);
  if (leaf.kind === "typed" && leaf.type === "string") return typed("double", readDouble(leaf.sql), false);
  return numberOf(leaf, scope);
}

function toText(leaf: Leaf, scope: FilterScope): Typed | null {
  if (leaf.kind === "payload") {
    const [raw, number, text] = [scope.raw(leaf.field), scope.number(leaf.field), scope.string(leaf.field)];
    return typed("string", `if(isNotNull(${number}) OR ${raw} IN ('true', 'false'), ${raw}, ${text})`, false);
  }
  if (leaf.kind !== "typed") return null;
  if (leaf.type === "string") return leaf;
  if (leaf.type === "bool")
    return typed("string", `multiIf(${leaf.sql}, 'true', not(${leaf.sql}), 'false', NULL)`, false);
  return leaf.type === "int" || leaf.type === "uint" ? typed("string", `toString(${leaf.sql})`, leaf.sure) : null;
}

// The engine's own reading takes less or more than CEL's: no sign before a number here, a number and rubbish there.
const readInteger = (text: string): string => `if(match(${text}, '^[+-]?[0-9]{1,30}$'), toInt64OrNull(${text}), NULL)`;
const readDouble = (text: string): string =>
  `if(match(${text}, '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?$'), toFloat64OrNull(${text}), NULL)`;
