import type { StoredEvent } from "../../src/store/store.ts";
import { answering } from "../../src/rulebook/versions.ts";
import type { RuleRecord } from "../../src/rule/registry.ts";
import { check } from "../faults/checker.ts";
import type { Ledger, WireEvent } from "../faults/ledger.ts";
import type { OracleEvent, OracleRow } from "../oracle/model.ts";
import { oracle } from "../oracle/oracle.ts";
import type { Rows } from "./answered.ts";
import { answered } from "./answered.ts";
import type { Editor } from "./editor.ts";
import type { ExactWatcher } from "./exact-watcher.ts";
import { filters } from "./rules.ts";
import type { Server } from "./server.ts";
import type { WallClock } from "./wall-clock.ts";
import { type View, type Watcher, rowMap, versionKey } from "./watchers.ts";

export interface Witnesses {
  readonly server: Server;
  readonly wall: WallClock;
  readonly ledger: Ledger;
  readonly editor: Editor;
  readonly watchers: readonly Watcher[];
  readonly exactWatchers: readonly ExactWatcher[];
}

/**
 * Judges a world that has come to rest: acknowledged ⊆ counted ⊆ acknowledged ∪ unknown, each once and as it was sent, in
 * raw and in every rule; every rule says what its last answered change said; what a client has assembled is what is answered.
 * @returns what is wrong, a line each.
 */
export async function judge({ server, wall, ledger, editor, watchers, exactWatchers }: Witnesses): Promise<string[]> {
  const { events } = await server.query.events({ limit: "10000" });
  const findings = check(ledger, [], { raw: events.map(wireEvent), windows: new Map() });
  findings.push(...ruleFindings(server, editor));
  for (const record of server.book.list()) {
    const { rows, keptFrom, findings: found } = await answered(server, record, wall);
    findings.push(...found, ...windowFindings(record, rows, events.map(oracleEvent), keptFrom));
    for (const watcher of watchers)
      findings.push(...viewFindings(record, rows, watcher.views.get(record.rule_id), keptFrom));
    for (const watcher of exactWatchers) findings.push(...(await exactFindings(server, record.rule_id, watcher)));
  }
  return findings;
}

const wireEvent = ({ timestamp, payload, ...event }: StoredEvent): WireEvent => ({
  ...event,
  timestamp: new Date(timestamp).toISOString(),
  payload: JSON.parse(payload) as WireEvent["payload"],
});

const oracleEvent = (event: StoredEvent): OracleEvent => ({ ...wireEvent(event), receivedAt: event.receivedAt });

function* ruleFindings({ book }: Server, { known }: Editor): Iterable<string> {
  for (const [id, rule] of known) {
    const record = book.find(id);
    if (rule === null && record !== undefined) yield `${id} is there although it was deleted`;
    if (rule === null) continue;
    const spec = record?.versions.at(-1)?.spec;
    for (const name of [
      "window_size",
      "metric",
      "field",
      "filter",
      "max_groups",
      "group_by",
      "active",
      "timezone",
      "retention",
    ] as const)
      if (JSON.stringify(spec?.[name]) !== JSON.stringify(rule[name]))
        yield `${id}.${name} is ${JSON.stringify(spec?.[name])}, and was answered to be ${JSON.stringify(rule[name])}`;
  }
}

function windowFindings(
  record: RuleRecord,
  rows: Rows,
  events: readonly OracleEvent[],
  keptFrom: number,
): Iterable<string> {
  const { spec } = answering(record).rule;
  const { max_groups, ...unbounded } = spec;
  if (max_groups !== undefined) return boundedFindings(record.rule_id, spec, rows, events);
  const [expected] = oracle([unbounded], events, filters);
  const kept = expected!.rows.filter(({ windowStart }) => windowStart >= keptFrom);
  return differences(record.rule_id, rows, rowMap(kept.map(windowRow), spec.group_by.length));
}

const windowRow = ({ value, ...row }: OracleRow): OracleRow & { value: number } => ({ ...row, value: Number(value) });

function* differences(id: string, rows: Rows, expected: Rows): Iterable<string> {
  for (const [key, value] of rows)
    if (!isNear(value, expected.get(key))) yield `${id} ${key}: ${value}, must be ${expected.get(key) ?? "no row"}`;
  for (const [key, value] of expected) if (!rows.has(key)) yield `${id} ${key}: no row, must be ${value}`;
}

/** Sums come in any order. */
const isNear = (value: number, expected = Number.NaN): boolean =>
  Math.abs(value - expected) <= 1e-9 * Math.abs(expected);

/** Which groups came in depends on the order of ranges; but there are no more than may be, and everything is counted. */
function* boundedFindings(
  id: string,
  { max_groups = 0, ...spec }: RuleRecord["versions"][number]["spec"],
  rows: Rows,
  events: readonly OracleEvent[],
): Iterable<string> {
  const totals = new Map<string, number>();
  const groups = new Set<string>();
  for (const [key, value] of rows) {
    const [first, ...group] = JSON.parse(key) as string[];
    const start = first === "overflow" ? group[0]! : first!;
    totals.set(JSON.stringify([start]), (totals.get(JSON.stringify([start])) ?? 0) + value);
    if (first !== "overflow") groups.add(JSON.stringify(group));
  }
  if (groups.size > max_groups) yield `${id} has ${groups.size} groups, and may have ${max_groups}`;
  const [expected] = oracle([{ ...spec, group_by: [] }], events, filters);
  yield* differences(`${id} in all`, totals, rowMap(expected!.rows.map(windowRow), 0));
}

function* viewFindings(record: RuleRecord, rows: Rows, view: View | undefined, keptFrom: number): Iterable<string> {
  if (view === undefined || view.version !== versionKey(answering(record).version)) return;
  for (const [key, value] of view.rows)
    if (rows.get(key) !== value && Date.parse(startOf(key)) >= keptFrom)
      yield `a client of ${record.rule_id} has ${value} for ${key}, and ${rows.get(key)} is answered`;
  const newest = newestStart(rows);
  for (const [key, value] of rows) {
    const isDue = key.includes(newest) || (!view.truncated && view.before.get(key) !== value);
    if (isDue && !view.rows.has(key)) yield `a client of ${record.rule_id} was never pushed ${key}`;
  }
}

/** The rows of the newest window everybody has: it is in the snapshot, or has come since. */
function newestStart(rows: Rows): string {
  const starts = Array.from(rows.keys(), startOf);
  return starts.toSorted().at(-1) ?? "";
}

const startOf = (key: string): string => /\d{4}-\d\d-\d\dT[\d:]+Z/.exec(key)![0];

/** Row by row and in the same order. Windows may become final while this is asked. */
async function exactFindings(server: Server, ruleId: string, { assembler }: ExactWatcher): Promise<string[]> {
  const from = assembler.from(ruleId);
  if (from === undefined) return [`an exact client has nothing of ${ruleId}`];
  const asked = { rule_id: ruleId, start_time: from, end_time: "4294967295000", limit: "10000" };
  const { data } = await server.query.stats(asked);
  const shown = (rows: readonly object[] = []): string[] => rows.map((row) => JSON.stringify({ ...row, final: null }));
  const [has, answered] = [shown(assembler.rows(ruleId)), shown(data)];
  if (has.join() === answered.join()) return [];
  const [tooMuch, tooLittle] = [
    has.filter((row) => !answered.includes(row)),
    answered.filter((row) => !has.includes(row)),
  ];
  return [`an exact client of ${ruleId} has ${tooMuch.slice(0, 3).join()} and lacks ${tooLittle.slice(0, 3).join()}`];
}
