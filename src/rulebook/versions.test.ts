import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planRollup } from "../rollup/plan.ts";
import { parseRule } from "../rule/parse.ts";
import type { RulePhase, RuleRecord } from "../rule/registry.ts";
import { oldestKept } from "../rule/retention.ts";
import type { CheckedRule, RuleSpec } from "../rule/rule.ts";
import { answering, computed, newest, readable, withSpec } from "./versions.ts";

const now = Date.UTC(2026, 0, 13, 12);
const body: RuleSpec = { rule_id: "r", window_size: "1m", metric: "count", group_by: ["event_type"], active: true };

function ruleOf(fields: object): CheckedRule {
  const parsed = parseRule({ ...body, ...fields });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.rule;
}

/** A record of one version in each of these phases, by the fields that its spec has beside `body`. */
function recordOf(...versions: readonly (readonly [RulePhase, object])[]): RuleRecord {
  return {
    rule_id: "r",
    revision: 1,
    versions: versions.map(([phase, fields], index) => ({
      version: index + 1,
      spec: ruleOf(fields).spec,
      series: 16 + index,
      phase,
      activation: { 0: 7 },
      createdAt: now,
    })),
  };
}

const changed = (record: RuleRecord, fields: object): RuleRecord =>
  withSpec(record, ruleOf(fields).spec, { series: 99, now });

const standing = (record: RuleRecord): string[] => record.versions.map(({ phase, series }) => `${phase} ${series}`);

test("what only concerns reading takes the series over and answers at once", () => {
  for (const fields of [{ having: "value > 1" }, { top_n: 3 }, { retention: "1d" }]) {
    const record = changed(recordOf(["live", {}]), fields);
    assert.deepEqual(standing(record), ["retired 16", "live 16"], JSON.stringify(fields));
    assert.deepEqual(newest(record).activation, { 0: 7 });
    assert.equal(answering(record).version.version, 2);
    assert.deepEqual(
      computed([record]).map(({ series, filling }) => [series, filling]),
      [[16, false]],
    );
  }
});

test("windows of the same panes, and levels of a quantile, are read from what is there", () => {
  const hourly = { window_size: "1h", hop: "5m" };
  const same: [object, object][] = [
    [hourly, { window_size: "1d", hop: "5m" }],
    [hourly, { window_size: "5m" }],
    [hourly, { ...hourly, window_type: "cumulative" }],
    [
      { metric: "p50", field: "payload.a" },
      { metric: "p99.9", field: "payload.a" },
    ],
  ];
  for (const [before, after] of same)
    assert.deepEqual(standing(changed(recordOf(["live", before]), after)), ["retired 16", "live 16"]);
  assert.deepEqual(standing(changed(recordOf(["live", hourly]), { window_size: "1h" })), ["live 16", "pending 99"]);
});

test("a longer retention is filled: what it brings back may have gone", () => {
  const kept = (before: object, after: object): string =>
    standing(changed(recordOf(["live", before]), after)).at(-1) ?? "";
  assert.equal(kept({ retention: "2h" }, { retention: "1h" }), "live 16");
  assert.equal(kept({ retention: "60m" }, { retention: "1h", top_n: 1 }), "live 16");
  assert.equal(kept({ retention: "1h" }, { retention: "2h" }), "pending 99");
  assert.equal(kept({ retention: "1h" }, {}), "pending 99");
  const hopping = { window_size: "1h", hop: "5m" };
  assert.equal(kept({ ...hopping, retention: "1d" }, { window_size: "2h", hop: "5m", retention: "1d" }), "pending 99");
  const shortened = changed(recordOf(["live", {}]), { retention: "1h" });
  assert.equal(standing(changed(shortened, {})).at(-1), "pending 99", "also where the version before the last had it");
});

test("while a version is filled, its reading can be changed, and the one that answers can be taken up again", () => {
  const record = recordOf(["live", {}], ["filling", { window_size: "5m" }]);
  const reread = changed(record, { window_size: "5m", top_n: 1 });
  assert.deepEqual(standing(reread), ["live 16", "retired 17", "filling 17"]);
  assert.equal(answering(reread).version.version, 1);
  assert.deepEqual(standing(changed(record, { having: "value > 1" })), ["retired 16", "retired 17", "live 16"]);
  const refilled = recordOf(["live", { retention: "1h" }], ["filling", {}]);
  assert.deepEqual(standing(changed(refilled, { retention: "2h" })), ["live 16", "retired 17", "filling 17"]);
});

test("a pause can be made and read otherwise in one; going on is filled, as events are missing", () => {
  const inactive = { active: false, having: "value > 1" };
  const paused = changed(recordOf(["live", {}]), inactive);
  assert.deepEqual(standing(paused), ["retired 16", "paused 16"]);
  assert.equal(answering(paused).version.version, 2);
  const reread = changed(paused, { active: false, top_n: 2 });
  assert.deepEqual(standing(reread), ["retired 16", "retired 16", "paused 16"]);
  assert.equal(answering(reread).rule.topN, 2);
  assert.deepEqual(standing(changed(paused, { having: "value > 1" })), ["retired 16", "paused 16", "pending 99"]);
  const partly = changed(recordOf(["filling", {}]), inactive);
  assert.deepEqual(standing(partly), ["retired 16", "paused 99"], "what is half filled does not answer");
});

test("a version that was read otherwise can be read on, as far as its windows are kept now", () => {
  const record = changed(recordOf(["live", { having: "value > 1" }]), { retention: "1h" });
  const first = readable(record, 1, now);
  assert.deepEqual([first?.version.version, first?.version.phase, first?.rule.having.length], [1, "live", 1]);
  assert.equal(first?.keeper.retentionSeconds, 3600);
  const paused = changed(record, { retention: "1h", active: false });
  assert.equal(readable(paused, 1, now)?.version.phase, "paused");
});

test("any edit: the series is the same exactly where the plan is, and nothing that is to be kept can have gone", () => {
  let [taken, filled] = [0, 0];
  fc.assert(
    fc.property(spec, spec, fc.subarray(keys), (before, other, edited) => {
      const after = { ...before, ...Object.fromEntries(edited.map((key) => [key, other[key]])) };
      const [a, b] = [parseRule(before), parseRule(after)];
      fc.pre(a.ok && b.ok);
      const record = changed(recordOf(["live", a.rule.spec]), b.rule.spec);
      const isTaken = newest(record).series === 16;
      if (isTaken) taken += 1;
      else filled += 1;
      assert.equal(isTaken, planOf(a.rule) === planOf(b.rule) && isKept(a.rule, b.rule));
      if (!isTaken) return assert.deepEqual(standing(record), ["live 16", "pending 99"]);
      assert.deepEqual(standing(record), ["retired 16", "live 16"]);
      for (const at of [now, now + 61_000, now + 40 * 86_400_000])
        assert.ok(oldestKept(b.rule, at) >= oldestKept(a.rule, at), "the older one keeps what the newer one answers");
    }),
    { numRuns: 2000 },
  );
  assert.ok(taken > 100 && filled > 100, `${taken} taken over, ${filled} filled`);
});

/** Rows that are stored are a pure function of the plan, and of the bound on groups, which the processor watches. */
const planOf = (rule: CheckedRule): string => JSON.stringify([planRollup([{ series: 16, rule }]), rule.maxGroups]);

function isKept(before: CheckedRule, after: CheckedRule): boolean {
  const [long, longer] = [before.retentionSeconds ?? Infinity, after.retentionSeconds ?? Infinity];
  return long === Infinity || (longer <= long && JSON.stringify(before.window) === JSON.stringify(after.window));
}

const windows = [
  { window_size: "1h" },
  { window_size: "60m" },
  { window_size: "5m" },
  { window_size: "1h", hop: "5m" },
  { window_size: "2h", hop: "5m" },
  { window_size: "1h", hop: "5m", window_type: "cumulative" },
  { window_size: "1d", timezone: "Europe/Berlin" },
  { window_size: "1d", timezone: "America/New_York" },
  { window_size: "1d", timezone: "Europe/Berlin", hop: "1h", window_type: "cumulative" },
];
const metrics = [
  { metric: "count" },
  { metric: "rate" },
  { metric: "sum", field: "payload.a" },
  { metric: "sum", field: "payload.a", decimals: 2 },
  { metric: "avg", field: "payload.b" },
  { metric: "p50", field: "payload.a" },
  { metric: "p95", field: "payload.a" },
  { metric: "uniq_exact", field: "user_id" },
  { metric: "active_users" },
];
const spec = fc
  .tuple(
    fc.constantFrom(...windows),
    fc.constantFrom(...metrics),
    fc.record({
      group_by: fc.constantFrom(["event_type"], ["payload.a"], ["event_type", "payload.a"], ['payload["a"]']),
      max_groups: fc.constantFrom(undefined, 10, 20),
      filter: fc.constantFrom(undefined, "payload.a > 1", "payload.a  >  1", "payload.a > 2"),
      having: fc.constantFrom(undefined, "value > 1", "value < 5"),
      top_n: fc.constantFrom(undefined, 1, 2),
      allowed_lateness: fc.constantFrom(undefined, "0s", "1m"),
      late_policy: fc.constantFrom(undefined, "count" as const, "drop" as const),
      retention: fc.constantFrom(undefined, "1d", "24h", "2d", "30d"),
    }),
  )
  .map(([window, metric, more]): Readonly<Record<string, unknown>> => ({
    rule_id: "r",
    ...none,
    ...window,
    ...metric,
    ...more,
  }));
const none = { hop: undefined, window_type: undefined, timezone: undefined, field: undefined, decimals: undefined };
const keys = [
  ...["window_size", "hop", "window_type", "timezone", "metric", "field", "decimals", "group_by", "max_groups"],
  "filter",
  ...["having", "top_n", "allowed_lateness", "late_policy", "retention"],
];
