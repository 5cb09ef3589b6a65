import type { WireEvent } from "./ledger.ts";

/** As much of a rule as the fault lane uses. */
export interface FaultRule {
  readonly rule_id: string;
  readonly window_size: string;
  readonly metric: "count" | "sum" | "avg" | "min" | "max" | "uniq_exact";
  readonly field?: string;
  readonly group_by: readonly string[];
}

/** A row as `/stats` gives it: `window_start`, `value`, and each `group_by` name as a key. */
export type StatsRow = Readonly<Record<string, unknown>>;

interface Sums {
  n: number;
  sum: number;
  min: number;
  max: number;
  readonly seen: Set<string>;
}

/**
 * A rule's windows by brute force from what clients sent: it shares no code with the server. Amounts must be sums of
 * few binary fractions, so that a sum is the same in every order.
 * @returns the value by `rowKey`.
 */
export function recompute(rule: FaultRule, events: Iterable<WireEvent>): Map<string, number> {
  const windows = new Map<string, Sums>();
  const windowMs = sizeMs(rule.window_size);
  for (const event of events) {
    const entering = rule.metric === "count" ? true : read(event, rule.field ?? "");
    if (entering === undefined || entering === null) continue;
    if (rule.metric !== "count" && rule.metric !== "uniq_exact" && typeof entering !== "number") continue;
    const start = Math.floor(Date.parse(event.timestamp) / windowMs) * windowMs;
    const key = JSON.stringify([start, ...rule.group_by.map((name) => groupText(read(event, name)))]);
    add(windows, key, entering);
  }
  return new Map(Array.from(windows, ([key, sums]) => [key, finish(rule, sums)]));
}

/** Names a row of `/stats` the way `recompute` does. */
export function rowKey(rule: FaultRule, row: StatsRow): string {
  return JSON.stringify([Date.parse(String(row["window_start"])), ...rule.group_by.map((name) => row[name] ?? null)]);
}

function add(windows: Map<string, Sums>, key: string, entering: unknown): void {
  let sums = windows.get(key);
  if (sums === undefined) windows.set(key, (sums = { n: 0, sum: 0, min: Infinity, max: -Infinity, seen: new Set() }));
  sums.n += 1;
  sums.seen.add(String(entering));
  if (typeof entering !== "number") return;
  sums.sum += entering;
  sums.min = Math.min(sums.min, entering);
  sums.max = Math.max(sums.max, entering);
}

function finish(rule: FaultRule, sums: Sums): number {
  switch (rule.metric) {
    case "count":
      return sums.n;
    case "sum":
      return sums.sum;
    case "avg":
      return sums.sum / sums.n;
    case "min":
      return sums.min;
    case "max":
      return sums.max;
    case "uniq_exact":
      return sums.seen.size;
  }
}

function read(event: WireEvent, name: string): unknown {
  if (name === "event_type") return event.event_type;
  if (name === "user_id") return event.user_id;
  return event.payload[name.replace("payload.", "")];
}

function groupText(value: unknown): string | null {
  return value === undefined || value === null || typeof value === "object" ? null : String(value);
}

function sizeMs(text: string): number {
  const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const unit = units[text.slice(-1)];
  if (unit === undefined) throw new Error(`a window size that is not understood: ${text}`);
  return Number(text.slice(0, -1)) * unit;
}
