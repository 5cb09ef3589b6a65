import { allStats } from "../../test/support/api.ts";
import { type AcknowledgedLoad, type BenchRule, expectedKey, expectedWindows, probeGroup } from "./rules.ts";

export interface Verdict {
  readonly windows: number;
  readonly wrong: readonly string[];
}

/** Compares every window of these rules with what the generator knows to be acknowledged. */
export async function verifyCounts(
  queryUrl: string,
  rules: readonly BenchRule[],
  loads: readonly AcknowledgedLoad[],
): Promise<Verdict> {
  const expected = expectedWindows(rules, loads);
  const dayMs = 86_400_000;
  const wrong: string[] = [];
  let windows = 0;
  for (const rule of rules) {
    const left = expected.get(rule.rule_id) ?? new Map<string, number>();
    windows += left.size;
    for (const row of await allStats(queryUrl, rule.rule_id, Date.now() - 2 * dayMs, Date.now() + dayMs)) {
      const groups = rule.group_by.map((name) => String(row[name]));
      if (groups.includes(probeGroup)) continue;
      const key = expectedKey(Date.parse(String(row["window_start"])), groups.join());
      if (!close(left.get(key), row["value"]))
        wrong.push(`${rule.rule_id} ${key}: ${String(row["value"])}, must be ${left.get(key)}`);
      left.delete(key);
    }
    for (const [key, value] of left) wrong.push(`${rule.rule_id} ${key}: no row, must be ${value}`);
  }
  return { windows, wrong };
}

/** Sums of doubles depend on their order by less than this share; counts do not. */
const tolerance = 1e-9;

function close(expected: number | undefined, value: unknown): boolean {
  return (
    expected !== undefined && typeof value === "number" && Math.abs(value - expected) <= tolerance * Math.abs(expected)
  );
}
