import { WeirError } from "../../lib/errors.ts";
import { renderOverflowSeen } from "../../rollup/table.ts";
import { type Compared, type Comparison, renderDifferences } from "../../rollup/verify.ts";
import type { Differences, DifferenceKind } from "../store.ts";
import type { Connection } from "./connection.ts";
import { ofComparing, withinLimits } from "./over-limit.ts";
import { yieldingSettings } from "./statement-settings.ts";

const limits = { ...yieldingSettings, max_execution_time: 250 };

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
  kind: DifferenceKind,
  signal: AbortSignal,
): Promise<Differences> {
  const compared = await comparable(connection, comparison, kind, signal);
  if (compared === null) return { compared: kind, different: 0, rows: [] };
  const counting = connection.measured<Found>(renderDifferences(comparison, compared), limits, signal);
  const { rows } = await withinLimits(counting, ofComparing);
  return { compared, different: rows[0]?.different ?? 0, rows: rows.map(asDifference) };
}

/** What of this kind can be compared; null: nothing that the events don't say already. */
async function comparable(
  connection: Connection,
  comparison: Comparison,
  kind: DifferenceKind,
  signal: AbortSignal,
): Promise<Compared | null> {
  const { metric } = comparison.rule;
  if (kind === "values" && (metric === "count" || metric === "rate")) return null;
  if (!(await hasOverflow(connection, comparison, signal))) return kind;
  // Which groups are in the overflow depends on how the events came: then only whole panes can be compared.
  return kind === "events" ? "events of panes" : null;
}

async function hasOverflow(
  connection: Connection,
  { series, rule, from }: Comparison,
  signal: AbortSignal,
): Promise<boolean> {
  if (rule.groupBy.length === 0) return false;
  const all = { series, rule, from, to: 4_294_967_295_000, filters: [], order: "oldest", limit: 1 } as const;
  return (await connection.rows(renderOverflowSeen(all), signal)).length > 0;
}

function asDifference({ window_start: windowStart, grp, stored, expected }: Found): Differences["rows"][number] {
  const group: unknown = JSON.parse(grp);
  if (!Array.isArray(group)) throw new WeirError("internal", `the engine answered a group that is none: ${grp}`);
  return { windowStart, group: group.map((value) => (value === null ? null : String(value))), stored, expected };
}
