/** Random filters and hostile events: what the SQL of filters is compared with the oracle on. */
import fc from "fast-check";
import { type FilteredEvent, type Json, JsonNumber } from "./cel.ts";

const numberTokens = [
  "0",
  "1",
  "-1",
  "2",
  "7",
  "10",
  "0.5",
  "-0.25",
  "19.99",
  "0.1",
  "0.30000000000000004",
  "1e-7",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "-9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
  "18446744073709551615",
  // The engine writes a double by its shortest digits: the first as the second, which is another number.
  "1.2345678901234568e+18",
  "1234567890123456800",
  "-1.2345678901234568e+18",
  "2.0000000000000004e+19",
  "1e20",
  "1.5e300",
];

// Each has been somebody's trouble: quotes, escapes, NUL, placeholders, other scripts, texts that look like values.
export const hostileTexts = [
  "",
  "a",
  "b",
  "ab",
  "DE",
  "FR",
  "é",
  "e\u0301",
  "日本",
  "🎉",
  "\uffff",
  "7",
  "-7",
  "+7",
  "7.5",
  "1e3",
  " 7",
  "9223372036854775808",
  "true",
  "null",
  "'; DROP TABLE raw_events; --",
  "') OR 1 = 1 --",
  '"',
  "\\",
  "\\'",
  "\\N",
  "a/b",
  "{x:String}",
  "{v0:String}",
  "\n\t\r",
  "\0",
  "a\0b",
  "%_",
  "$1",
  "`",
  "\u2028",
  "\u007f",
];

const texts = fc.constantFrom(...hostileTexts);

const scalar: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...numberTokens).map((token) => new JsonNumber(token)) },
  { weight: 3, arbitrary: texts },
  { weight: 1, arbitrary: fc.constantFrom<Json[]>(null, true, false) },
);
const value: fc.Arbitrary<Json> = fc.oneof(
  { weight: 8, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom("d", "x"), scalar, { maxKeys: 2 }) },
);

export const event: fc.Arbitrary<FilteredEvent> = fc.record({
  event_type: texts,
  user_id: texts,
  timestamp: fc.constantFrom(
    0,
    1_767_225_599_999,
    // Both changes of New York's clocks, a leap day, and just so.
    1_772_953_200_000,
    1_793_512_800_000,
    1_709_164_800_123,
    1_768_298_400_250,
  ),
  payload: fc.record(
    { a: value, b: value, c: value, 'q"k\\': scalar, flag: fc.oneof(fc.boolean(), scalar) },
    { requiredKeys: [] },
  ),
});

const quoted = (text: string): string => JSON.stringify(text).replaceAll("\u007f", "\\u007f");
const integers = [
  ...["0", "1", "-1", "2", "7", "10", "9007199254740992", "9007199254740993", "9223372036854775807"],
  ...["1234567890123456768", "1234567890123456800"],
];
const doubles = [
  "0.0",
  "-0.0",
  "0.5",
  "-0.25",
  "19.99",
  "0.1",
  "7.0",
  "9007199254740992.0",
  "9007199254740994.0",
  "1.2345678901234568e18",
  "2.0000000000000004e19",
  "1e20",
  "1.5e300",
];
const field = fc.constantFrom(
  "payload.a",
  "payload.b",
  "payload.c.d",
  "payload.c",
  'payload["q\\"k\\\\"]',
  "event.payload.flag",
);
const zone = fc.constantFrom("", '"Europe/Berlin"', '"America/New_York"', '"+05:30"', '"-00:30"', '"Asia/Kolkata"');
const part = fc.constantFrom(
  ...[
    "FullYear",
    "Month",
    "Date",
    "DayOfMonth",
    "DayOfWeek",
    "DayOfYear",
    "Hours",
    "Minutes",
    "Seconds",
    "Milliseconds",
  ],
);

interface Kinds {
  readonly bool: string;
  readonly int: string;
  readonly double: string;
  readonly text: string;
  readonly time: string;
  readonly length: string;
  readonly any: string;
}

/** A text of CEL that is well typed. */
export const filterText: fc.Arbitrary<string> = fc.letrec((tie: fc.LetrecTypedTie<Kinds>) => {
  const op = (operators: readonly string[], left: fc.Arbitrary<string>, right = left): fc.Arbitrary<string> =>
    fc.tuple(left, fc.constantFrom(...operators), right).map(([a, sign, b]) => `(${a} ${sign} ${b})`);
  const call = (names: readonly string[], argument: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.tuple(fc.constantFrom(...names), argument).map(([name, inner]) => `${name}(${inner})`);
  const conditional = (branch: fc.Arbitrary<string>, other = branch): fc.Arbitrary<string> =>
    fc.tuple(tie("bool"), branch, other).map(([condition, a, b]) => `(${condition} ? ${a} : ${b})`);
  const comparing = ["==", "!=", "<", "<=", ">", ">="];
  const equating = ["==", "!="];
  const number = fc.oneof(tie("int"), tie("double"));
  const literal = fc.oneof(fc.constantFrom(...integers, ...doubles, "true", "false", "null"), texts.map(quoted));
  const list = fc.array(fc.oneof({ weight: 5, arbitrary: literal }, { weight: 1, arbitrary: field }), { maxLength: 6 });
  const part1 = fc.tuple(tie("time"), part, zone).map(([time, name, where]) => `${time}.get${name}(${where})`);
  return {
    bool: fc.oneof(
      { maxDepth: 4 },
      op(comparing, tie("any"), number),
      op(comparing, number),
      op(comparing, tie("any"), tie("text")),
      op(equating, tie("any"), fc.oneof(literal, tie("any"))),
      op(["<", ">="], tie("any")),
      fc.tuple(tie("any"), list).map(([a, items]) => `(${a} in [${items.join(", ")}])`),
      fc
        .tuple(tie("text"), fc.array(texts.map(quoted), { maxLength: 4 }))
        .map(([a, items]) => `(${a} in [${items.join(", ")}])`),
      fc
        .tuple(tie("int"), fc.array(fc.constantFrom(...integers, ...doubles), { maxLength: 4 }))
        .map(([a, items]) => `(${a} in [${items.join(", ")}])`),
      field.map((name) => `has(${name})`),
      fc
        .tuple(tie("any"), fc.constantFrom("startsWith", "endsWith", "contains"), tie("text"))
        .map(([a, name, b]) => `${a}.${name}(${b})`),
      fc
        .tuple(tie("any"), fc.constantFrom("^a", ".", "^$", "b$", "^.$", "[0-9]+", "日|é", "^\\\\w{1,2}$", "\\\\.5"))
        .map(([a, pattern]) => `${a}.matches("${pattern}")`),
      op(comparing, tie("time")),
      op(comparing, tie("length")),
      op(["&&", "||"], tie("bool")),
      op(["&&", "||"], tie("any"), tie("bool")),
      tie("bool").map((inner) => `!${inner}`),
      conditional(tie("bool")),
    ),
    int: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(...integers),
      part1,
      call(["size"], tie("any")),
      call(["int"], fc.oneof(tie("any"), tie("double"), tie("text"), tie("time"))),
      op(["+", "-", "*", "/", "%"], tie("int")),
      op(["%"], tie("any"), tie("int")),
      tie("int").map((inner) => `-(${inner})`),
      conditional(tie("int")),
    ),
    double: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(...doubles),
      op(["+", "-", "*", "/"], field, number),
      op(["/"], field, fc.constantFrom("0.0", "-0.0")),
      op(["+", "-", "*", "/"], field),
      call(["double"], fc.oneof(tie("any"), tie("int"), tie("text"))),
      conditional(tie("double")),
      field.map((name) => `-${name}`),
    ),
    text: fc.oneof(
      { maxDepth: 3 },
      texts.map(quoted),
      fc.constantFrom("event_type", "user_id"),
      call(["string"], fc.oneof(tie("any"), tie("int"))),
      op(["+"], tie("text"), tie("any")),
      conditional(tie("text")),
    ),
    time: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom(
        "timestamp",
        'timestamp("2026-01-13T10:00:00.25Z")',
        'timestamp("1969-12-31T23:59:59.999-05:00")',
      ),
      op(["+", "-"], tie("time"), tie("length")),
      conditional(tie("time")),
    ),
    length: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom('duration("1h30m")', 'duration("-1.5s")', 'duration("250ms")', 'duration("100000h")'),
      op(["-"], tie("time")),
      op(["+", "-"], tie("length")),
    ),
    any: fc.oneof(
      { maxDepth: 2 },
      { weight: 8, arbitrary: field },
      { weight: 1, arbitrary: conditional(tie("any"), fc.oneof(field, literal)) },
      { weight: 1, arbitrary: op(["+"], field) },
      { weight: 1, arbitrary: call(["dyn"], fc.oneof(tie("text"), tie("int"), tie("double"))) },
    ),
  };
}).bool;

/** The payload as ingest would store it. */
export function payloadText(json: Json): string {
  if (json instanceof JsonNumber) return json.token;
  if (Array.isArray(json)) return `[${json.map(payloadText).join(",")}]`;
  if (typeof json !== "object" || json === null) return JSON.stringify(json);
  return `{${Object.entries(json)
    .map(([key, part]: [string, Json]) => `${JSON.stringify(key)}:${payloadText(part)}`)
    .join(",")}}`;
}
