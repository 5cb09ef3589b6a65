import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseFilter } from "./cel.ts";
import type { Filter, FilterProblem } from "./expression.ts";

function filter(text: string): Filter {
  const parsed = parseFilter(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.filter;
}

function problems(text: string): readonly FilterProblem[] {
  const parsed = parseFilter(text);
  assert.ok(!parsed.ok, `it was taken: ${text}`);
  return parsed.problems;
}

const priceField = { kind: "payload", path: ["price"] } as const;

test("a filter is plain data, with its fields once", () => {
  const found = filter(' event_type == "purchase" && payload.price > 10 && event.payload["price"] != null ');
  assert.equal(found.text, 'event_type == "purchase" && payload.price > 10 && event.payload["price"] != null');
  assert.deepEqual(found.fields, [{ kind: "event_type" }, priceField]);
  assert.deepEqual(found.expression, {
    kind: "and",
    operands: [
      {
        kind: "compare",
        operator: "==",
        left: { kind: "field", field: { kind: "event_type" } },
        right: { kind: "literal", type: "string", value: "purchase" },
      },
      {
        kind: "compare",
        operator: ">",
        left: { kind: "field", field: priceField },
        right: { kind: "literal", type: "int", value: "10" },
      },
      {
        kind: "compare",
        operator: "!=",
        left: { kind: "field", field: priceField },
        right: { kind: "literal", type: "null", value: null },
      },
    ],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(found)), found);
});

test("a duration is what its text says, to its last digit", () => {
  const milliseconds = (text: string): unknown => {
    const { expression } = filter(`timestamp - timestamp < duration("${text}")`);
    return expression.kind === "compare" && expression.right.kind === "literal" ? expression.right.value : undefined;
  };
  assert.deepEqual(
    ["1h30m", "-1.5s", ".25s", "1.s", "1.0000000000000s", "0.5us999.5us", "0.1h"].map(milliseconds),
    [5_400_000, -1500, 250, 1000, 1000, 1, 360_000],
  );
});

const taken = [
  "payload.flag",
  "true",
  "has(payload.a.b)",
  "has(event.event_type)",
  'payload.a in [1, 2.5, "x", null, true, payload.b]',
  "payload.x == -9223372036854775808",
  "payload.x == 18446744073709551615u",
  "payload.a + payload.b * 2 > 10",
  'payload.a + "x" == "yx"',
  "payload.id % 10 == 0",
  "size(payload.items) > 2 || payload.name.size() < 3",
  'payload.route.matches("^/api/v[0-9]+/")',
  'matches(user_id, "a")',
  'timestamp >= timestamp("2026-01-01T00:00:00Z") && timestamp - timestamp("2026-01-01T00:00:00Z") < duration("24h")',
  'event.timestamp.getHours("US/Pacific") < 9 && timestamp.getDayOfWeek("+02:00") in [0, 6]',
  "(has(payload.x) ? payload.x : 0) > 5",
  "int(payload.a) / 2 == 1 && double(payload.b) < 1.5 && string(payload.c) == '1'",
  'dyn(1) == "1"',
  "timestamp.getHours() * 1.5 > 6.0",
  "'''three\nlines''' == payload.x // and a remark",
];

for (const text of taken) test(`taken: ${text}`, () => assert.ok(filter(text)));

/** Text, message, column, hint. */
const refused: readonly (readonly [string, RegExp, number, RegExp?])[] = [
  ["", /must not be empty/, 1],
  ["  country", /country is not known/, 3, /did you mean payload\.country\?/],
  ["evnt_type == 'x'", /evnt_type is not known/, 1, /did you mean event_type\?/],
  ["event.usr_id == 'x'", /usr_id is not known/, 1, /did you mean user_id\?/],
  ["event_id == 'x'", /event_id is not known; a filter reads event_type, user_id, timestamp/, 1],
  ["payload.x == NULL", /NULL is not known/, 14, /did you mean null\?/],
  ["payload.x == None", /None is not known/, 14, /did you mean null\?/],
  ["payload.x == True", /True is not known/, 14, /did you mean true\?/],
  ["payload.user-agent == 'x'", /agent is not known/, 14, /a key with - in it is written \["user-agent"\]/],
  ["payload.a.b-c-d == 'x'", /c is not known/, 13, /a key with - in it is written \["b-c-d"\]/],
  ["payload.x - y > 1", /y is not known/, 13, /^did you mean payload\.y\?$/],
  ["payload.in == 1", /"in" is not expected here/, 9, /write payload\["in"\]/],
  ["payload.@type == 1", /"@" is not expected here/, 9, /write payload\["@type"\]/],
  ["payload.2fa == 1", /"2" is not expected here/, 9, /write payload\["2fa"\]/],
  ["payload.größe == 1", /"ö" is not expected here/, 11, /written payload\["odd key"\]/],
  ["payload.a.null == 1", /"null" is not expected here/, 11, /write payload\.a\["null"\]/],
  ["payload.x <> 1", /">" is not expected here/, 12, /written !=/],
  ["payload.x is null", /"is" is not expected here/, 11, /written ==/],
  ["payload.x LIKE 'a%'", /"LIKE" is not expected here/, 11, /startsWith, endsWith, contains and matches/],
  ["payload.x == ‘a’", /is not expected here/, 14, /straight quotes/],
  ["payload == 1", /payload as a whole/, 1, /payload\.price/],
  ["payload.items[0] == 1", /can't be read by their index/, 15, /payload\["odd key"\]/],
  ["payload[event_type] == 1", /must be a text in quotes/, 9],
  [`payload${".a".repeat(17)} == 1`, /has 17 keys/, 1],
  [`payload["${"a".repeat(129)}"] == 1`, /more than 128 bytes/, 1],
  ["event_type.x == 'y'", /event_type has no values inside/, 1],
  ['"x".y == 1', /only payload has values inside/, 1],
  ["event_type > 3", /a text and an integer can't be compared by >/, 1, /in quotes/],
  ["true && event_type == 3", /can't be compared by ==/, 9],
  ["event_type == null", /a text and null can't be compared/, 1, /only payload values/],
  ["payload.x < null", /can't be compared by </, 1],
  ["payload.x == timestamp", /a payload value and a time/, 1, /timestamp\("2026/],
  ["timestamp - timestamp > 5", /a duration and an integer/, 1, /duration\("1h30m"\)/],
  ['!"x"', /! needs a boolean, and this is a text/, 2],
  ["1 && true", /&& needs a boolean, and this is an integer/, 1],
  ["true || 'x'", /\|\| needs a boolean, and this is a text/, 9],
  ["-event_type == 1", /- needs a number/, 2],
  ["1 + true == 2", /\+ can't take an integer and a boolean/, 1],
  ["2.5 % 2 == 0", /% can't take/, 1, /int\(\)/],
  ["timestamp + timestamp > timestamp", /\+ can't take a time and a time/, 1],
  ["payload.x ? 1 : 'a'", /both sides of : must be of one kind/, 1],
  ["1 ? true : false", /\? needs a boolean/, 1],
  ["payload.price + 1", /this is a number/, 1, /compare it/],
  ["event_type", /a filter is true or false, and this is a text/, 1],
  ["event_type in [1, 2]", /an integer is never equal to a text/, 16],
  ["payload.x in [payload.a + 1]", /only values and fields/, 15],
  ["1 in payload.list", /behind in must stand a list/, 6],
  ["[1] == [1]", /a list can stand only behind in/, 1],
  ['{"a": 1} == 1', /objects can't be written/, 1],
  ['payload.x == b"x"', /bytes are not available/, 14],
  ["payload.x == 9223372036854775808", /beyond 64 bits/, 14, /9223372036854775808\.0/],
  ["payload.tags.exists(t, t == 'x')", /exists\(\) is not available/, 14, /take in/],
  ["payload.x.lower() == 'a'", /there is no function lower\(\)/, 11, /there are size/],
  ["payload.x.startWith('a')", /there is no function startWith\(\)/, 11, /startsWith\(\)/],
  ["file('/etc/passwd') == ''", /there is no function file\(\)/, 1],
  ["has(payload)", /has\(\) is not written like this/, 1, /has\(payload\.price\)/],
  ["has(payload.x + 1)", /has\(\) is not written like this/, 1],
  ["size(1) > 0", /size\(\) needs a text/, 6],
  ["payload.x.startsWith()", /startsWith\(\) is not written/, 11],
  ["payload.x.contains(1)", /contains\(\) needs a text/, 20],
  ["payload.x.matches(payload.y)", /must be a text in quotes/, 19],
  ['payload.x.matches("(?=a)")', /the pattern .*no lookaround.*character 1/, 19, /RE2/],
  ["timestamp('yesterday') < timestamp", /"yesterday" is not a time/, 1],
  ["timestamp('2026-01-01T00:00:00.0001Z') < timestamp", /finer than a millisecond/, 1],
  ["timestamp(payload.when) < timestamp", /timestamp\(\) is not written like this/, 1, /of a text in quotes/],
  ["timestamp + duration('1y') > timestamp", /is not a duration/, 13],
  ["timestamp + duration('1.0000000001ms') > timestamp", /finer than a millisecond/, 13],
  ["timestamp + duration('1.00000000000000000001h') > timestamp", /finer than a millisecond/, 13],
  ["timestamp.getHours('Mars') < 9", /"Mars" is not a time zone/, 20],
  ["timestamp.getHours('Europe/Berlin\\'; --') < 9", /is not a time zone/, 20],
  ["timestamp.getHours(payload.zone) < 9", /a time zone must be a text/, 20],
  ["event_type.getHours() < 9", /getHours\(\) needs before it a time/, 1],
  ["string(1.5) == '1.5'", /string\(\) can't take a number/, 8],
  ["payload.a = 1", /"=" is not expected here/, 11, /written ==/],
  ["payload.a and payload.b", /"and" is not expected here/, 11, /&&/],
  [".5 < payload.x", /"\." is not expected here/, 1, /0\.5/],
  ["payload.a ==", /the end is not expected here/, 13],
  ["(payload.a", /the end is not expected here/, 11],
  ['payload.a == "x', /unterminated string/, 14],
  ['payload.a == "\\q"', /invalid escape/, 15],
  ["if == 1", /"if" is a reserved word/, 1],
  ["payload.a == 'é' && ü", /"ü" is not expected here/, 21],
  ["payload.a == '🎉' && x", /x is not known/, 21],
  ["payload.a == '\ud800'", /half of a surrogate pair/, 1],
  [`payload.a == "${"x".repeat(4096)}"`, /^a filter has at most 4096 bytes in UTF-8, and this has 4111$/, 1],
  [`payload.a == "a" // ${"字".repeat(1400)}`, /^a filter has at most 4096 bytes in UTF-8, and this has 4220$/, 1],
  [
    `event_type == "a" || "字${"x".repeat(1022)}" in [payload.a]`,
    /^a text in a filter has at most 1024 bytes in UTF-8, and the one that begins with "字x{19}" has 1025$/,
    22,
  ],
  [`payload.a in ["a", "${"x".repeat(1025)}"]`, /at most 1024 bytes/, 20],
  [`payload.a.matches("${"字".repeat(400)}")`, /at most 1024 bytes.* has 1200$/, 19],
  [`has(payload["${"a".repeat(1025)}"])`, /more than 128 bytes/, 5],
  [`${"!".repeat(60)}payload.a`, /^a filter is at most 16 levels deep, and this is 61$/, 1, /several rules/],
  [`${"!".repeat(16)}payload.a`, /at most 16 levels deep, and this is 17/, 1],
  [`payload.a > ${"1 + (2 * (".repeat(8)}3${"))".repeat(8)}`, /at most 16 levels deep, and this is 18/, 1],
  [Array.from({ length: 60 }, () => "payload.a").join(" + ") + " > 1", /at most 50 operations .* and here 61 do$/, 1],
  [`${"(".repeat(300)}true${")".repeat(300)}`, /too many parts/, 251],
  [Array.from({ length: 400 }, () => "!true").join("||"), /at most 500 parts/, 1],
  [`payload.a in [${"1,".repeat(1000)}1]`, /too many parts/, 2015],
  // A list's fields are compared with what stands before it, which must not be looked at anew for each.
  [`payload.a${" in [payload.b]".repeat(200)}`, /at most 50 operations/, 1],
  [`payload.a${" in [payload.b]".repeat(20)}`, /at most 500 parts, and this has \d+$/, 1],
  [`payload.a in [${"user_id,".repeat(166)}payload.b]`, /^a filter has at most 500 parts, and this has 503$/, 1],
  [`size(payload.a) in [${"user_id,".repeat(99)}payload.b]`, /some \d+ calls, of at most 2000$/, 1],
  [
    Array.from({ length: 10 }, () => "payload.a").join(" == "),
    /^comparisons of comparisons \(as a == b == c\), .* some 4090 calls, of at most 2000$/,
    1,
    /^write a == b && b == c where .*, or make several rules of it$/,
  ],
  [
    Array.from({ length: 12 }).reduce<string>((inner) => `((payload.a ? payload.b : 1) == ${inner})`, "payload.c"),
    /conditionals in comparisons, .* some \d+ calls/,
    1,
    /several rules/,
  ],
];

for (const [text, message, column, hint] of refused) {
  test(`refused: ${text.slice(0, 60)}`, () => {
    const [problem] = problems(text);
    assert.match(problem!.message, message);
    assert.equal(problem!.column, column);
    if (hint !== undefined) assert.match(problem!.hint ?? "", hint);
  });
}

const chained = (term: string, operator: string, length: number): string =>
  Array.from({ length }, () => term).join(` ${operator} `);

test("what is read from left to right is one level, however long it is; what is as large as may be is taken", () => {
  for (const text of [
    chained("payload.a == 1", "||", 40),
    `${chained("payload.a", "-", 40)} > ${chained("2", "*", 40)}`,
    `(${Array.from({ length: 17 }, (_, at) => `payload.a == ${at} ? ${at} : `).join("")}7) > 3`,
    `${"(".repeat(40)}payload.a${")".repeat(40)}`,
    `${"!".repeat(15)}payload.a`,
    `payload.a == "${"x".repeat(1024)}"`,
    `payload.a == '' // ${"x".repeat(4096 - 19)}`,
  ])
    assert.ok(filter(text), text);
});

test("what a rule has had already is understood, whatever it was when it was taken", () => {
  for (const text of [
    `payload.a == "${"字".repeat(4000)}"`,
    `payload.a.contains("${"x".repeat(1025)}")`,
    `${"!".repeat(49)}payload.a`,
  ]) {
    assert.ok(!parseFilter(text).ok, text);
    assert.ok(parseFilter(text, true).ok, text);
  }
  assert.ok(!parseFilter(`payload.a == "${"x".repeat(4096)}"`, true).ok);
});

test("all mistakes are told at once", () => {
  const found = problems("country == 1 && event_type > 3 && payload.x.lower()");
  assert.deepEqual(
    found.map((problem) => problem.column),
    [1, 17, 45],
  );
});

test("a list of a thousand items is taken, and one of as many fields as there may be comparisons", () => {
  assert.ok(filter(`payload.a in [${"user_id,".repeat(165)}payload.b]`));
  assert.ok(filter(`payload.a in [${Array.from({ length: 1000 }, () => "1").join(",")}]`));
});

test("no text makes it throw", () => {
  const piece = fc.constantFrom(
    ..."payload . a ( ) [ ] \" ' \\ && || ! - + == in ? : , 1 2.5 has size timestamp matches { } null true // r' '''".split(
      " ",
    ),
  );
  const text = fc.array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 3 })), { maxLength: 12 });
  fc.assert(
    fc.property(text, (pieces) => {
      parseFilter(pieces.join(""));
      parseFilter(pieces.join(" "));
    }),
  );
});
