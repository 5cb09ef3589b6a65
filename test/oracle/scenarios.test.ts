import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { metricInputs } from "../../src/rule/metric.ts";
import { parseRule } from "../../src/rule/parse.ts";
import { oracle } from "./oracle.ts";
import { filters, rule } from "./scenarios.ts";
import { chosen } from "./selection.ts";

const sample = fc.sample(rule, { seed: 1, numRuns: 3000 });

test("the random rules have every metric with every kind of window, and everything else that a rule says", () => {
  const metrics = [...Object.keys(metricInputs).filter((metric) => metric !== "quantile"), "p50"];
  const made = new Set(sample.map((one) => `${one.metric} ${kindOf(one)}`));
  const wanted = [...metrics, "event_count", "active_users"].flatMap((metric) =>
    ["tumbling", "hopping", "cumulative", "calendar", "calendar cumulative"].map((kind) => `${metric} ${kind}`),
  );
  assert.deepEqual(
    wanted.filter((one) => !made.has(one)),
    [],
  );
  const chosen = ["having", "top_n", "max_groups", "retention", "decimals", "filter"] as const;
  for (const key of [...chosen, "allowed_lateness", "late_policy"] as const)
    assert.ok(sample.some((one) => one[key] !== undefined) && sample.some((one) => one[key] === undefined), key);
});

test("none of them is refused, and the oracle answers each", () => {
  for (const one of sample) assert.ok(parseRule(one).ok, JSON.stringify(one));
  const event = {
    event_id: "e",
    event_type: "click",
    user_id: "u",
    timestamp: 1e12,
    payload: { a: 1 },
    receivedAt: 1e12,
  };
  assert.equal(oracle(sample, [event], filters).length, sample.length);
});

test("a row is open only where the last digit of its value decides whether it is chosen", () => {
  const window = { windowStart: 0, windowEnd: 60_000 };
  const rows = [
    { ...window, group: ["a"], value: 0.5 },
    { ...window, group: ["b"], value: 1, slack: 1e-12 },
    { ...window, group: ["c"], value: 1.5, slack: 1e-12 },
    { ...window, group: ["d"], value: 1.5, slack: 1e-12 },
    { ...window, group: ["e"], value: 2 },
    { ...window, group: ["f"], value: null },
    { ...window, group: ["g"], value: 0, slack: Infinity },
  ];
  const rule = { rule_id: "r", window_size: "1m", metric: "sum", group_by: ["user_id"] };
  const asked = (choice: object): string =>
    chosen({ ...rule, ...choice }, rows)
      .map(({ group, maybe }) => `${group[0]}${maybe ? "?" : ""}`)
      .join(" ");
  assert.equal(asked({ having: "value > 1" }), "b? c d e g?");
  assert.equal(asked({ having: "value >= 0 && value != 2" }), "a b c d g?");
  assert.equal(asked({ top_n: 1 }), "e? g?");
  assert.equal(asked({ top_n: 2, having: "value != 0" }), "c? d? e g?");
  assert.equal(asked({ top_n: 6 }), "a b c d e f? g?");
  assert.equal(asked({ top_n: 7 }), "a b c d e f g");
});

function kindOf({ window_size: size, window_type, hop, timezone }: (typeof sample)[number]): string {
  const calendar = timezone !== undefined || /[wo]$/.test(size) ? "calendar" : "";
  const kind = hop === undefined ? "" : (window_type ?? "hopping");
  return [calendar, kind].join(" ").trim() || "tumbling";
}
