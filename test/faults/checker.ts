import { isDeepStrictEqual } from "node:util";
import { isNear } from "../oracle/compare.ts";
import type { Ledger, WireEvent } from "./ledger.ts";
import { type Due, type FaultRule, recompute, rowKey, type StatsRow } from "./recompute.ts";

/** What the server says after the dust has settled. */
export interface View {
  /** All of `/events`, in its order: of equal times what is last in the log comes first. */
  readonly raw: readonly WireEvent[];
  /** All of `/stats`, by rule. */
  readonly windows: ReadonlyMap<string, readonly StatsRow[]>;
}

/**
 * Judges the server by the ledger: acknowledged ⊆ counted ⊆ acknowledged ∪ unknown, each event once and as it was sent,
 * and every window of every rule what these events give.
 * @returns what is wrong, a line each; empty when everything holds.
 */
export function check(ledger: Ledger, rules: readonly FaultRule[], view: View): string[] {
  const counted = new Map<string, WireEvent>();
  const findings = [...checkRaw(ledger, view.raw, counted), ...checkAcknowledged(ledger, counted)];
  const asLogged = [...counted.values()].toReversed();
  for (const rule of rules) findings.push(...checkRule(rule, asLogged, view.windows.get(rule.rule_id) ?? []));
  return findings;
}

/** Every raw row is an event that may be there, once; fills `counted` with the events as they were sent. */
function* checkRaw(ledger: Ledger, raw: readonly WireEvent[], counted: Map<string, WireEvent>): Iterable<string> {
  for (const stored of raw) {
    const entry = ledger.get(stored.event_id);
    if (entry === undefined) yield `stored but never sent: ${stored.event_id}`;
    else if (counted.has(stored.event_id)) yield `stored twice: ${stored.event_id}`;
    else if (!entry.acknowledged && !entry.unknown) yield `stored though refused: ${stored.event_id}`;
    else if (!sameEvent(entry.event, stored)) yield `stored otherwise than sent: ${JSON.stringify(stored)}`;
    if (entry !== undefined) counted.set(stored.event_id, entry.event);
  }
}

function* checkAcknowledged(ledger: Ledger, counted: ReadonlyMap<string, WireEvent>): Iterable<string> {
  for (const entry of ledger.entries()) {
    if (entry.acknowledged && !counted.has(entry.event.event_id))
      yield `acknowledged but lost: ${entry.event.event_id}`;
  }
}

function* checkRule(rule: FaultRule, events: Iterable<WireEvent>, rows: readonly StatsRow[]): Iterable<string> {
  const expected = recompute(rule, events);
  for (const row of rows) {
    const key = rowKey(rule, row);
    const due = expected.get(key);
    if (!isRight(row["value"], due)) yield `${rule.rule_id} ${key}: ${String(row["value"])}, must be ${told(due)}`;
    expected.delete(key);
  }
  for (const [key, due] of expected) yield `${rule.rule_id} ${key}: no row (or it came twice), must be ${told(due)}`;
}

function isRight(value: unknown, due: Due | undefined): boolean {
  if (due?.near !== undefined) return typeof value === "number" && isNear(value, due.near);
  return due !== undefined && isDeepStrictEqual(value, due.value);
}

const told = (due: Due | undefined): string =>
  due === undefined ? "no row" : due.near === undefined ? String(due.value) : `near ${due.near}`;

function sameEvent(sent: WireEvent, stored: WireEvent): boolean {
  return (
    sent.user_id === stored.user_id &&
    sent.event_type === stored.event_type &&
    Date.parse(sent.timestamp) === Date.parse(stored.timestamp) &&
    isDeepStrictEqual(stored.payload, sent.payload)
  );
}
