import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRule } from "../rule/parse.ts";
import { LivePlans, plansMax } from "./live-plans.ts";
import type { Target } from "./ports.ts";

function target(series: number): Target {
  const parsed = parseRule({ rule_id: `r${series}`, window_size: "1m", metric: "count" });
  assert.ok(parsed.ok);
  return { rule_id: `r${series}`, series, rule: parsed.rule, activation: {}, filling: false };
}

const none: ReadonlySet<number> = new Set();

test("the same rules have one plan, whichever partition asks, and another for every other form of them", () => {
  const plans = new LivePlans();
  const forms = (): unknown[] => [
    plans.of([target(16)], "close", none),
    plans.of([target(16)], "scattered", none),
    plans.of([target(16)], "close", new Set([16])),
    plans.of([target(16), target(17)], "close", none),
    plans.of([], "close", none),
  ];
  const first = forms();
  assert.equal(new Set(first).size, first.length);
  for (const [index, plan] of forms().entries()) assert.equal(plan, first[index]);
});

test("the plans that were used last are kept", () => {
  const plans = new LivePlans();
  const planOf = (series: number): unknown => plans.of([target(series)], "close", none);
  const used = planOf(16);
  const left = planOf(17);
  for (let series = 18; series < 18 + plansMax; series += 1) {
    planOf(series);
    assert.equal(planOf(16), used);
  }
  assert.notEqual(planOf(17), left);
});
