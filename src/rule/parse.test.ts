import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatField, parseField } from "./field.ts";
import { zoneNamed, zoneNames } from "./cel/zone-names.ts";
import { parseRule, sameSpec } from "./parse.ts";
import type { RuleSpec } from "./rule.ts";

const good = { rule_id: "r", window_size: "10m", metric: "count" };

function checked(body: unknown): Extract<ReturnType<typeof parseRule>, { ok: true }>["rule"] {
  const parsed = parseRule(body);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.rule;
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
    decimals: 2,
    filter: "  payload.price > 0 ",
    allowed_lateness: "90s",
    late_policy: "drop",
    active: false,
  });
  const { filter, ...rest } = rule;
  assert.deepEqual([filter?.text, filter?.fields], ["payload.price > 0", [{ kind: "payload", path: ["price"] }]]);
  assert.deepEqual(rest, {
    spec: {
      rule_id: "r",
      window_size: "10m",
      metric: "sum",
      field: "payload.price",
      decimals: 2,
      group_by: ["event_type", "user_id", 'payload.a["b.c"]'],
      filter: "payload.price > 0",
      allowed_lateness: "90s",
      late_policy: "drop",
      active: false,
    },
    window: { kind: "tumbling", size: { unit: "second", count: 600 }, pane: { unit: "second", count: 600 } },
    metric: "sum",
    field: { kind: "payload", path: ["price"] },
    decimals: 2,
    groupBy: [{ kind: "event_type" }, { kind: "user_id" }, { kind: "payload", path: ["a", "b.c"] }],
    having: [],
    latenessSeconds: 90,
    latePolicy: "drop",
  });
});

test("what has its default is left out of the spec", () => {
  const plain = checked(good).spec;
  const said = {
    ...good,
    window_type: "tumbling",
    timezone: "Etc/UTC",
    allowed_lateness: "0s",
    late_policy: "count",
    group_by: [],
    active: true,
  };
  assert.deepEqual(checked(said).spec, plain);
  const nothing = {
    field: null,
    decimals: null,
    filter: null,
    timezone: null,
    allowed_lateness: null,
    late_policy: null,
  };
  assert.deepEqual(
    checked({ ...good, ...nothing, window_type: null, hop: null, having: null, top_n: null, retention: null }).spec,
    plain,
  );
});

test("every metric is taken", () => {
  for (const metric of ["count", "rate"]) assert.equal(checked({ ...good, metric }).metric, metric);
  for (const metric of ["sum", "avg", "min", "max", "uniq", "uniq_exact", "first", "last", "top_k"]) {
    const rule = checked({ ...good, metric, field: "payload.a" });
    assert.deepEqual([rule.metric, rule.spec.metric, rule.level], [metric, metric, undefined]);
  }
  for (const metric of ["uniq", "first", "last", "top_k"])
    assert.deepEqual(checked({ ...good, metric, field: "user_id" }).field, { kind: "user_id" });
});

test("a quantile has its level, and one name", () => {
  const level = (metric: string): unknown[] => {
    const rule = checked({ ...good, metric, field: "payload.ms" });
    assert.equal(rule.metric, "quantile");
    return [rule.spec.metric, rule.level];
  };
  assert.deepEqual(level("p50"), ["p50", 0.5]);
  assert.deepEqual(level("p99.9"), ["p99.9", 0.999]);
  assert.deepEqual(level("p99.0"), ["p99", 0.99]);
  assert.deepEqual(level("p05"), ["p5", 0.05]);
  assert.deepEqual(level("p0.1"), ["p0.1", 0.001]);
});

test("windows of the calendar", () => {
  const window = (size: string, timezone?: string): unknown[] => {
    const { spec, window } = checked({ ...good, window_size: size, timezone });
    assert.deepEqual([window.kind, window.pane], ["tumbling", window.size]);
    return [window.size, spec.timezone];
  };
  assert.deepEqual(window("1d"), [{ unit: "second", count: 86_400 }, undefined]);
  assert.deepEqual(window("1d", "UTC"), [{ unit: "second", count: 86_400 }, undefined]);
  assert.deepEqual(window("1d", "Europe/Berlin"), [{ unit: "day", timezone: "Europe/Berlin" }, "Europe/Berlin"]);
  for (const zone of [
    "Asia/Kolkata",
    "Europe/Kyiv",
    "America/Argentina/Buenos_Aires",
    "Asia/Ho_Chi_Minh",
    "Etc/GMT+12",
    "Etc/GMT-14",
  ])
    assert.equal(window("1d", zone)[1], zone, "the name of today, as it was given");
  assert.equal(window("1d", "Asia/Calcutta")[1], "Asia/Kolkata");
  for (const zone of zoneNames) assert.equal(zoneNamed(zone), zone);
  assert.equal(zoneNamed("Etc/GMT-0"), "UTC");
  for (const none of ["Etc/GMT+13", "Etc/GMT-15", "Etc/GMT+05", "GMT+5"]) assert.equal(zoneNamed(none), undefined);
  assert.deepEqual(window("1w"), [{ unit: "week", timezone: "UTC" }, undefined]);
  assert.deepEqual(window("1mo", "GMT"), [{ unit: "month", timezone: "UTC" }, undefined]);
  // Links become the zone that they mean.
  assert.deepEqual(window("1mo", "us/pacific"), [
    { unit: "month", timezone: "America/Los_Angeles" },
    "America/Los_Angeles",
  ]);
});

test("windows that hop and windows that grow", () => {
  const windowOf = (rule: object): unknown => checked({ ...good, ...rule }).window;
  const seconds = (count: number): object => ({ unit: "second", count });
  assert.deepEqual(windowOf({ window_size: "1h", hop: "5m" }), {
    kind: "hopping",
    size: seconds(3600),
    hop: seconds(300),
    pane: seconds(300),
  });
  const day = { unit: "day", timezone: "Australia/Adelaide" };
  const growing = { window_type: "cumulative", timezone: "Australia/Adelaide" };
  assert.deepEqual(windowOf({ ...growing, window_size: "1d", hop: "30m" }), {
    kind: "cumulative",
    size: day,
    hop: seconds(1800),
    pane: seconds(1800),
  });
  const month = { unit: "month", timezone: "Australia/Adelaide" };
  assert.deepEqual(windowOf({ ...growing, window_size: "1mo", hop: "1d" }), {
    kind: "cumulative",
    size: month,
    hop: day,
    pane: day,
  });
  assert.deepEqual(windowOf({ window_type: "cumulative", window_size: "1w", hop: "1d" }), {
    kind: "cumulative",
    size: { unit: "week", timezone: "UTC" },
    hop: seconds(86_400),
    pane: seconds(86_400),
  });
});

test("a window's type is said only when its hop does not say it", () => {
  const typeOf = (rule: object): unknown => checked({ ...good, window_size: "1h", ...rule }).spec.window_type;
  assert.equal(typeOf({ hop: "5m", window_type: "hopping" }), undefined);
  assert.equal(typeOf({ hop: "5m" }), undefined);
  assert.equal(typeOf({ hop: "5m", window_type: "cumulative" }), "cumulative");
});

test("having is read as comparisons, and written in one way", () => {
  const rule = checked({
    ...good,
    having: " 10<=value&&(value<1e2 && value != -0.5)",
    top_n: 3,
    group_by: ["user_id"],
  });
  assert.equal(rule.spec.having, "value >= 10 && value < 100 && value != -0.5");
  assert.deepEqual(rule.having, [
    { operator: ">=", value: 10 },
    { operator: "<", value: 100 },
    { operator: "!=", value: -0.5 },
  ]);
  assert.deepEqual([rule.topN, rule.spec.top_n], [3, 3]);
  assert.deepEqual(checked(rule.spec).spec, rule.spec);
});

test("a bound of groups is taken where there are groups", () => {
  const rule = checked({ ...good, group_by: ["user_id"], max_groups: 1_000_000 });
  assert.deepEqual([rule.maxGroups, rule.spec.max_groups], [1_000_000, 1_000_000]);
  assert.deepEqual(checked(rule.spec).spec, rule.spec);
  assert.equal("maxGroups" in checked({ ...good, max_groups: null }), false);
});

test("rules are the same when they mean the same, and differ by every key", () => {
  const base = {
    ...good,
    metric: "sum",
    field: "payload.a",
    window_size: "1d",
    filter: "true",
    allowed_lateness: "1m",
  };
  const spec = checked(base).spec;
  const same = {
    ...base,
    window_size: "24h",
    allowed_lateness: "60s",
    filter: " true",
    field: 'payload["a"]',
    decimals: null,
  };
  assert.ok(sameSpec(checked(same).spec, spec));
  const changes: Record<Exclude<keyof RuleSpec, "rule_id">, unknown> = {
    window_size: "1w",
    timezone: "Asia/Tokyo",
    metric: "avg",
    field: "payload.b",
    decimals: 0,
    group_by: ["user_id"],
    max_groups: 7,
    filter: "false",
    having: "value > 1",
    top_n: 3,
    window_type: "cumulative",
    hop: "1h",
    allowed_lateness: "2m",
    late_policy: "drop",
    retention: "30d",
    active: false,
  };
  const needed: Readonly<Record<string, object>> = {
    top_n: { group_by: ["user_id"] },
    max_groups: { group_by: ["user_id"] },
    window_type: { hop: "2h" },
    hop: { hop: "2h" },
  };
  for (const [key, value] of Object.entries(changes)) {
    const before = checked({ ...base, ...needed[key] }).spec;
    assert.ok(!sameSpec(checked({ ...base, ...needed[key], [key]: value }).spec, before), `${key} makes no difference`);
  }
  assert.ok(!sameSpec(checked({ ...base, rule_id: "s" }).spec, spec));
});

test("aliases mean their metric", () => {
  assert.equal(checked({ ...good, metric: "event_count" }).metric, "count");
  const users = checked({ ...good, metric: "active_users" });
  assert.deepEqual([users.metric, users.field, users.spec.metric], ["uniq_exact", { kind: "user_id" }, "active_users"]);
  assert.ok(sameSpec(checked({ ...good, metric: "active_users", field: "user_id" }).spec, users.spec));
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

/** Bodies near enough to a rule that some of them are one. */
const nearRule = fc.record(
  {
    rule_id: fc.constantFrom("r", "a.b-c_1", ""),
    window_size: fc.constantFrom("10m", "1d", "24h", "1w", "1mo", "2w", "0s"),
    window_type: fc.constantFrom("tumbling", null, "hopping"),
    timezone: fc.constantFrom("UTC", "etc/utc", "Europe/Kyiv", "Australia/Adelaide", "US/Pacific", null, "x"),
    metric: fc.constantFrom("count", "event_count", "active_users", "sum", "p99.90", "p5", "top_k", "rate", "p0"),
    field: fc.constantFrom("payload.a", 'payload["a"]["b c"]', "user_id", null),
    decimals: fc.constantFrom(0, -0, 2, 9, null, 10),
    group_by: fc.constantFrom([], ["event_type", 'payload["x"]'], null),
    filter: fc.constantFrom("true", '  payload.a > 1 && event_type in ["a"] ', null, "payload.a ="),
    allowed_lateness: fc.constantFrom("0s", "60s", "30d", null, "31d"),
    late_policy: fc.constantFrom("count", "drop", null),
    active: fc.constantFrom(true, false, null),
  },
  { requiredKeys: ["rule_id", "window_size", "metric"] },
);

test("the spec of a spec is itself, also after it was stored", () => {
  let taken = 0;
  fc.assert(
    fc.property(nearRule, (body) => {
      const parsed = parseRule(body);
      if (!parsed.ok) return;
      taken += 1;
      const again = checked(JSON.parse(JSON.stringify(parsed.rule.spec)));
      assert.deepEqual(again, parsed.rule);
      assert.ok(sameSpec(again.spec, parsed.rule.spec));
    }),
    { numRuns: 2000 },
  );
  assert.ok(taken > 20, `only ${taken} were rules`);
});

test("a having that is taken is read back as it was, however few spaces and digits it was sent with", () => {
  const written = [
    "1e20",
    "-1e20",
    "1234567890123456",
    "-1234567890123456",
    "1e300",
    "-1.234567890123456e-6",
    "5e-324",
  ];
  const number = fc.oneof(fc.constantFrom(...written), fc.double({ noNaN: true, noDefaultInfinity: true }).map(String));
  const operator = fc.constantFrom("==", "!=", "<", "<=", ">", ">=");
  const comparison = fc.tuple(operator, number, fc.boolean()).map(([is, than, turned]) => {
    return turned ? `${than}${is}value` : `value${is}${than}`;
  });
  const ten = fc.array(comparison, { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(fc.oneof(fc.array(comparison, { minLength: 1, maxLength: 10 }), ten), (comparisons) => {
      const rule = checked({ ...good, having: comparisons.join("&&") });
      assert.equal(rule.having.length, comparisons.length);
      assert.deepEqual(checked(JSON.parse(JSON.stringify(rule.spec))), rule);
    }),
    { examples: written.map((than) => [Array.from({ length: 10 }, () => `value>=${than}`)]) },
  );
});

test("no JSON makes the parser throw, and what it refuses has a reason", () => {
  const keys = fc.constantFrom(
    "rule_id",
    "window_size",
    "metric",
    "filter",
    "timezone",
    "decimals",
    "late_policy",
    "hop",
  );
  const body = fc.oneof(fc.jsonValue(), fc.dictionary(fc.oneof(keys, fc.string()), fc.jsonValue()));
  fc.assert(
    fc.property(body, (json) => {
      const parsed = parseRule(json);
      assert.ok(parsed.ok || parsed.problems.every(({ message }) => message !== ""));
    }),
  );
});
