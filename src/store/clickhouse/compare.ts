import { WeirError } from "../../lib/errors.ts";
import { renderOverflowSeen } from "../../rollup/table.ts";
import { type Compared, type Comparison, renderDifferences } from "../../rollup/verify.ts";
import type { Differences } from "../store.ts";
import type { Connection } from "./connection.ts";

/** One thread, so that counting keeps another. */
const limits = { max_threads: 1, max_execution_time: 250, priority: 10 };

interface Found {
  readonly window_start: number;
  readonly grp: string;
  readonly stored: string;
  readonly expected: string;
  readonly different: number;
}

/** See `Store.compare`. */
export async function compare(
  connection: Connection,
  comparison: Comparison,
  signal: AbortSignal,
): Promise<Differences> {
  for (const compared of await comparable(connection, comparison, signal)) {
    const { rows } = await connection.measured<Found>(renderDifferences(comparison, compared), limits, signal);
    if (rows.length > 0) return { compared, different: rows[0]!.different, rows: rows.map(asDifference) };
  }
  return { compared: "values", different: 0, rows: [] };
}

/** Which groups are in the overflow depends on how the events came: then only whole panes can be compared. */
async function comparable(
  connection: Connection,
  { series, rule, from }: Comparison,
  signal: AbortSignal,
): Promise<readonly Compared[]> {
  const all = { series, rule, from, to: 4_294_967_295_000, filters: [], order: "oldest", limit: 1 } as const;
  const overflow = rule.groupBy.length === 0 ? [] : await connection.rows(renderOverflowSeen(all), signal);
  if (overflow.length > 0) return ["events of panes"];
  return rule.metric === "count" || rule.metric === "rate" ? ["events"] : ["events", "values"];
}

function asDifference({ window_start: windowStart, grp, stored, expected }: Found): Differences["rows"][number] {
  const group: unknown = JSON.parse(grp);
  if (!Array.isArray(group)) throw new WeirError("internal", `the engine answered a group that is none: ${grp}`);
  return { windowStart, group: group.map((value) => (value === null ? null : String(value))), stored, expected };
}
