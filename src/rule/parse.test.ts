import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatField, parseField } from "./field.ts";
import { parseRule, sameSpec } from "./parse.ts";

const good = { rule_id: "r", window_size: "10m", metric: "count" };

function checked(body: unknown): Extract<ReturnType<typeof parseRule>, { ok: true }>["rule"] {
  const parsed = parseRule(body);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.rule;
}

/** `path: message` of each problem. */
function problems(body: unknown): string[] {
  const parsed = parseRule(body);
  assert.ok(!parsed.ok, "it was taken");
  return parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

test("what is left out has its default, and null is the same as left out", () => {
  const spec = { ...good, group_by: [], active: true };
  assert.deepEqual(checked(good).spec, spec);
  assert.deepEqual(
    checked({ ...good, field: null, group_by: null, active: null, window_type: null, filter: null }).spec,
    spec,
  );
  assert.deepEqual(checked({ ...good, window_type: "tumbling" }).spec, spec);
});

test("a rule is understood whole", () => {
  const rule = checked({
    ...good,
    metric: "sum",
    field: "payload.price",
    group_by: ["event_type", "user_id", 'payload["a"]["b.c"]'],
    active: false,
  });
  assert.deepEqual(rule, {
    spec: {
      rule_id: "r",
      window_size: "10m",
      metric: "sum",
      field: "payload.price",
      group_by: ["event_type", "user_id", 'payload.a["b.c"]'],
      active: false,
    },
    window: { kind: "tumbling", size: { unit: "second", count: 600 }, pane: { unit: "second", count: 600 } },
    metric: "sum",
    field: { kind: "payload", path: ["price"] },
    groupBy: [{ kind: "event_type" }, { kind: "user_id" }, { kind: "payload", path: ["a", "b.c"] }],
    having: [],
    latenessSeconds: 0,
    latePolicy: "count",
  });
});

test("aliases mean their metric", () => {
  assert.equal(checked({ ...good, metric: "event_count" }).metric, "count");
  const users = checked({ ...good, metric: "active_users" });
  assert.deepEqual([users.metric, users.field, users.spec.metric], ["uniq_exact", { kind: "user_id" }, "active_users"]);
  assert.ok(sameSpec(checked({ ...good, metric: "active_users", field: "user_id" }).spec, users.spec));
});

test("all mistakes are named at once, each by its path", () => {
  const body = {
    rule_id: "a b",
    window_size: "31d",
    metric: "summ",
    field: "payload.",
    group_by: ["event_type", "country", 7, "event_type"],
    active: "yes",
    hop: "1m",
    groupby: [],
    colour: "red",
  };
  assert.deepEqual(problems(body), [
    "hop: is not available yet in this version",
    "groupby: is not a key of a rule; did you mean group_by?",
    "colour: is not a key of a rule",
    "rule_id: must be 1 to 128 of letters, digits, _ . -",
    'window_size: is longer than 30 days; must be a number and one of s, m, h, d, from "1s" to "30d", such as "10m"',
    'field: can\'t be read from character 8 on; write keys as .key or ["odd key"]',
    "metric: is not a metric; take one of count, sum, avg, min, max, uniq_exact, event_count, active_users; did you mean sum?",
    "group_by[1]: must be event_type, user_id or a payload path such as payload.price",
    "group_by[2]: must be a text such as event_type or payload.country",
    "group_by[3]: names the same key twice",
    "active: must be true or false",
  ]);
});

const single: readonly (readonly [string, object, RegExp])[] = [
  ["an id that is too long", { rule_id: "x".repeat(129) }, /^rule_id: must be 1 to 128/],
  ["an empty id", { rule_id: "" }, /^rule_id: must be/],
  ["an id that a URL can't carry", { rule_id: ".." }, /^rule_id: must not be/],
  ["a number as id", { rule_id: 7 }, /^rule_id: must be a text/],
  ["no window", { window_size: undefined }, /^window_size: is required/],
  ["no unit", { window_size: "10" }, /^window_size: must be a number and one of/],
  ["a zero", { window_size: "0s" }, /^window_size: must be/],
  ["a fraction", { window_size: "1.5h" }, /^window_size: must be/],
  ["seconds beyond 30 days", { window_size: "2592001s" }, /^window_size: is longer than 30 days/],
  ["a calendar month", { window_size: "1mo" }, /^window_size: calendar weeks and months are not available yet/],
  ["a number as window", { window_size: 600 }, /^window_size: must be a text/],
  ["a later metric", { metric: "p99.9", field: "payload.a" }, /^metric: p99.9 is not available yet/],
  ["a metric that every object has", { metric: "constructor" }, /^metric: is not a metric/],
  ["hopping windows", { window_type: "hopping" }, /^window_type: hopping windows are not available yet/],
  ["a filter", { filter: "true" }, /^filter: is not available yet/],
  ["a field that count does not read", { field: "payload.a" }, /^field: count counts events and reads no field/],
  ["no field", { metric: "sum" }, /^field: is required: sum reads a field/],
  ["a text to add up", { metric: "sum", field: "user_id" }, /^field: sum reads numbers, and user_id is a text/],
  [
    "another field for an alias",
    { metric: "active_users", field: "payload.a" },
    /^field: active_users reads user_id; for another field take uniq_exact/,
  ],
  ["event_type as field", { metric: "uniq_exact", field: "event_type" }, /^field: must be user_id or a payload path/],
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

test("any path is read back from its text as it was", () => {
  const path = fc.array(fc.string({ unit: "binary", maxLength: 20 }), { minLength: 1, maxLength: 16 });
  fc.assert(
    fc.property(path, (keys) => {
      const field = { kind: "payload" as const, path: keys };
      assert.deepEqual(parseField(formatField(field)), { ok: true, value: field });
    }),
  );
});

test("no text makes the parser throw", () => {
  const piece = fc.oneof(fc.constantFrom("payload", ".", "[", "]", '"', "\\", '["', '"]', "user_id"), fc.string());
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.anything(), text, (anything, field) => {
      parseField(field);
      parseRule(anything);
      parseRule({ ...good, metric: "sum", field, group_by: [field, anything] });
    }),
  );
});
