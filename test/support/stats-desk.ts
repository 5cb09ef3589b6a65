import type { RawParameters } from "../../src/query/parameters.ts";
import { stats } from "../../src/query/stats.ts";
import type { WindowRow } from "../../src/store/store.ts";
import { MemoryRules } from "./memory-rules.ts";
import { MemoryStore } from "./memory-store.ts";

export const now = Date.UTC(2026, 0, 17, 19, 35);
export const minute = 60_000;
export const at = (text: string): number => Date.parse(`2026-01-17T${text}Z`);

/** `/stats` over a store in memory, of one rule `r`, at the moment `now`. */
export function setUp(groups: readonly string[] = ["event_type"], windowSeconds = 600, latenessSeconds = 0) {
  const rules = new MemoryRules();
  const series = rules.set({ rule_id: "r", group_by: groups, windowSeconds, latenessSeconds });
  const store = new MemoryStore();
  const progress = { countedThrough: () => at("19:30:00"), lagMs: () => 5 };
  const ask = (raw: RawParameters) =>
    stats({ rule_id: "r", ...raw }, rules.answering(rules.get("r")), { store, progress }, { now: () => now });
  const put = (time: string, group: WindowRow["group"], value: number): void =>
    store.set(series, { windowStart: at(time), group, value });
  return { rules, store, ask, put };
}
