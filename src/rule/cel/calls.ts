import type { ASTNode } from "@marcbachmann/cel-js";
import { suggest } from "../../lib/suggest.ts";
import type { Checked, Checking } from "./checking.ts";
import type { FilterExpression, TimePart, Zone } from "./expression.ts";
import { readDuration, readTime, readZone } from "./literals.ts";
import { readName } from "./names.ts";
import { patternFault } from "./pattern.ts";
import { inWords, isNumeric, mayBe, type StaticType } from "./types.ts";

/** A call as it is written: `name(args)` or `receiver.name(args)`. */
export interface Call {
  readonly name: string;
  readonly receiver: ASTNode | null;
  readonly args: readonly ASTNode[];
  readonly at: number;
}

type Reader = (whole: Checking, call: Call) => Checked;

/** Reads a call of one of the functions that there are; any other is a problem. */
export function checkCall(whole: Checking, call: Call): Checked {
  return (readers.get(call.name) ?? unknownFunction)(whole, call);
}

const parts: readonly TimePart[] = [
  "getFullYear",
  "getMonth",
  "getDate",
  "getDayOfMonth",
  "getDayOfWeek",
  "getDayOfYear",
  "getHours",
  "getMinutes",
  "getSeconds",
  "getMilliseconds",
];
const partsOfDurations: readonly TimePart[] = ["getHours", "getMinutes", "getSeconds", "getMilliseconds"];
const conversions = ["int", "double", "string", "dyn"] as const;
const searches = ["startsWith", "endsWith", "contains"] as const;
const macros = new Set(["all", "exists", "exists_one", "existsOne", "map", "filter"]);

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["has", has],
  ["size", size],
  ["matches", matches],
  ["timestamp", timestamp],
  ["duration", duration],
  ...searches.map((name): [string, Reader] => [name, (whole, call) => search(whole, call, name)]),
  ...conversions.map((name): [string, Reader] => [name, (whole, call) => convert(whole, call, name)]),
  ...parts.map((name): [string, Reader] => [name, (whole, call) => timePart(whole, call, name)]),
]);

function has(whole: Checking, call: Call): Checked {
  const [node] = call.args;
  if (call.receiver !== null || call.args.length !== 1 || (node!.op !== "." && node!.op !== "[]"))
    return misuse(whole, call, "has(payload.price)");
  const name = readName(node);
  if ("message" in name) return whole.problem(name.message, name.at, name.hint);
  if ("time" in name || name.field.kind !== "payload")
    return done({ kind: "literal", type: "bool", value: true }, "bool", call);
  whole.use(name.field);
  return done({ kind: "has", field: name.field }, "bool", call);
}

function size(whole: Checking, call: Call): Checked {
  const node = soleOperand(call);
  if (node === undefined) return misuse(whole, call, "size(payload.name)");
  if (node.op === "list") {
    for (const item of node.args) whole.check(item);
    return done({ kind: "literal", type: "int", value: String(node.args.length) }, "int", call);
  }
  const operand = whole.check(node);
  whole.want(operand, "string", "size() needs");
  return done({ kind: "size", operand: operand.expression }, "int", call);
}

function search(whole: Checking, call: Call, name: (typeof searches)[number]): Checked {
  if (call.receiver === null || call.args.length !== 1) return misuse(whole, call, `payload.name.${name}("x")`);
  const [text, wanted] = [whole.check(call.receiver), whole.check(call.args[0]!)];
  whole.want(text, "string", `${name}() needs before it`);
  whole.want(wanted, "string", `${name}() needs`);
  return done({ kind: "search", name, text: text.expression, wanted: wanted.expression }, "bool", call);
}

function matches(whole: Checking, call: Call): Checked {
  const [node, patternNode] = call.receiver === null ? call.args : [call.receiver, call.args[0]];
  if (node === undefined || patternNode === undefined || call.args.length > (call.receiver === null ? 2 : 1))
    return misuse(whole, call, 'payload.name.matches("^a+$")');
  const text = whole.check(node);
  whole.want(text, "string", "matches() needs before it");
  const pattern = textOf(patternNode);
  if (pattern === undefined)
    return whole.problem("the pattern of matches() must be a text in quotes", patternNode.start);
  const fault = patternFault(pattern);
  if (fault !== null)
    return whole.problem(`the pattern ${fault.message}, at its character ${fault.at}`, patternNode.start, patternHint);
  return done({ kind: "matches", text: text.expression, pattern }, "bool", call);
}

const patternHint = "patterns are RE2's; to match a character itself write \\\\ before it";

function timestamp(whole: Checking, call: Call): Checked {
  const text = soleText(call);
  if (text === undefined) return misuse(whole, call, 'timestamp("2026-01-31T12:00:00Z"), of a text in quotes');
  const time = readTime(text);
  if (!time.ok) return whole.problem(`${JSON.stringify(text)} ${time.message}`, call.at);
  return done({ kind: "literal", type: "timestamp", value: time.value }, "timestamp", call);
}

function duration(whole: Checking, call: Call): Checked {
  const text = soleText(call);
  if (text === undefined) return misuse(whole, call, 'duration("1h30m"), of a text in quotes');
  const length = readDuration(text);
  if (!length.ok) return whole.problem(`${JSON.stringify(text)} ${length.message}`, call.at);
  return done({ kind: "literal", type: "duration", value: length.value }, "duration", call);
}

function convert(whole: Checking, call: Call, to: (typeof conversions)[number]): Checked {
  if (call.receiver !== null || call.args.length !== 1) return misuse(whole, call, `${to}(payload.value)`);
  const operand = whole.check(call.args[0]!);
  if (!convertible[to](operand.type)) return whole.problem(`${to}() can't take ${inWords(operand.type)}`, operand.at);
  return done({ kind: "convert", to, operand: operand.expression }, to, call);
}

const convertible: Readonly<Record<(typeof conversions)[number], (type: StaticType) => boolean>> = {
  int: (type) => isNumeric(type) || type === "timestamp" || mayBe(type, "string"),
  double: (type) => isNumeric(type) || mayBe(type, "string"),
  string: (type) => type === "int" || type === "uint" || type === "bool" || mayBe(type, "string"),
  dyn: () => true,
};

function timePart(whole: Checking, call: Call, part: TimePart): Checked {
  if (call.receiver === null || call.args.length > 1) return misuse(whole, call, `timestamp.${part}("Europe/Berlin")`);
  const time = whole.check(call.receiver);
  const ofDuration = time.type === "duration" && partsOfDurations.includes(part) && call.args.length === 0;
  if (!ofDuration) whole.want(time, "timestamp", `${part}() needs before it`);
  const zone = call.args.length === 0 ? "UTC" : zoneOf(whole, call.args[0]!);
  return done({ kind: "part", part, time: time.expression, zone }, "int", call);
}

function zoneOf(whole: Checking, node: ASTNode): Zone {
  const text = textOf(node);
  const zone = text === undefined ? undefined : readZone(text);
  if (zone?.ok) return zone.value;
  const message =
    zone === undefined ? "a time zone must be a text in quotes" : `${JSON.stringify(text)} ${zone.message}`;
  whole.problem(message, node.start);
  return "UTC";
}

function unknownFunction(whole: Checking, call: Call): Checked {
  if (macros.has(call.name))
    return whole.problem(
      `${call.name}() is not available: filters don't look into lists`,
      call.at,
      'take in, as in payload.country in ["DE", "FR"]',
    );
  const meant = suggest(call.name, [...readers.keys()]);
  const names =
    "size, startsWith, endsWith, contains, matches, has, timestamp, duration, int, double, string, dyn, getHours and the like";
  return whole.problem(
    `there is no function ${call.name}()`,
    call.at,
    meant === undefined ? `there are ${names}` : `did you mean ${meant}()?`,
  );
}

/** The wrong number of arguments, or a receiver where none belongs. */
const misuse = (whole: Checking, call: Call, example: string): Checked =>
  whole.problem(`${call.name}() is not written like this`, call.at, `write ${example}`);

const done = (expression: FilterExpression, type: StaticType, call: Call): Checked => ({
  expression,
  type,
  at: call.at,
});

/** Of `f(x)` or `x.f()`. */
function soleOperand(call: Call): ASTNode | undefined {
  const operands = call.receiver === null ? call.args : [call.receiver, ...call.args];
  return operands.length === 1 ? operands[0] : undefined;
}

function soleText(call: Call): string | undefined {
  return call.receiver === null && call.args.length === 1 ? textOf(call.args[0]!) : undefined;
}

function textOf(node: ASTNode): string | undefined {
  return node.op === "value" && typeof node.args === "string" ? node.args : undefined;
}
