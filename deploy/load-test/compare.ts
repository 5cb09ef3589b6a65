import type { Weir } from "../../client/src/weir.ts";
import type { LoadEvent, Run } from "./events.ts";
import { spanMs } from "./events.ts";
import { expectedWindows, windowKey } from "./rules.ts";
import type { LoadRule } from "./rules.ts";

export interface Comparison {
  readonly rule: string;
  readonly windows: number;
  /** A line for each window that is not as it must be. */
  readonly differences: readonly string[];
}

/** Compares every window and group of every rule with what the events come to by plain arithmetic. */
export async function compare(
  weir: Weir,
  run: Run,
  rules: readonly LoadRule[],
  events: Iterable<LoadEvent>,
): Promise<readonly Comparison[]> {
  const expected = expectedWindows(rules, events);
  const found: Comparison[] = [];
  for (const [rule, windows] of expected) {
    const differences = differencesOf(windows, await windowsOf(weir, run, rule));
    found.push({ rule: rule.rule.rule_id, windows: windows.size, differences });
  }
  return found;
}

async function windowsOf(weir: Weir, run: Run, rule: LoadRule): Promise<Map<string, unknown>> {
  const span = { from: run.endMs - spanMs - 2 * rule.windowMs, to: run.endMs + rule.windowMs, limit: 10_000 };
  const windows = new Map<string, unknown>();
  for await (const row of weir.stats.rows({ rule: rule.rule.rule_id, ...span })) {
    const group = (rule.rule.group_by ?? []).map((name) => row[name]);
    windows.set(windowKey(Date.parse(row.window_start), group), row.value);
  }
  return windows;
}

export function differencesOf(expected: ReadonlyMap<string, number>, answered: ReadonlyMap<string, unknown>): string[] {
  const wrong = [...expected].flatMap(([key, value]) =>
    isSame(answered.get(key), value) ? [] : [`${key}: ${shown(answered.get(key))}, must be ${value}`],
  );
  const surplus = [...answered.keys()].filter((key) => !expected.has(key));
  return [...wrong, ...surplus.map((key) => `${key}: ${shown(answered.get(key))}, must not be there`)];
}

/** Values are counts, or have two places: what differs by less was only written otherwise. */
const isSame = (answered: unknown, expected: number): boolean =>
  answered !== undefined && Math.abs(Number(answered) - expected) < 0.001;

const shown = (value: unknown): string => (value === undefined ? "no row" : JSON.stringify(value));
