import assert from "node:assert/strict";
import { test } from "node:test";
import { type OffsetRange, offset, src } from "../event/position.ts";
import { WeirError } from "../lib/errors.ts";
import { type RollupPlan, planRollup } from "../rollup/plan.ts";
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
  const found = await faultyRules(store, targets, range, planRollup);
  assert.deepEqual(
    found.map(({ target, reason }) => [target.rule_id, reason]),
    [
      ["r2", "for 18"],
      ["r15", "for 31"],
    ],
  );
  assert.ok(store.asked.length <= 22, `${store.asked.length} trials`);
  assert.deepEqual(await faultyRules(refusing([]), targets, range, planRollup), []);
});

test("no rule is at fault when not even a rollup of none is taken", async () => {
  const tryRollUp = (): Promise<void> => Promise.reject(refusal("everything"));
  assert.deepEqual(await faultyRules({ tryRollUp }, targets, range, planRollup), []);
});

test("no rule is at fault where files of the store can't be read, whichever rules read them", async () => {
  const tryRollUp = async (_: OffsetRange, plan: RollupPlan): Promise<void> => {
    if (seriesOf(plan).includes(18)) throw new WeirError("store_damaged", "a part is damaged", { canRetry: true });
  };
  assert.deepEqual(await faultyRules({ tryRollUp }, targets, range, planRollup), []);
});

test("a store that is away says nothing of a rule", async () => {
  const tryRollUp = (): Promise<void> => Promise.reject(new WeirError("store_unavailable", "away", { canRetry: true }));
  await assert.rejects(faultyRules({ tryRollUp }, targets, range, planRollup), { code: "store_unavailable" });
});

test("of rules that are refused only together the newest are at fault, as few as it takes", async () => {
  for (const most of [0.5, 1, 7, 10, 19]) {
    const asked: number[][] = [];
    const tryRollUp = async (_: OffsetRange, plan: RollupPlan): Promise<void> => {
      asked.push(seriesOf(plan));
      if (seriesOf(plan).length > most) throw refusal("too large");
    };
    const found = await faultyRules({ tryRollUp }, targets.toReversed(), range, planRollup);
    const left = targets.filter((one) => !found.some(({ target }) => target === one));
    // Where one alone is too much, each is refused by itself.
    assert.deepEqual(
      left.map(({ series }) => series),
      targets.slice(0, Math.floor(most)).map(({ series }) => series),
    );
    assert.ok(asked.length <= 45, `${asked.length} trials`);
    if (most === 7)
      assert.equal(found[0]!.reason, "with 7 older rules it is more than the store computes at once; too large");
  }
});

test("rules of unlike size are weighed, not counted", async () => {
  const sizeOf = (series: number): number => (series % 5 === 0 ? 40 : 1);
  const tryRollUp = async (_: OffsetRange, plan: RollupPlan): Promise<void> => {
    if (seriesOf(plan).reduce((sum, series) => sum + sizeOf(series), 0) > 100) throw refusal("too large");
  };
  const found = await faultyRules({ tryRollUp }, targets, range, planRollup);
  // 20, 25 and 30 are large, and the third is one too many.
  assert.deepEqual(
    found.map(({ target }) => target.series),
    targets.map(({ series }) => series).filter((series) => series >= 30),
  );
});
