import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isCelError, run } from "@bufbuild/cel";
import { Environment } from "@marcbachmann/cel-js";
import { type ConformanceCase, conformanceCases } from "../../test/oracle/cel-conformance.ts";
import { openEmbeddedEngine } from "../../test/support/embedded-engine.ts";
import { askFilters } from "../../test/support/filter-bench.ts";
import { parseFilter } from "../rule/cel/cel.ts";
import type { FilterExpression } from "../rule/cel/expression.ts";

/** Cases that filters answer otherwise, with the reason. */
const deviations: readonly (readonly [RegExp, string])[] = [
  [/^comparisons\/.*(_lossy_double|dyn_big_double_int)$/, "integers and doubles are compared by their exact values"],
  [/^conversions\/int\/double_int_min_range$/, "int() takes the double that is the smallest integer"],
  [/^timestamps\/(timestamp|duration)_range\//, "sums of times are not held within the years 1 to 9999"],
];

/** What the evaluator that comes with the parser answers otherwise than the specification. Filters don't use it. */
const evaluatorGaps =
  /^comparisons\/(eq_literal\/eq|ne_literal\/ne)_mixed_types$|_lossy_double$|dyn_big_double_int$|^conversions\/u?int\/|^integer_math\/int64_math\/int64_min_negate|^lists\/in\/\w+_in_|^timestamps\/(timestamp_conversions\/toInt|timestamp_selectors_tz\/getHours|timestamp_arithmetic\/add_time_to|\w+_range\/)/;

const event = { event_type: "t", user_id: "u", timestamp: 0, payload: {} };
const together = 100;

type Taken = ConformanceCase & { readonly expression: FilterExpression };

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;

before(async () => {
  engine = await openEmbeddedEngine();
});

after(() => engine.close());

test("the specification's conformance cases, as far as filters can say them", async (t) => {
  const { cases, left } = conformanceCases();
  const { taken, refused } = sorted(cases);
  for (const [reason, count] of [...left, ...refused]) t.diagnostic(`${count} left out: ${reason}`);
  const counts = { taken: taken.length, deviating: 0, "gaps of the parser's evaluator": 0 };
  assert.ok(taken.length >= 630, `only ${taken.length} cases are taken`);
  const answers = await askInBatches(taken.map((one) => one.expression));
  for (const [at, one] of taken.entries()) {
    assert.equal(reference(one.text), one.expected, `the reference evaluator: ${one.name}`);
    if (library(one.text) !== one.expected) {
      assert.match(one.name, evaluatorGaps, "a new gap of the parser's evaluator");
      counts["gaps of the parser's evaluator"] += 1;
    }
    if (deviations.some(([name]) => name.test(one.name))) counts.deviating += Number(answers[at] !== one.expected);
    else assert.equal(answers[at], one.expected, `${one.name}: ${one.text}`);
  }
  t.diagnostic(JSON.stringify(counts));
  assert.equal(counts.deviating, 13);
});

async function askInBatches(filters: readonly FilterExpression[]): Promise<(boolean | null)[]> {
  const all: (boolean | null)[] = [];
  for (let from = 0; from < filters.length; from += together) {
    const answers = await askFilters(engine.connection, filters.slice(from, from + together), [event]);
    all.push(...answers.map(([answer]) => answer!.exact));
  }
  return all;
}

interface Sorted {
  readonly taken: readonly Taken[];
  /** By reason: what has a value, but is not in the language of filters. */
  readonly refused: ReadonlyMap<string, number>;
}

function sorted(cases: readonly ConformanceCase[]): Sorted {
  const refused = new Map<string, number>();
  const taken: Taken[] = [];
  for (const one of cases) {
    const parsed = parseFilter(one.text);
    if (parsed.ok) taken.push({ ...one, expression: parsed.filter.expression });
    else {
      const reason =
        one.expected === null ? "is an error, told when the rule is made" : kindOf(parsed.problems[0]!.message);
      refused.set(reason, (refused.get(reason) ?? 0) + 1);
    }
  }
  return { taken, refused };
}

const kinds: readonly (readonly [RegExp, string])[] = [
  [/^there is no function|can't take|is not written like this/, "a function that filters don't have"],
  [/not available: filters don't look into lists|predicate/, "macros over lists"],
  [/is not expected here/, "messages, optional values, bytes in raw form, .5"],
  [/list|objects can't|only payload has|index|a key must be/, "lists and objects as values"],
  [/bytes/, "bytes"],
  [/is not known/, "names of types, enums and variables"],
  [/needs a|must be of one kind/, "types that are wrong beforehand"],
  [/millisecond|years/, "times that no event has"],
];

const kindOf = (message: string): string => kinds.find(([pattern]) => pattern.test(message))?.[1] ?? message;

function reference(text: string): unknown {
  const result = run(text);
  return isCelError(result) ? null : result;
}

const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });

function library(text: string): unknown {
  try {
    return environment.evaluate(text);
  } catch {
    return null;
  }
}
