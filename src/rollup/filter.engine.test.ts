import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { evaluate, JsonNumber } from "../../test/oracle/cel.ts";
import { event, filterText, hostileTexts, payloadText } from "../../test/oracle/cel-scenarios.ts";
import { openEmbeddedEngine } from "../../test/support/embedded-engine.ts";
import { askFilters, filterStatement } from "../../test/support/filter-bench.ts";
import { parseFilter } from "../rule/cel/cel.ts";
import type { Filter } from "../rule/cel/expression.ts";
import { zoneNames } from "../rule/cel/zone-names.ts";
import { patternFault } from "../rule/cel/pattern.ts";
import { payloadForms } from "./filter-values.ts";

const rounds = Number(process.env["WEIR_ROUNDS"] ?? 300);
const patternsDrawn = Number(process.env["WEIR_PATTERNS"] ?? 2500);
const seed = Number(process.env["WEIR_SEED"] ?? Date.now() % 0x7fff_ffff);
const together = 50;

let engine: Awaited<ReturnType<typeof openEmbeddedEngine>>;

before(async () => {
  engine = await openEmbeddedEngine();
});

after(() => engine.close());

test("any filter says of any event what plain evaluation says", async (t) => {
  t.diagnostic(`WEIR_SEED=${seed}, ${rounds} rounds`);
  const filters = taken(fc.sample(filterText, { seed, numRuns: rounds }));
  t.diagnostic(`${filters.length} of the filters are taken`);
  assert.ok(filters.length > rounds / 2, "most of the generated filters are refused");
  const events = fc.sample(event, { seed, numRuns: 60 });
  const seen = { true: 0, false: 0, null: 0 };
  for (let from = 0; from < filters.length; from += together) {
    const batch = filters.slice(from, from + together);
    const answers = await askFilters(
      engine.connection,
      batch.map((filter) => filter.expression),
      events,
    );
    for (const [at, filter] of batch.entries()) {
      for (const [index, one] of events.entries()) {
        const expected = evaluate(filter.expression, one);
        seen[`${expected}`] += 1;
        const where = `WEIR_SEED=${seed}: ${filter.text} of ${JSON.stringify({ ...one, payload: payloadText(one.payload) })}`;
        assert.equal(answers[at]![index]!.exact, expected, where);
        assert.equal(answers[at]![index]!.condition, expected === true, where);
      }
    }
  }
  t.diagnostic(JSON.stringify(seen));
});

test("a zero keeps its sign", async () => {
  const filters = taken([
    "1.0 / -0.0 < 0.0 && 1.0 / 0.0 > 0.0",
    "payload.a / -0.0 < 0.0 && payload.a / 0.0 > 0.0",
    "-0.0 == 0.0 && payload.z == -0.0 && payload.z in [-0.0]",
  ]);
  assert.equal(filters.length, 3);
  const event = { ...plain, payload: { a: new JsonNumber("7"), z: new JsonNumber("0") } };
  const answers = await askFilters(engine.connection, expressions(filters), [event]);
  for (const [at, filter] of filters.entries()) {
    assert.equal(evaluate(filter.expression, event), true, filter.text);
    assert.deepEqual(answers[at], [{ exact: true, condition: true }], filter.text);
  }
});

test("a double that is an integer has its own value, not that of its shortest digits", async () => {
  const filters = taken([
    "payload.a == 1.2345678901234568e18 && payload.a in [1.2345678901234568e18] && payload.a == double(payload.a)",
    "payload.a < 1234567890123456770 && payload.a == 1234567890123456768 && payload.a != 1234567890123456800",
    "int(payload.a) == 1234567890123456768 && payload.a % 1000 == 768 && payload.a < payload.n",
    "payload.b == 2.0000000000000004e19 && payload.b in [2.0000000000000004e19]",
    "payload.n == 1234567890123456800 && payload.n > 1.2345678901234568e18 && !(payload.n in [1.2345678901234568e18])",
  ]);
  assert.equal(filters.length, 5);
  const numbers = { a: "1.2345678901234568e+18", b: "2.0000000000000004e+19", n: "1234567890123456800" };
  const payload = Object.fromEntries(Object.entries(numbers).map(([key, token]) => [key, new JsonNumber(token)]));
  const answers = await askFilters(engine.connection, expressions(filters), [{ ...plain, payload }]);
  for (const [at, filter] of filters.entries()) {
    assert.equal(evaluate(filter.expression, { ...plain, payload }), true, filter.text);
    assert.deepEqual(answers[at], [{ exact: true, condition: true }], filter.text);
  }
});

test("no value of a filter is taken for SQL", async () => {
  // Two harmless texts: one that is compared as JSON, one that is decoded.
  const harmless = new Set(["zz", "ü"].map((text) => filterStatement(expressions(filtersWith(text)), [plain]).sql));
  for (const text of hostileTexts) {
    const filters = expressions(filtersWith(text));
    const event = { ...plain, event_type: text, payload: { [text]: text, list: [text] } };
    assert.ok(harmless.has(filterStatement(filters, [event]).sql), `the SQL is another with ${text}`);
    const answers = await askFilters(engine.connection, filters, [event]);
    for (const [answer] of answers) assert.deepEqual(answer, { exact: true, condition: true }, text);
  }
  const [row] = await engine.connection.rows<{ n: number }>({
    sql: "SELECT toFloat64(count()) AS n FROM system.tables WHERE database = currentDatabase() AND name = 'raw_events'",
    parameters: {},
  });
  assert.equal(row?.n, 1);
});

function filtersWith(text: string): Filter[] {
  const quoted = JSON.stringify(text).replaceAll("\u007f", "\\u007f");
  const filters = taken([
    `event_type == ${quoted}`,
    `payload[${quoted}] == ${quoted}`,
    `payload[${quoted}] in [${quoted}, "other"] && event_type in ["other", ${quoted}]`,
    `payload[${quoted}].contains(${quoted}) && user_id + ${quoted} == "u" + event_type`,
    `payload[${quoted}].startsWith(${quoted}) && event_type.endsWith(${quoted})`,
    `payload[${quoted}] >= ${quoted} && !(payload[${quoted}] < ${quoted})`,
    `size(payload[${quoted}]) == ${[...text].length}`,
    `has(payload[${quoted}])`,
  ]);
  assert.equal(filters.length, 8, text);
  return filters;
}

/** Where expressions are tried by going back, each of them takes years over a long text. */
const bombs = ["(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*a){20}", "^(([a-z])+.)+[A-Z]([a-z])+$"];
const longText = `${"a".repeat(3000)}!`;

test("every pattern that is taken is one of the engine's, and finds what it should", async (t) => {
  const piece = fc.constantFrom(
    ..."a b . ^ $ | ( ) (?: (?i) [ ] [^ - \\d \\W \\pL \\p{Greek} \\. \\x41 \\b * + ? *? {2} {1,3} {2,}? [[:alpha:]] [a-z] é 🎉 \\n \\\\".split(
      " ",
    ),
    "\0",
  );
  const patterns = fc
    .sample(fc.array(piece, { maxLength: 8 }), { seed, numRuns: patternsDrawn })
    .map((pieces) => pieces.join(""))
    .filter((pattern) => patternFault(pattern) === null);
  const large = ["(a{30}){33}", "(?i)\\pL{12}", "[\\pL\\pN]{6}", ".{450}", "(?:é{31}){32}", "(((a*)*)*)*"];
  for (const pattern of [...large, ...bombs]) assert.equal(patternFault(pattern), null, pattern);
  const all = [...new Set([...patterns, ...large, ...bombs])];
  assert.ok(all.length > 300);
  const texts = ["", "a", "ab", "aab.", "é🎉", "b\na", "A", "-^", "\\", "\0a"];
  const events = [...texts, longText].map((text) => ({ ...plain, event_type: text }));
  let compared = 0;
  for (let from = 0; from < all.length; from += 200) {
    const filters = all
      .slice(from, from + 200)
      .map((pattern) => ({ kind: "matches", text: anyText, pattern }) as const);
    const answers = await askFilters(engine.connection, filters, events);
    for (const [at, filter] of filters.entries()) {
      if (!meansTheSameInJavaScript(filter.pattern)) continue;
      compared += 1;
      for (const [index, event] of events.slice(0, texts.length).entries())
        assert.equal(
          answers[at]![index]!.exact,
          evaluate(filter, event),
          `${filter.pattern} in ${JSON.stringify(event.event_type)}`,
        );
    }
  }
  t.diagnostic(`${all.length} patterns, ${compared} of them compared`);
  assert.ok(compared > 150);
});

function meansTheSameInJavaScript(pattern: string): boolean {
  if (/\(\?|\\[pPAz]|\[:|\[\^?[^\]]*\./.test(pattern)) return false;
  try {
    return new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

test("the engine knows every time zone that is taken", async () => {
  const rows = await engine.connection.rows<{ time_zone: string }>({
    sql: "SELECT time_zone FROM system.time_zones",
    parameters: {},
  });
  const known = new Set(rows.map((row) => row.time_zone));
  assert.deepEqual(
    [...zoneNames].filter((zone) => !known.has(zone)),
    [],
  );
});

test("texts are equal however the payload's JSON writes them", async () => {
  const [row] = await engine.connection.rows({
    sql: `SELECT ${payloadForms.string("raw")} AS text, raw = '"A/b"' AS same FROM (SELECT JSONExtractRaw({payload:String}, 'v') AS raw)`,
    parameters: { payload: '{"v":"\\u0041\\/b"}' },
  });
  assert.deepEqual(row, { text: "A/b", same: 1 });
});

const plain = { event_type: "t", user_id: "u", timestamp: 1_768_298_400_000, payload: {} };
const anyText = { kind: "field", field: { kind: "event_type" } } as const;
const expressions = (filters: readonly Filter[]) => filters.map((filter) => filter.expression);

function taken(texts: readonly string[]): Filter[] {
  return texts.flatMap((text) => {
    const parsed = parseFilter(text);
    return parsed.ok ? [parsed.filter] : [];
  });
}
