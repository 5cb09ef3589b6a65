import type { RuleRecord } from "../../src/rule/registry.ts";
import { oldestKept } from "../../src/rule/retention.ts";
import { answering } from "../../src/rulebook/versions.ts";
import type { Server } from "./server.ts";
import type { WallClock } from "./wall-clock.ts";
import { rowMap } from "./watchers.ts";

/** Rows by their key: `[window_start, …group]`, or `["overflow", window_start]`. */
export type Rows = ReadonlyMap<string, number>;

export interface Answered {
  /** Of windows that must be there. */
  readonly rows: Rows;
  /** Windows that begin earlier may have gone: the clock has shown a time at which they were too old. */
  readonly keptFrom: number;
  readonly findings: readonly string[];
}

/** What `/stats` answers of a rule at rest; and what of it can't be, by what the clock has shown. */
export async function answered(server: Server, record: RuleRecord, wall: WallClock): Promise<Answered> {
  const { rule } = answering(record);
  const [from, keptFrom, now] = [oldestKept(rule, wall.read()), oldestKept(rule, wall.latest), wall.read()];
  const asked = { rule_id: record.rule_id, start_time: "0", end_time: "4294967295000", limit: "10000" };
  const { data } = await server.query.stats(asked);
  const { group_by: names } = rule.spec;
  const all = data.map((row) => ({
    windowStart: Date.parse(row.window_start),
    windowEnd: Date.parse(row.window_end),
    group: row.overflow ? [] : names.map((name) => asGroup(row[name])),
    value: row.value,
    final: row.final,
  }));
  const tooOld = all.filter(({ windowStart }) => windowStart < from);
  const wrong = all.filter(({ windowEnd, final }) => final !== windowEnd <= now && Math.abs(windowEnd - now) > closeMs);
  const found = (rows: typeof all, what: string): string[] =>
    rows.map(({ windowEnd }) => `${record.rule_id}: ${what}: ${new Date(windowEnd).toISOString()}`);
  const kept = all.filter(({ windowStart }) => windowStart >= keptFrom);
  return {
    rows: rowMap(kept, names.length),
    keptFrom,
    findings: [...found(tooOld, "answered, and too old"), ...found(wrong, `wrongly final, or not, at ${now}`)],
  };
}

/** Counting may be so far behind the clock at rest. */
const closeMs = 10_000;

const asGroup = (value: unknown): string | null => (typeof value === "string" ? value : null);
