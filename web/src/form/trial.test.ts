import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { seenPage } from "../../../test/support/seen-page.ts";
import { settled } from "../../../test/support/simulated-clock.ts";
import { WeirError } from "../../../client/src/weir.ts";
import { keepTrying } from "./trial.ts";

/** Trials that end as `outcomes` say, the last of them again and again; at which ms each began, and what was told. */
function trial(t: TestContext, ...outcomes: (WeirError | string)[]) {
  const { mock } = t;
  const page = seenPage(t);
  mock.timers.enable({ apis: ["setTimeout"] });
  const [begun, told]: [number[], unknown[]] = [[], []];
  let now = 0;
  const attempt = async (): Promise<string> => {
    begun.push(now);
    const outcome = outcomes[Math.min(begun.length, outcomes.length) - 1] ?? "";
    if (outcome instanceof WeirError) throw outcome;
    return outcome;
  };
  const end = keepTrying(attempt, (outcome) =>
    told.push("answer" in outcome ? outcome.answer : [outcome.error.code, outcome.isRepeated]),
  );
  const pass = async (ms: number): Promise<void> => {
    for (const until = now + ms; now < until; await settled()) mock.timers.tick(((now += 50), 50));
  };
  return { page, begun, told, pass, end };
}

const busy = new WeirError("overloaded", "others are trying", { status: 429 });
const tooSlow = new WeirError("timeout", "it took more than 10 s", { status: 504 });

test("what may succeed later is tried again after pauses that double", async (t) => {
  const { begun, told, pass, end } = trial(t, busy);
  await pass(400_000);
  const pauses = begun.map((at, index) => at - (begun[index - 1] ?? 0));
  assert.deepEqual(pauses.slice(0, 7), [350, 1500, 3000, 6000, 12_000, 15_000, 15_000]);
  assert.deepEqual(told[0], ["overloaded", true]);
  end();
  const so = begun.length;
  await pass(100_000);
  assert.equal(begun.length, so);
});

test("a pause that the server asks for is kept, and what has succeeded is not tried again", async (t) => {
  const asking = new WeirError("overloaded", "later", { status: 429, retryAfterMs: 5000 });
  const { begun, told, pass } = trial(t, asking, "answer");
  await pass(100_000);
  assert.deepEqual([begun, told.at(-1)], [[350, 5350], "answer"]);
});

test("what took too long, or is wrong, is not tried again by itself", async (t) => {
  const wrong = new WeirError("invalid_rule", "no", { status: 422 });
  for (const error of [tooSlow, wrong]) {
    const { begun, told, pass } = trial(t, error);
    await pass(100_000);
    assert.deepEqual([begun, told], [[350], [[error.code, false]]]);
    t.mock.timers.reset();
  }
});

test("nothing is tried in a page that nobody sees", async (t) => {
  const { page, begun, pass, end } = trial(t, busy);
  page.hidden = true;
  await pass(60_000);
  assert.deepEqual(begun, []);
  page.hidden = false;
  await pass(1000);
  assert.equal(begun.length, 1);
  page.hidden = true;
  await pass(60_000);
  assert.equal(begun.length, 1);
  end();
});
