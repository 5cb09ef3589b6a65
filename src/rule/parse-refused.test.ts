import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRule } from "./parse.ts";

const good = { rule_id: "r", window_size: "10m", metric: "count" };

/** `path: message` of each problem. */
function problems(body: unknown): string[] {
  const parsed = parseRule(body);
  assert.ok(!parsed.ok, "it was taken");
  return parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

test("all mistakes are named at once, each by its path", () => {
  const body = {
    rule_id: "a b",
    window_size: "31d",
    metric: "summ",
    field: "payload.",
    group_by: ["event_type", "country", 7, "event_type"],
    active: "yes",
    hop: "4m",
    groupby: [],
    colour: "red",
  };
  assert.deepEqual(problems(body), [
    "groupby: is not a key of a rule; did you mean group_by?",
    "colour: is not a key of a rule",
    "rule_id: must be 1 to 128 of letters, digits, _ . -",
    'window_size: is longer than 30 days; must be a number and one of s, m, h, d, from "1s" to "30d", such as "10m"; or a calendar\'s "1w" or "1mo"',
    'field: can\'t be read from character 8 on; write keys as .key or ["odd key"]',
    "metric: is not a metric; take one of count, sum, avg, min, max, uniq, uniq_exact, rate, first, last, top_k, event_count, active_users, or pNN for a quantile, such as p95 or p99.9; did you mean sum?",
    "group_by[1]: must be event_type, user_id or a payload path such as payload.price; did you mean payload.country?",
    "group_by[2]: must be a text such as event_type or payload.country",
    "group_by[3]: names the same key twice",
    "active: must be true or false",
  ]);
});

test("of more keys than a rule can have only their number is told", () => {
  const odd = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
  assert.equal(problems({ ...good, ...odd(61) }).length, 61);
  assert.deepEqual(problems({ ...good, ...odd(62) }), [": has 65 keys, which is more than a rule can have"]);
});

test("retention is as long as the longest window at least, which of a zone with clocks is told", () => {
  for (const [window_size, least, tooShort, told] of [
    ["1w", "7d", "167h", "7d"],
    ["1mo", "31d", "743h", "31d"],
  ] as const) {
    assert.ok(parseRule({ ...good, window_size, retention: least }).ok, window_size);
    assert.match(problems({ ...good, window_size, retention: tooShort })[0]!, new RegExp(`^retention: .*, ${told}, `));
  }
  const timezone = "Europe/Berlin";
  assert.match(problems({ ...good, timezone, window_size: "1d", retention: "1d" })[0]!, /^retention: .*, 25h, or/);
  assert.ok(parseRule({ ...good, timezone, window_size: "1d", retention: "25h" }).ok);
});

test("a value that is too deep to be told is refused like others", () => {
  const deep: unknown = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);
  for (const key of ["window_size", "decimals", "active", "colour"])
    assert.match(problems({ ...good, [key]: deep })[0]!, new RegExp(`^${key}: `));
});

test("a mistake hides no other one", () => {
  const paths = (change: object): string[] =>
    problems({ ...good, ...change })
      .map((text) => text.slice(0, text.indexOf(":")))
      .toSorted();
  assert.deepEqual(paths({ window_size: "1x", hop: "abc" }), ["hop", "window_size"]);
  assert.deepEqual(paths({ window_type: "hoping", hop: "abc" }), ["hop", "window_type"]);
  assert.deepEqual(paths({ window_type: "hoping", hop: 5 }), ["hop", "window_type"]);
  assert.deepEqual(paths({ window_size: "1d", timezone: "Mars", hop: "1x", window_type: "cumulative" }), [
    "hop",
    "timezone",
  ]);
  assert.deepEqual(paths({ window_size: "1x", hop: "1m", late_policy: "drop" }), ["late_policy", "window_size"]);
  assert.deepEqual(paths({ metric: "first", field: "price", having: "value > 1" }), ["field", "having"]);
  assert.deepEqual(paths({ metric: "top_k", top_n: 1, group_by: ["user_id"] }), ["field", "top_n"]);
});

const single: readonly (readonly [string, object, RegExp])[] = [
  ["an id that is too long", { rule_id: "x".repeat(129) }, /^rule_id: must be 1 to 128/],
  ["an empty id", { rule_id: "" }, /^rule_id: must be/],
  ["half a surrogate pair as id", { rule_id: "\ud800" }, /^rule_id: must be 1 to 128 of letters/],
  ["an id that a URL can't carry", { rule_id: ".." }, /^rule_id: must not be/],
  ["a number as id", { rule_id: 7 }, /^rule_id: must be a text/],
  ["no window", { window_size: undefined }, /^window_size: is required/],
  ["no unit", { window_size: "10" }, /^window_size: must be a number and one of/],
  ["a zero", { window_size: "0s" }, /^window_size: must be/],
  ["a fraction", { window_size: "1.5h" }, /^window_size: must be/],
  ["seconds beyond 30 days", { window_size: "2592001s" }, /^window_size: is longer than 30 days/],
  [
    "two weeks",
    { window_size: "2w" },
    /^window_size: must be "1w" or "1mo" when it is the calendar's; for other lengths take "14d", counted/,
  ],
  ["five weeks", { window_size: "5w" }, /^window_size: must be "1w" or .* take days, up to "30d", counted/],
  ["three months", { window_size: "3mo" }, /^window_size: must be "1w" or .* take days, up to "30d", counted/],
  ["a year", { window_size: "1y" }, /^window_size: must be a number and one of .* or a calendar's "1w" or "1mo"$/],
  [
    "a zone for minutes",
    { timezone: "Asia/Tokyo" },
    /^timezone: is for the calendar windows 1d, 1w and 1mo alone; those of 10m are counted from the epoch; leave it out/,
  ],
  [
    "a zone for hours",
    { window_size: "24h", timezone: "Asia/Tokyo" },
    /^timezone: is for the calendar windows 1d, 1w and/,
  ],
  [
    "a zone that is none",
    { window_size: "1d", timezone: "Mars/Base" },
    /^timezone: must be the name of a time zone, such/,
  ],
  ["an offset", { window_size: "1d", timezone: "+02:00" }, /^timezone: must be the name of a time zone/],
  ["a number as zone", { window_size: "1d", timezone: 2 }, /^timezone: must be a text/],
  ["a number as window", { window_size: 600 }, /^window_size: must be a text/],
  ["p0", { metric: "p0", field: "payload.a" }, /^metric: would be the smallest value; take min/],
  ["p100", { metric: "p100.0", field: "payload.a" }, /^metric: would be the largest value; take max/],
  ["p101", { metric: "p101", field: "payload.a" }, /^metric: is beyond p100; the number is above 0 and below 100/],
  [
    "p99.99",
    { metric: "p99.99", field: "payload.a" },
    /^metric: has more than one digit behind the point; take such as/,
  ],
  ["quantile by its inner name", { metric: "quantile", field: "payload.a" }, /^metric: is written pNN, such as p95/],
  ["P99", { metric: "P99", field: "payload.a" }, /^metric: is not a metric; .*; did you mean p99\?/],
  ["a quantile of nothing", { metric: "p50" }, /^field: is required: p50 reads a field, such as payload.price/],
  ["a quantile of texts", { metric: "p50", field: "user_id" }, /^field: p50 reads numbers, and user_id is a text/],
  [
    "a field that rate does not read",
    { metric: "rate", field: "payload.a" },
    /^field: rate counts events and reads no/,
  ],
  [
    "decimals of a count",
    { decimals: 2 },
    /^decimals: count is the same with and without; leave it out, or take sum, avg/,
  ],
  ["decimals of a quantile", { metric: "p50", field: "payload.a", decimals: 2 }, /^decimals: p50 is the same with and/],
  [
    "ten decimals",
    { metric: "sum", field: "payload.a", decimals: 10 },
    /^decimals: must be a whole number from 0 to 9/,
  ],
  ["half a decimal", { metric: "sum", field: "payload.a", decimals: 0.5 }, /^decimals: must be a whole number/],
  ["decimals as a text", { metric: "sum", field: "payload.a", decimals: "2" }, /^decimals: must be a whole number/],
  [
    "lateness without unit",
    { allowed_lateness: "10" },
    /^allowed_lateness: must be .* from "0s" to "30d", such as "10m"$/,
  ],
  [
    "too much lateness",
    { allowed_lateness: "31d" },
    /^allowed_lateness: is longer than 30 days; must be .* "0s" to "30d"/,
  ],
  ["a week of lateness", { allowed_lateness: "1w" }, /^allowed_lateness: must be a number and one of s, m, h, d/],
  ["lateness as a number", { allowed_lateness: 60 }, /^allowed_lateness: must be a text/],
  [
    "a policy that is none",
    { late_policy: "dropp" },
    /^late_policy: must be "count" or "drop": .*; did you mean drop\?/,
  ],
  ["a policy that is no text", { late_policy: true }, /^late_policy: must be "count" or "drop": a late event corrects/],
  ["a metric that every object has", { metric: "constructor" }, /^metric: is not a metric/],
  ["cumulative windows without hop", { window_type: "cumulative" }, /^hop: is required/],
  ["hopping windows without hop", { window_type: "hopping" }, /^hop: is required/],
  ["an unknown kind of windows", { window_type: "session" }, /^window_type: must be "tumbling", "hopping" or "cumu/],
  ["a kind that is nearly one", { window_type: "hoping", hop: "1m" }, /^window_type: .* did you mean hopping\?/],
  ["a hop of tumbling windows", { window_type: "tumbling", hop: "1m" }, /^hop: is nothing that tumbling windows have/],
  ["a hop that does not divide", { hop: "3m" }, /^hop: must divide window_size, as 5m divides 1h/],
  ["a hop that is longer", { hop: "20m" }, /^hop: must divide window_size/],
  ["a hop as long as the window", { hop: "600s" }, /^hop: is as long as the window; leave it out/],
  ["a hop as a number", { hop: 60 }, /^hop: must be a text/],
  ["too many windows", { window_size: "1d", hop: "1m" }, /^hop: makes 1440 windows of each 1d, and at most 1000 are/],
  ["hopping weeks", { window_size: "1w", hop: "1d" }, /^hop: windows of 1w follow the calendar and don't overlap/],
  [
    "a month by seven hours",
    { window_size: "1mo", window_type: "cumulative", hop: "7h" },
    /^hop: must divide 1d, for so the days of UTC begin, or be "1d"/,
  ],
  [
    "a day by a day",
    { window_size: "1d", window_type: "cumulative", hop: "1d", timezone: "Asia/Tokyo" },
    /^hop: must div/,
  ],
  [
    "24 hours for a day in a zone",
    { window_size: "1mo", window_type: "cumulative", hop: "24h", timezone: "Asia/Tokyo" },
    /^hop: must divide 3h, for so the days of Asia.Tokyo begin, or be "1d"/,
  ],
  ["a month by minutes", { window_size: "1mo", window_type: "cumulative", hop: "15m" }, /^hop: makes 2976 windows of/],
  ["dropping from hopping windows", { hop: "1m", late_policy: "drop" }, /^late_policy: must be "count" with hopping/],
  ["an empty having", { having: " " }, /^having: at column 1: must not be empty; compare value with numbers/],
  ["having that is no CEL", { having: "value >" }, /^having: at column 8: the end is not expected here/],
  ["having with or", { having: "value > 1 || value < 0" }, /^having: at column 1: is no comparison of value with/],
  ["having of another name", { having: "value > 1 && n > 2" }, /^having: at column 14: is no comparison of value/],
  ["having of a text", { having: 'value == "a"' }, /^having: at column 1: is no comparison/],
  ["having as a number", { having: 7 }, /^having: must be a text/],
  [
    "having of a text metric",
    { metric: "first", field: "payload.a", having: "value > 1" },
    /^having: compares numbers, and the value of first is none/,
  ],
  [
    "no groups for max_groups",
    { max_groups: 3 },
    /^max_groups: bounds how many groups there are, and without group_by/,
  ],
  ["max_groups of an empty list", { max_groups: 3, group_by: [] }, /^max_groups: bounds how many groups there are/],
  ["max_groups of nothing", { max_groups: 0, group_by: ["user_id"] }, /^max_groups: must be a whole number from 1 to/],
  ["too many max_groups", { max_groups: 1_000_001, group_by: ["user_id"] }, /^max_groups: .* from 1 to 1000000/],
  ["max_groups as a text", { max_groups: "9", group_by: ["user_id"] }, /^max_groups: must be a whole number/],
  ["max_groups beside a wrong group_by", { max_groups: 3, group_by: ["nothing"] }, /^group_by\[0\]: /],
  ["top_n beside a wrong group_by", { top_n: 3, group_by: ["nothing"] }, /^group_by\[0\]: /],
  ["no groups for top_n", { top_n: 3 }, /^top_n: keeps the groups with the largest values, and without group_by/],
  ["a top_n of nothing", { top_n: 0, group_by: ["user_id"] }, /^top_n: must be a whole number from 1 to 1000/],
  [
    "top_n of a list",
    { metric: "top_k", field: "user_id", top_n: 3, group_by: ["user_id"] },
    /^top_n: compares numbers/,
  ],
  [
    "retention without a unit",
    { retention: "30" },
    /^retention: must be a number and one of s, m, h, d, from "1s" to "3650d"/,
  ],
  ["retention that is too long", { retention: "3651d" }, /^retention: is longer than 3650 days/],
  [
    "retention shorter than a window",
    { window_size: "1h", retention: "59m" },
    /^retention: must be as long as a window/,
  ],
  ["retention that is no text", { retention: 30 }, /^retention: must be a text/],
  ["an empty filter", { filter: " " }, /^filter: at column 1: a filter must not be empty/],
  ["a filter that is no condition", { filter: "1 + 1" }, /^filter: at column 1: a filter is true or false/],
  ["a filter that is no text", { filter: true }, /^filter: must be a text/],
  ["a field that count does not read", { field: "payload.a" }, /^field: count counts events and reads no field/],
  ["no field", { metric: "sum" }, /^field: is required: sum reads a field/],
  ["a text to add up", { metric: "sum", field: "user_id" }, /^field: sum reads numbers, and user_id is a text/],
  [
    "another field for an alias",
    { metric: "active_users", field: "payload.a" },
    /^field: active_users reads user_id; for another field take uniq_exact/,
  ],
  [
    "event_type as field",
    { metric: "uniq_exact", field: "event_type" },
    /^field: must be user_id or a payload path such as payload.price$/,
  ],
  [
    "a field without payload",
    { metric: "sum", field: "price" },
    /^field: must be user_id or a payload path such as payload.price; did you mean payload.price\?$/,
  ],
  [
    "a field that is nearly user_id",
    { metric: "uniq", field: "userid" },
    /^field: must be user_id or .*; did you mean user_id\?$/,
  ],
  [
    "a group that is nearly event_type",
    { group_by: ["event_typ"] },
    /^group_by\[0\]: must be event_type, user_id or .*; did you mean event_type\?$/,
  ],
  ["a payload that is misspelt", { group_by: ["paylod.a"] }, /^group_by\[0\]: must be .*; did you mean payload.a\?$/],
  ["a path that is no path", { group_by: ["a,b"] }, /^group_by\[0\]: must be .* such as payload.price$/],
  ["the payload itself", { metric: "sum", field: "payload" }, /^field: is the whole payload/],
  ["nine group keys", { group_by: "abcdefghi".split("").map((key) => `payload.${key}`) }, /^group_by: has 9 keys/],
  ["a path of 17 keys", { group_by: [`payload${".a".repeat(17)}`] }, /^group_by\[0\]: has 17 keys/],
  [
    "a key of 129 bytes",
    { group_by: [`payload.${"ü".repeat(64)}x`] },
    /^group_by\[0\]: has a key of more than 128 bytes/,
  ],
  ["half a surrogate pair", { group_by: ['payload["\\ud800"]'] }, /^group_by\[0\]: holds half of a surrogate pair/],
  ["an index", { group_by: ["payload.a[0]"] }, /^group_by\[0\]: can't be read from character 10 on/],
  [
    "the same path written otherwise",
    { group_by: ["payload.a", 'payload["a"]'] },
    /^group_by\[1\]: names the same key twice/,
  ],
  ["a group_by that is a text", { group_by: "event_type" }, /^group_by: must be a list/],
];

for (const [name, change, expected] of single) {
  test(`refused: ${name}`, () => {
    const found = problems({ ...good, ...change });
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0]!, expected);
  });
}

test("what is no object is refused, and __proto__ is a key like any other", () => {
  for (const body of [null, undefined, 7, "rule", [good]])
    assert.deepEqual(problems(body), [": a rule must be an object"]);
  assert.deepEqual(problems(JSON.parse('{"__proto__":{"rule_id":"r","window_size":"1m","metric":"count"}}')).length, 4);
});

test("an offending value is told, shortened", () => {
  const parsed = parseRule({ ...good, rule_id: "x".repeat(5000) });
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.problems[0]?.value, `${"x".repeat(100)}…`);
});

test("each mistake in a filter is told, with its column and what to write", () => {
  assert.deepEqual(problems({ ...good, filter: 'colour == "red" && payload.a = 1' }).length, 1);
  const found = problems({ ...good, filter: ' colour == "red" && size(1) > 2' });
  assert.equal(found.length, 2, found.join("\n"));
  assert.match(found[0]!, /^filter: at column 2: colour is not known; .*; did you mean payload.colour\?$/);
  assert.match(found[1]!, /^filter: at column \d+: /);
  const parsed = parseRule({ ...good, filter: "payload.a >" });
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.problems[0]?.value, "payload.a >");
});
