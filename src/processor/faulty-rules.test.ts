import assert from "node:assert/strict";
import { test } from "node:test";
import { type OffsetRange, offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import type { RollupPlan } from "../rollup/plan.ts";
import { parseRule } from "../rule/parse.ts";
import { faultyRules } from "./faulty-rules.ts";
import type { Target } from "./ports.ts";

const range: OffsetRange = { src: src(0), from: offset(0), to: offset(9) };
const targets = Array.from({ length: 20 }, (_, index): Target => {
  const parsed = parseRule({ rule_id: `r${index}`, window_size: "1m", metric: "count" });
  assert.ok(parsed.ok);
  return { rule_id: `r${index}`, series: 16 + index, rule: parsed.rule, activation: {}, filling: false };
});
const seriesOf = ({ shapes }: RollupPlan): number[] =>
  shapes.flatMap(({ members }) => members.map(({ series }) => series));
const refusal = (reason: string): WeirError => new WeirError("store_refused", "no", { details: { reason } });

/** A store that refuses plans with these series. */
const refusing = (bad: readonly number[]) => {
  const asked: number[][] = [];
  const tryRollUp = async (_: OffsetRange, plan: RollupPlan): Promise<void> => {
    const series = seriesOf(plan);
    asked.push(series);
    const first = bad.find((one) => series.includes(one));
    if (first !== undefined) throw refusal(`for ${first}`);
  };
  return { tryRollUp, asked };
};

test("those that the store refuses are found among the others, each with its reason", async () => {
  const store = refusing([18, 31]);
  const found = await faultyRules(store, targets, range);
  assert.deepEqual(
    found.map(({ target, reason }) => [target.rule_id, reason]),
    [
      ["r2", "for 18"],
      ["r15", "for 31"],
    ],
  );
  assert.ok(store.asked.length <= 22, `${store.asked.length} trials`);
  assert.deepEqual(await faultyRules(refusing([]), targets, range), []);
});

test("no rule is at fault when not even a rollup of none is taken", async () => {
  const tryRollUp = (): Promise<void> => Promise.reject(refusal("everything"));
  assert.deepEqual(await faultyRules({ tryRollUp }, targets, range), []);
});

test("a store that is away says nothing of a rule", async () => {
  const tryRollUp = (): Promise<void> => Promise.reject(new WeirError("store_unavailable", "away", { canRetry: true }));
  await assert.rejects(faultyRules({ tryRollUp }, targets, range), { code: "store_unavailable" });
});
