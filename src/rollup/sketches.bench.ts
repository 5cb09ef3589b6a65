import { distributions, longDistributions, textLists } from "../../test/oracle/distributions.ts";
import { openEmbeddedEngine } from "../../test/support/embedded-engine.ts";

/*
 * What sketches cost and how far they are off, as tables for docs/decisions/0014. `node src/rollup/sketches.bench.ts`, some
 * minutes. Errors are by value, the worst of all distributions in `test/oracle/` and levels, each merged of six states.
 */
const levels = [0.1, 1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9];
const batches = 6;

interface Sketch {
  readonly name: string;
  /** Parameters in front of the levels of a quantile, or alone. */
  readonly parameters?: string;
  /** What the answer is divided by. */
  readonly scale?: number;
}

const quantiles: readonly Sketch[] = [
  { name: "quantilesDD", parameters: "0.004", scale: 1.004 },
  { name: "quantilesDD", parameters: "0.01" },
  { name: "quantilesTDigest" },
  { name: "quantilesGK", parameters: "100" },
  { name: "quantilesGK", parameters: "1000" },
  { name: "quantilesBFloat16" },
  { name: "quantiles" },
  { name: "quantilesExact" },
];
const uniques: readonly Sketch[] = [
  { name: "uniqCombined64", parameters: "16" },
  { name: "uniqCombined64", parameters: "17" },
  { name: "uniqCombined64", parameters: "14" },
  { name: "uniqHLL12" },
  { name: "uniq" },
  { name: "uniqExact" },
];

const title = ({ name, parameters }: Sketch): string => (parameters === undefined ? name : `${name}(${parameters})`);
const percent = (share: number): string =>
  share > 1 ? "over 100 %" : `${(share * 100).toFixed(share < 0.1 ? 2 : 0)} %`;

const engine = await openEmbeddedEngine();
const { connection } = engine;
await connection.write({
  sql: "CREATE TABLE samples (dist UInt16, batch UInt8, v Float64) ENGINE = Memory",
  parameters: {},
});
await connection.write({
  sql: "CREATE TABLE texts (list UInt16, batch UInt8, v String) ENGINE = Memory",
  parameters: {},
});
const all = [...distributions, ...longDistributions];
for (const [dist, { numbers }] of all.entries())
  await insert(
    "samples",
    numbers.map((value, at) => `${dist}\t${at % batches}\t${value}`),
  );
for (const [list, { texts }] of textLists.entries())
  await insert(
    "texts",
    texts.map((value, at) => `${list}\t${at % batches}\t${JSON.parse(value)}`),
  );
await quantileTable();
await uniqueTable();
await engine.close();

async function quantileTable(): Promise<void> {
  console.log(
    "| aggregate | worst error | distributions over 1 % | ns a row | µs a merge | bytes of 10 / 1,000 / 100,000 values |",
  );
  for (const sketch of quantiles) {
    const errors = await errorsOf(sketch);
    const [at, worst] = [...errors].toSorted((a, b) => b[1] - a[1])[0]!;
    const over = [...errors.values()].filter((error) => error > 0.01).length;
    const costs = await costsOf(sketch, call(sketch, "State", levels), call(sketch, "Merge", levels), "v");
    console.log(`| ${title(sketch)} | ${percent(worst)} (${at}) | ${over} of ${errors.size} | ${costs} |`);
  }
}

async function uniqueTable(): Promise<void> {
  console.log("| aggregate | worst error | ns a row | µs a merge | bytes of 10 / 1,000 / 100,000 values |");
  for (const sketch of uniques) {
    const sql = `SELECT toFloat64(${call(sketch, "Merge", [])}(s)) AS found FROM (SELECT list, batch, ${call(sketch, "State", [])}(v) AS s FROM texts GROUP BY list, batch) GROUP BY list ORDER BY list`;
    const rows = await connection.rows<{ found: number }>({ sql, parameters: {} });
    const errors = rows.map(({ found }, list) => Math.abs(found / textLists[list]!.different - 1));
    const costs = await costsOf(sketch, call(sketch, "State", []), call(sketch, "Merge", []), "toString(v)");
    console.log(`| ${title(sketch)} | ${percent(Math.max(...errors))} | ${costs} |`);
  }
}

/** The worst error of each distribution. */
async function errorsOf(sketch: Sketch): Promise<Map<string, number>> {
  const sql = `SELECT arrayMap(x -> toFloat64(x), ${call(sketch, "Merge", levels)}(s)) AS found FROM (SELECT dist, batch, ${call(sketch, "State", levels)}(v) AS s FROM samples GROUP BY dist, batch) GROUP BY dist ORDER BY dist`;
  const rows = await connection.rows<{ found: number[] }>({ sql, parameters: {} });
  return new Map(
    rows.map(({ found }, dist) => {
      const sorted = Float64Array.from(all[dist]!.numbers).sort();
      const errors = levels.map((level, at) => errorOf(found[at]! / (sketch.scale ?? 1), sorted, level / 100));
      return [all[dist]!.name, Math.max(...errors)];
    }),
  );
}

/** Relative to the nearer of the numbers on both sides of the rank. */
function errorOf(found: number, sorted: Float64Array, level: number): number {
  const rank = level * (sorted.length - 1);
  const off = (exact: number): number => (found === exact ? 0 : Math.abs(found - exact) / Math.abs(exact));
  return Math.min(off(sorted[Math.floor(rank)]!), off(sorted[Math.ceil(rank)]!));
}

/** In one thread: two million rows into a hundred states; ten thousand states of a hundred values into one. */
async function costsOf(sketch: Sketch, state: string, merge: string, value: string): Promise<string> {
  const one = "SETTINGS max_threads = 1, max_memory_usage = 8000000000";
  const from = (rows: number): string => `(SELECT number, exp(sipHash64(number) / 4e18) AS v FROM numbers(${rows}))`;
  const bare = await seconds(`SELECT number % 100 AS g, any(${value}) FROM ${from(2e6)} GROUP BY g FORMAT Null ${one}`);
  const fed = await seconds(
    `SELECT number % 100 AS g, ${state}(${value}) FROM ${from(2e6)} GROUP BY g FORMAT Null ${one}`,
  );
  const table = `merged_${sketch.name}_${sketch.parameters?.replace(/\D/g, "") ?? ""}`;
  await connection.write({
    sql: `CREATE TABLE ${table} ENGINE = Memory AS SELECT number % 10000 AS g, ${state}(${value}) AS s FROM ${from(1e6)} GROUP BY g`,
    parameters: {},
  });
  const merged = await seconds(`SELECT ${merge}(s) FROM ${table} FORMAT Null ${one}`);
  const sizes = await Promise.all(
    [10, 1000, 100_000].map((rows) => sizeOf(`SELECT ${state}(${value}) AS s FROM ${from(rows)}`)),
  );
  return `${((fed - bare) * 500).toFixed(0)} | ${(merged * 100).toFixed(1)} | ${sizes.join(" / ")}`;
}

async function sizeOf(states: string): Promise<number> {
  const sql = `SELECT toFloat64(length(base64Decode(base64Encode(CAST(s, 'String'))))) AS bytes FROM (${states})`;
  return (await connection.rows<{ bytes: number }>({ sql, parameters: {} }))[0]!.bytes;
}

/** The least of three. */
async function seconds(sql: string): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < 3; round++) {
    const started = performance.now();
    await connection.write({ sql, parameters: {} });
    least = Math.min(least, (performance.now() - started) / 1000);
  }
  return least;
}

async function insert(table: string, lines: readonly string[]): Promise<void> {
  await connection.insert(`INSERT INTO ${table} FORMAT TSV`, Buffer.from(lines.join("\n")));
}

function call({ name, parameters }: Sketch, suffix: "State" | "Merge", asked: readonly number[]): string {
  const given = [...(parameters === undefined ? [] : [parameters]), ...asked.map((level) => level / 100)];
  return `${name}${suffix}${given.length === 0 ? "" : `(${given.join(", ")})`}`;
}
