import assert from "node:assert/strict";
import { test } from "node:test";
import { check, type View } from "./checker.ts";
import { allFaultRules, FaultEvents, faultRules } from "./fault-events.ts";
import { Ledger, type Outcome, type WireEvent } from "./ledger.ts";
import { type FaultRule, recompute, type StatsRow } from "./recompute.ts";

const now = Date.UTC(2026, 0, 13, 10);

test("a server that keeps its promise has no findings, whichever of the unknown it counted", () => {
  const { ledger, events } = ledgerOf({ acknowledged: 400, unknown: 100, refused: 50 });
  assert.deepEqual(check(ledger, allFaultRules, viewOf(events.acknowledged)), []);
  assert.deepEqual(check(ledger, allFaultRules, viewOf([...events.acknowledged, ...events.unknown.slice(40)])), []);
});

test("an event of unknown outcome that was acknowledged on the second sending must be counted", () => {
  const { ledger, events } = ledgerOf({ acknowledged: 10, unknown: 1, refused: 0 });
  ledger.sent(events.unknown);
  ledger.settled(events.unknown, "acknowledged");
  assert.match(check(ledger, [], viewOf(events.acknowledged)).join(), /acknowledged but lost/);
});

test("canary: one lost event is found, in raw and in every rule", () => {
  const { ledger, events } = ledgerOf({ acknowledged: 300, unknown: 0, refused: 0 });
  assert.match(check(ledger, faultRules, viewOf(events.acknowledged.slice(1))).join("\n"), /acknowledged but lost/);
  for (const rule of faultRules.slice(0, 2)) {
    const view = withRule(viewOf(events.acknowledged), rule, events.acknowledged.filter(countedBy(rule)).slice(1));
    assert.match(check(ledger, faultRules, view).join("\n"), new RegExp(`^${rule.rule_id} .*must be`, "m"));
  }
});

test("canary: one event counted twice is found, in raw and in a rule", () => {
  const { ledger, events } = ledgerOf({ acknowledged: 300, unknown: 0, refused: 0 });
  const all = events.acknowledged;
  const twice = [...all, all[0]!];
  assert.match(check(ledger, [], { raw: twice, windows: new Map() }).join(), /stored twice/);
  for (const rule of faultRules.slice(0, 2)) {
    const entering = all.find(countedBy(rule))!;
    const findings = check(ledger, faultRules, withRule(viewOf(all), rule, [...all, entering]));
    assert.equal(findings.length, 1, findings.join("\n"));
  }
});

test("canary: what was refused, never sent, changed, or a row given twice is found", () => {
  const { ledger, events } = ledgerOf({ acknowledged: 20, unknown: 0, refused: 1 });
  const all = events.acknowledged;
  assert.match(check(ledger, [], viewOf([...all, ...events.refused])).join(), /stored though refused/);
  assert.match(check(ledger, [], viewOf([...all, { ...all[0]!, event_id: "strange" }])).join(), /never sent/);
  assert.match(
    check(ledger, [], viewOf([{ ...all[0]!, user_id: "other" }, ...all.slice(1)])).join(),
    /otherwise than sent/,
  );
  const view = viewOf(all);
  const rule = faultRules[0]!;
  const rows = view.windows.get(rule.rule_id)!;
  const doubled = { ...view, windows: new Map([...view.windows, [rule.rule_id, [...rows, rows[0]!]]]) };
  assert.equal(check(ledger, faultRules, doubled).length, 1);
});

test("canary: a quantile that is two percent off, and the last but one of equal times, are found", () => {
  const ledger = new Ledger();
  const source = new FaultEvents(7, now);
  const alike = { event_type: "view", timestamp: "2026-01-13T09:00:00Z" };
  const [before, last] = [1, 2].map((amount) => ({ ...source.make(), ...alike, payload: { amount } }));
  ledger.sent([before!, last!]);
  ledger.settled([before!, last!], "acknowledged");
  const [quantile, latest] = allFaultRules.slice(-2) as [FaultRule, FaultRule];
  const answered = (rule: FaultRule, value: number): string[] => {
    // As `/events` gives them.
    const view = viewOf([last!, before!]);
    const rows = view.windows.get(rule.rule_id)!.map((row) => ({ ...row, value }));
    return check(ledger, [rule], { ...view, windows: new Map([[rule.rule_id, rows]]) });
  };
  const p90 = recompute(quantile, [before!]).values().next().value!.near!;
  assert.deepEqual([answered(quantile, p90 * 1.005), answered(latest, 2)], [[], []]);
  assert.deepEqual([answered(quantile, p90 * 1.02).length, answered(latest, 1).length], [1, 1]);
});

function ledgerOf(counts: Record<Outcome, number>): { ledger: Ledger; events: Record<Outcome, WireEvent[]> } {
  const source = new FaultEvents(7, now);
  const ledger = new Ledger();
  const some = (outcome: Outcome): WireEvent[] => {
    const events = Array.from({ length: counts[outcome] }, () => source.make());
    ledger.sent(events);
    ledger.settled(events, outcome);
    return events;
  };
  return { ledger, events: { acknowledged: some("acknowledged"), unknown: some("unknown"), refused: some("refused") } };
}

/** What an honest server would answer that has counted `events`. */
function viewOf(events: readonly WireEvent[]): View {
  return { raw: events, windows: new Map(allFaultRules.map((rule) => [rule.rule_id, rowsOf(rule, events)])) };
}

function withRule(view: View, rule: FaultRule, events: readonly WireEvent[]): View {
  return { ...view, windows: new Map([...view.windows, [rule.rule_id, rowsOf(rule, events)]]) };
}

function rowsOf(rule: FaultRule, events: readonly WireEvent[]): StatsRow[] {
  return Array.from(recompute(rule, [...events].toReversed()), ([key, { value, near }]) => {
    const [start, ...group] = JSON.parse(key) as [number, ...(string | null)[]];
    const groups = Object.fromEntries(rule.group_by.map((name, index) => [name, group[index]]));
    return { window_start: new Date(start).toISOString(), ...groups, value: near ?? value };
  });
}

function countedBy(rule: FaultRule): (event: WireEvent) => boolean {
  return (event) => recompute(rule, [event]).size > 0 && event.payload["amount"] !== 0;
}
