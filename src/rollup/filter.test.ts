import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFilter } from "../rule/cel/cel.ts";
import type { PayloadField } from "../rule/cel/expression.ts";
import { renderCondition, renderFilter } from "./filter.ts";
import type { FilterScope } from "./filter-values.ts";

/** Columns by path, and values as they are bound. */
const column = (name: string) => (field: PayloadField) => `${name}_${field.path.join("_")}`;
const scope: FilterScope = {
  bind: (value, type) => `{${String(value)}:${type}}`,
  raw: column("raw"),
  number: column("number"),
  integer: column("integer"),
  string: column("string"),
  length: column("length"),
  text: (field) => field.kind,
  timestampMs: "at",
};

function rendered(text: string, render = renderFilter): string {
  const parsed = parseFilter(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return render(parsed.filter.expression, scope);
}

const forms: readonly (readonly [string, string])[] = [
  [
    'event_type == "purchase" && payload.price > 10.0 && payload.country in ["DE", "FR"]',
    'and((event_type = {purchase:String}), (number_price > {10:Float64}), (raw_country IN {"DE","FR":Array(String)}))',
  ],
  ["payload.x == null || !has(payload.y)", "or((raw_x IN ('', 'null')), not((raw_y NOT IN ('', 'null'))))"],
  ['payload.x == "plain"', '(raw_x = {"plain":String})'],
  ['payload.x == "ü"', "ifNull((string_x = {ü:String}), 0)"],
  ["payload.x != 3", "ifNull((number_x != {3:Float64}), 1)"],
  [
    "payload.x == 9007199254740993",
    "ifNull(ifNull(integer_x = {9007199254740993:Int128}, (number_x = {9007199254740992:Float64})), 0)",
  ],
  ["payload.x / -0.0 < 0.0", "(divide(number_x, negate({0:Float64})) < {0:Float64})"],
  ["payload.price * 2 > 10", "(multiply(number_price, {2:Float64}) > {10:Int64})"],
  [
    "(has(payload.x) ? payload.x : 0) > 5",
    "if((raw_x NOT IN ('', 'null')), (number_x > {5:Float64}), ({0:Int64} > {5:Int64}))",
  ],
  [
    'timestamp.getHours("Europe/Berlin") < 9',
    "((toHour(fromUnixTimestamp64Milli(at, {Europe/Berlin:String}))) < {9:Int64})",
  ],
  ['payload.route.matches("^/api")', "match(string_route, {(?-s:^/api)|[^\\x00-\\x{10FFFF}]:String})"],
];

for (const [text, sql] of forms) test(`SQL of ${text}`, () => assert.equal(rendered(text), sql));

test("where only the truth counts, a missing value need not be told from a false one", () => {
  const text = 'payload.x == "ü" && payload.flag';
  assert.equal(
    rendered(text),
    "and(ifNull((string_x = {ü:String}), 0), multiIf(raw_flag = 'true', 1, raw_flag = 'false', 0, NULL))",
  );
  assert.equal(rendered(text, renderCondition), "and((string_x = {ü:String}), (raw_flag = 'true'))");
  // What is below a negation is told in full.
  assert.equal(rendered('!(payload.x == "ü")', renderCondition), "not(ifNull((string_x = {ü:String}), 0))");
});

test("the SQL of what nests as much as is allowed stays small", () => {
  const nest = (depth: number): string =>
    depth === 0 ? "payload.c" : `((payload.a ? payload.b : 1) == ${nest(depth - 1)})`;
  const sums = Array.from({ length: 40 }, (_, at) => `payload.a${at}`).join(" + ");
  for (const text of [...[1, 2, 3, 4, 5, 6].map(nest), `${sums} > 1`]) {
    const parsed = parseFilter(text);
    if (parsed.ok) assert.ok(renderFilter(parsed.filter.expression, scope).length < 100_000, text);
  }
  assert.ok(parseFilter(`${sums} > 1`).ok);
});
