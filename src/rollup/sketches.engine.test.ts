import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { distributions, longDistributions, textLists } from "../../test/oracle/distributions.ts";
import { openEmbeddedEngine } from "../../test/support/embedded-engine.ts";
import { offset, src } from "../event/position.ts";
import { parseRule } from "../rule/parse.ts";
import { windowValue } from "./finish.ts";
import { planRollup, type RollupTarget } from "./plan.ts";
import { renderWindows } from "./read.ts";
import { renderRollup } from "./render.ts";

const levels = [0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9];
const batches = 6;

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;
// Every case has a partition and series of its own.
let nextSrc = 0;
let nextSeries = 16;

before(async () => {
  engine = await openEmbeddedEngine();
});

after(() => engine.close());

describe("a quantile is within one percent of the exact one, by value", () => {
  for (const one of [...distributions, ...longDistributions])
    test(one.name, async (t) => {
      const targets = levels.map((level) => target(`p${level}`));
      await count(one.numbers.map(text), targets);
      const sorted = Float64Array.from(one.numbers).sort();
      let worst = 0;
      for (const [at, level] of levels.entries()) {
        const [found, exact] = [await answerOf(targets[at]!), exactly(sorted, level)];
        const error = errorOf(found, exact);
        worst = Math.max(worst, error);
        assert.ok(error <= 0.01, `p${level} is ${found}, exactly ${exact}`);
      }
      t.diagnostic(`at most ${(worst * 100).toFixed(2)} % off`);
    });
});

test("magnitudes end where a sketch would take too much of the engine's memory", async () => {
  const [low, high] = [target("p25"), target("p75")];
  const ends = async (numbers: readonly string[], ...expected: readonly number[]): Promise<void> => {
    const targets = [low, high].map(({ rule }) => ({ series: nextSeries++, rule }));
    await count(numbers, targets);
    for (const [at, exact] of expected.entries()) {
      const found = await answerOf(targets[at]!);
      assert.ok(errorOf(found, exact) <= 0.01, `${found} for ${exact} of ${numbers.join(", ")}`);
    }
  };
  await ends(["-5e-31", "5e-31"], 0, 0);
  await ends(["-2e-30", "2e-30"], -2e-30, -2e-30);
  await ends(["5e29", "5e29", "3e30", "1.5e300"], 5e29, 1e30);
  await ends(["-1.5e300", "-3e30", "-5e29", "-5e29"], -1e30, -5e29);
});

describe("the number of different values is within two percent", () => {
  for (const { name, texts, different } of textLists)
    test(name, async (t) => {
      const near = target("uniq");
      await count(texts, [near]);
      const found = await answerOf(near);
      t.diagnostic(`${found} for ${different}`);
      assert.ok(Math.abs(found - different) <= different * 0.02, `${found} for ${different}`);
    });
});

const target = (metric: string): RollupTarget => {
  const parsed = parseRule({ rule_id: "r", window_size: "1h", metric, field: "payload.v" });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return { series: nextSeries++, rule: parsed.rule };
};

/** Rolls the values (JSON) up in batches, so that the answer is merged of many states. */
async function count(values: readonly string[], targets: readonly RollupTarget[]): Promise<void> {
  const at = nextSrc++;
  const lines = values.map((value, off) => `${at}\t${off}\t1768298400\t1768298400\te\tt\tu\t{"v":${value}}`);
  await engine.connection.insert("INSERT INTO raw_events FORMAT TSV", Buffer.from(lines.join("\n")));
  const plan = planRollup(targets);
  const size = Math.max(1, Math.ceil(values.length / batches));
  for (let from = 0; from < values.length; from += size) {
    const range = { src: src(at), from: offset(from), to: offset(Math.min(values.length, from + size) - 1) };
    await engine.connection.write(renderRollup(plan, range, { marks: [], counts: null, whole: "weir" }));
  }
}

/** As ingest writes it: an integer that leaves 64 bits gets an exponent. */
function text(value: number): string {
  if (Object.is(value, -0)) return "-0";
  return Math.abs(value) >= 2 ** 53 ? value.toExponential() : String(value).replace("e+", "e");
}

async function answerOf({ series, rule }: RollupTarget): Promise<number> {
  const query = { series, rule, from: 0, to: 4e12, filters: [], order: "newest", limit: 10 } as const;
  const [row, ...more] = await engine.connection.rows<{ value: unknown }>(renderWindows(query));
  assert.equal(more.length, 0);
  return Number(windowValue(rule, row?.value));
}

/** The number at the place ⌊level · (n − 1)⌋; the level in hundredths with one place behind the point. */
function exactly(sorted: Float64Array, level: number): number {
  return sorted[Math.floor((Math.round(level * 10) * (sorted.length - 1)) / 1000)]!;
}

/** How far the answer is from that, relative to it. */
const errorOf = (found: number, exact: number): number =>
  found === exact ? 0 : Math.abs(found - exact) / Math.abs(exact);
