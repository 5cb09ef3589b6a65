import type { OracleRow } from "../oracle/model.ts";
import { oracle } from "../oracle/oracle.ts";
import type { WireEvent } from "./ledger.ts";

/** As much of a rule as the fault lane uses. */
export interface FaultRule {
  readonly rule_id: string;
  readonly window_size: string;
  readonly metric: "count" | "sum" | "avg" | "min" | "max" | "uniq_exact" | "p90" | "last";
  readonly field?: string;
  readonly group_by: readonly string[];
  readonly having?: string;
  readonly top_n?: number;
  /** Longer than any event is old: `recompute` keeps everything. */
  readonly retention?: string;
}

/** A row as `/stats` gives it: `window_start`, `value`, and each `group_by` name as a key. */
export type StatsRow = Readonly<Record<string, unknown>>;

/** What a window's value must be, or, where there is a `near`, be near to. */
export type Due = Pick<OracleRow, "value" | "near">;

/**
 * A rule's windows by brute force from what clients sent, in the order of the log where times are equal. Amounts must be sums
 * of few binary fractions, so that a sum is the same in every order.
 * @returns the value by `rowKey`.
 */
export function recompute(rule: FaultRule, events: Iterable<WireEvent>): Map<string, Due> {
  // When the server took an event matters to the late count only, which is not looked at here.
  const [result] = oracle(
    [rule],
    Array.from(events, (event) => ({ ...event, receivedAt: 0 })),
  );
  const rows = result?.rows ?? [];
  return new Map(rows.map((row) => [JSON.stringify([row.windowStart, ...row.group]), row]));
}

/** Names a row of `/stats` the way `recompute` does. */
export function rowKey(rule: FaultRule, row: StatsRow): string {
  return JSON.stringify([Date.parse(String(row["window_start"])), ...rule.group_by.map((name) => row[name] ?? null)]);
}
