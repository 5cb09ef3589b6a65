import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../test/support/simulated-clock.ts";
import { planRollup } from "../rollup/plan.ts";
import { parseRule } from "../rule/parse.ts";
import { CostMeter } from "./cost-meter.ts";

function plan(...bodies: object[]) {
  const targets = bodies.map((body, index) => {
    const parsed = parseRule({ rule_id: "r", window_size: "1m", metric: "count", group_by: ["event_type"], ...body });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return { series: 16 + index, rule: parsed.rule };
  });
  return planRollup(targets);
}

const near = (actual: number | undefined, expected: number): void =>
  assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-9, `${actual} is not ${expected}`);

test("the time of rollups is divided whole among the rules, equally among equal ones", () => {
  const meter = new CostMeter(new SimulatedClock(0));
  const rules = plan({}, {}, { metric: "sum", field: "payload.price", filter: 'payload.country == "DE"' });
  meter.add(rules, 50_000, 100);
  meter.add(rules, 50_000, 200);
  const [a, b, c] = [16, 17, 18].map((series) => meter.of(series)!);
  near(a!.share + b!.share + c!.share, 1);
  near(a!.share, b!.share);
  near(a!.msPer100kEvents + b!.msPer100kEvents + c!.msPer100kEvents, 300);
  assert.ok(c!.share > 3 * a!.share, "what reads the payload alone costs more");
});

test("what rules share costs each of them less than alone", () => {
  const reading = { metric: "sum", field: "payload.price", filter: "payload.price > 1.0" };
  const cost = (...bodies: object[]): number => {
    const meter = new CostMeter(new SimulatedClock(0));
    meter.add(plan({ group_by: ["user_id"] }, ...bodies), 100_000, 100);
    return meter.of(17)!.share;
  };
  assert.ok(cost(reading, { ...reading, metric: "max" }) < cost(reading));
});

test("what was long ago counts less; what was not counted of late has no cost", async () => {
  const clock = new SimulatedClock(0);
  const meter = new CostMeter(clock);
  assert.equal(meter.of(16), null);
  meter.add(plan({}), 1000, 10);
  near(meter.of(16)?.share, 1);
  await clock.advance(300_000);
  meter.add(plan({ rule_id: "other" }, {}), 1000, 10);
  const [first, second] = [meter.of(16)!, meter.of(17)!];
  near(first.share, 10 / 15);
  near(second.share, 5 / 15);
  await clock.advance(300_000 * 60);
  assert.equal(meter.of(16), null);
});
