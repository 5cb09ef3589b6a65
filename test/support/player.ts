import assert from "node:assert/strict";
import type { StatsAnswer } from "../../src/protocol/stats.ts";
import type { RuleRecord } from "../../src/rule/registry.ts";
import { assertRows } from "../oracle/compare.ts";
import type { History, Step } from "../oracle/histories.ts";
import type { OracleEvent, OracleResult, OracleRow, OracleRule } from "../oracle/model.ts";
import { oracle } from "../oracle/oracle.ts";
import { filters } from "../oracle/scenarios.ts";
import type { World } from "./world.ts";

/** Does the steps of a history in a world, knows what every version of every rule says, and judges it in the end by brute force. */
export class Player {
  readonly #world: World;
  readonly #history: History;
  readonly #specs = new Map<string, OracleRule>();
  /** What has arrived and is not erased, and how many have arrived in all. */
  #arrived: OracleEvent[] = [];
  #came = 0;
  /** How often something was erased. */
  erasures = 0;

  constructor(world: World, one: History) {
    this.#world = world;
    this.#history = one;
  }

  async play(): Promise<void> {
    const { life, rules, steps, events } = this.#history;
    await this.#world.start(life);
    for (const [index, spec] of rules.entries()) await this.#put(index, spec);
    for (const step of steps) await this.#take(step);
    await this.#append(events.length, 0);
  }

  /** Takes up what is paused, waits for all of it, and compares. */
  async check(): Promise<void> {
    for (const { rule_id: id } of this.#world.book.list()) await this.#patch(id, { active: true });
    await this.#world.settle();
    for (const record of this.#world.book.list()) {
      const spec = this.#specs.get(versionKey(record))!;
      const [expected] = oracle([spec], this.#arrived, filters);
      await this.#compare(record, spec, expected!);
    }
  }

  async #compare(record: RuleRecord, spec: OracleRule, expected: OracleResult): Promise<void> {
    const query = this.#world.query();
    const asked = { rule_id: record.rule_id, start_time: "0", end_time: "4294967295000", limit: "10000" };
    const answer = await query.stats(asked);
    assert.equal(answer.complete, true);
    assertRows(rowsOf(answer.data, record), expected.rows);
    const { skipped, late, groups } = await answered(() => query.rule(record));
    // What has no keys has one group, as soon as anything has entered.
    const only = (spec.group_by ?? []).length === 0 ? Math.min(expected.ungrouped, 1) : expected.groups;
    const counts = { skipped: expected.skipped, late: expected.late, groups: only };
    assert.deepEqual({ skipped, late, groups }, counts, JSON.stringify(spec));
    // One of each history: every rule would take as long again.
    if (record.rule_id !== idOf(0)) return;
    await this.#comparePages(record, expected, Math.ceil(answer.count / 3) || 1);
    const verified = await query.verify(record.rule_id, new AbortController().signal);
    assert.equal(verified.result, "equal", JSON.stringify({ spec, verified }));
  }

  /** Page by page, each asked for with the cursor of the one before, oldest first. */
  async #comparePages(record: RuleRecord, expected: OracleResult, limit: number): Promise<void> {
    const asked = { rule_id: record.rule_id, start_time: "0", end_time: "4294967295000", order: "oldest" };
    const data: StatsAnswer["data"] = [];
    for (let cursor: string | undefined, pages = 0; pages === 0 || cursor !== undefined; pages++) {
      assert.ok(pages < 10, "there are more pages than rows");
      const page = { ...asked, limit: String(limit), ...(cursor === undefined ? {} : { cursor }) };
      const answer = await this.#world.query().stats(page);
      data.push(...answer.data);
      cursor = answer.next_cursor;
    }
    const oldest = expected.rows.toSorted((a, b) => a.windowStart - b.windowStart || a.windowEnd - b.windowEnd);
    assertRows(rowsOf(data, record), oldest);
  }

  async #take(step: Step): Promise<void> {
    switch (step.kind) {
      case "events":
        return this.#append(step.count, step.repeats);
      case "put":
        return this.#put(step.rule, step.spec);
      case "pause":
      case "resume":
        return this.#patch(idOf(step.rule), { active: step.kind === "resume" });
      case "roll back":
        return this.#rollBack(idOf(step.rule), step.pick);
      case "delete":
        return this.#delete(idOf(step.rule));
      case "erase":
        return this.#erase(step.by, step.pick);
      case "restart":
        return this.#world.restart(step.life);
      case "settle":
        return this.#world.settle();
    }
  }

  async #append(count: number, repeats: number): Promise<void> {
    const fresh = this.#history.events.slice(this.#came, this.#came + count);
    await this.#world.append([...fresh, ...this.#arrived.slice(0, repeats)]);
    this.#arrived.push(...fresh);
    this.#came += fresh.length;
  }

  async #erase(by: "user_id" | "event_id", pick: number): Promise<void> {
    const chosen = this.#arrived[pick % this.#arrived.length];
    if (chosen === undefined) return;
    const value = String(chosen[by]);
    // Ingest takes none that is longer, nor does an erasure.
    if ([...value].length > 256) return;
    await this.#world.erase(by === "user_id" ? { user_id: value } : { event_id: value });
    this.#arrived = this.#arrived.filter((one) => String(one[by]) !== value);
    this.erasures += 1;
  }

  async #put(index: number, spec: OracleRule): Promise<void> {
    const { record } = await this.#world.book.put({ ...spec, rule_id: idOf(index), active: true }, {});
    this.#specs.set(versionKey(record), spec);
  }

  async #patch(id: string, patch: object): Promise<void> {
    const before = this.#world.book.find(id);
    if (before === undefined) return;
    const record = await this.#world.book.patch(id, patch, {});
    this.#specs.set(versionKey(record), this.#specs.get(versionKey(before))!);
  }

  async #rollBack(id: string, pick: number): Promise<void> {
    const before = this.#world.book.find(id);
    if (before === undefined) return;
    const target = before.versions[pick % before.versions.length]!;
    const record = await this.#world.book.patch(id, { version: target.version }, {});
    this.#specs.set(versionKey(record), this.#specs.get(`${id} ${target.version}`)!);
  }

  async #delete(id: string): Promise<void> {
    if (this.#world.book.find(id) !== undefined) await this.#world.book.remove(id, {});
  }
}

/** Counts that an engine at work does not give within a second are null in an answer: then it is asked again. */
async function answered<Rule extends { readonly skipped: number | null }>(ask: () => Promise<Rule>): Promise<Rule> {
  for (let attempt = 1; ; attempt++) {
    const rule = await ask();
    if (rule.skipped !== null || attempt === 120) return rule;
  }
}

const idOf = (index: number): string => `r${index}`;
const versionKey = ({ rule_id: id, versions }: RuleRecord): string => `${id} ${versions.at(-1)?.version}`;

function rowsOf(data: StatsAnswer["data"], record: RuleRecord): OracleRow[] {
  const names = record.versions.at(-1)!.spec.group_by;
  return data.map((row) => ({
    windowStart: Date.parse(row.window_start),
    windowEnd: Date.parse(row.window_end),
    group: names.map((name) => {
      const value = row[name];
      return typeof value === "string" ? value : null;
    }),
    value: row.value,
  }));
}
