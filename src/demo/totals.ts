import type { DemoRow } from "./demo-client.ts";
import type { DemoRule } from "./demo-rules.ts";

/** What a rule's windows come to. */
export interface Total {
  readonly rule_id: string;
  readonly what: string;
  /** The rows of all windows. */
  readonly rows: number;
  /** Sum over all rows, for rules whose windows add up. */
  readonly total?: number;
  /** By group, largest first: sums over all windows where they add up, else the values of the newest window. */
  readonly groups: readonly (readonly [group: string, value: number])[];
}

/** @param rows all rows of the rule, newest window first. */
export function totalOf(rule: DemoRule, rows: readonly DemoRow[]): Total {
  const newest = rows[0]?.["window_start"];
  const telling = rule.adds ? rows : rows.filter((row) => row["window_start"] === newest);
  const groups = new Map<string, number>();
  for (const row of telling) {
    const group = rule.spec.group_by.map((name) => String(row[name])).join(", ");
    groups.set(group, (groups.get(group) ?? 0) + Number(row["value"]));
  }
  const sorted = Array.from(groups).toSorted((a, b) => b[1] - a[1]);
  const total = rule.adds ? { total: sorted.reduce((sum, [, value]) => sum + value, 0) } : {};
  return { rule_id: rule.spec.rule_id, what: rule.what, rows: rows.length, ...total, groups: sorted };
}

const shown = 4;

/** One line for people, e.g. `departures_1d    20,000 = ORD 1,105 · DFW 1,044 · … (departures of each airport, by day)`. */
export function totalLine(total: Total): string {
  const groups = total.groups.slice(0, shown).map(([group, value]) => `${group} ${number(value)}`.trim());
  const more = total.groups.length > shown ? " · …" : "";
  const sum = total.total === undefined ? "newest day: " : total.groups.length > 1 ? `${number(total.total)} = ` : "";
  return `${total.rule_id.padEnd(16)} ${sum}${groups.join(" · ")}${more}   (${total.what})`;
}

function number(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}
