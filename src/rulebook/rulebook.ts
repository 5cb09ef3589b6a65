import type { Offset, Src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { type Problem, WeirError } from "../lib/errors.ts";
import { parseRule } from "../rule/parse.ts";
import type { Registry, RuleRecord } from "../rule/registry.ts";
import type { RuleSpec } from "../rule/rule.ts";
import {
  type ComputedVersion,
  computed,
  isPending,
  newest,
  says,
  withActivation,
  withFilled,
  withSpec,
} from "./versions.ts";

export { answering, computed } from "./versions.ts";

export interface RulebookOptions {
  readonly registry: Registry;
  /** The log's ends: see `Log.ends`. */
  readonly ends: () => Promise<ReadonlyMap<Src, Offset>>;
  readonly clock: Clock;
}

export interface ChangeOptions {
  /** The newest version that the caller has seen; the change is refused if it is another. */
  readonly ifMatch?: number;
}

/**
 * The rules: created, changed, paused and removed here; asked here by the processor before every batch.
 *
 * A change answers only when it is in force: every event acknowledged afterwards is counted by it. A new version is
 * stored as pending, then the log's ends are read, then they are stored as its activation; whoever meets a pending version
 * completes it in the same way (docs/decisions/0004-rule-activation.md).
 *
 * Errors: WeirError `invalid_rule`, `unknown_rule`, `version_conflict`, `registry_unavailable`, and what `ends` throws.
 */
export class Rulebook {
  readonly #registry: Registry;
  readonly #ends: RulebookOptions["ends"];
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #records = new Map<string, RuleRecord>();
  /** The registry's revision that `#records` is; undefined after a change of our own. */
  #revision: number | undefined;
  /** Counts the changes of our own, so that a reading begun before one is not taken for newer. */
  #ownChanges = 0;
  /** The readings that followed changes, one after the other. */
  #following = Promise.resolve();
  #unwatch: (() => void) | undefined;

  constructor(options: RulebookOptions) {
    this.#registry = options.registry;
    this.#ends = options.ends;
    this.#clock = options.clock;
  }

  /** Reads the rules and follows their changes from now on. */
  async load(): Promise<void> {
    this.#unwatch ??= this.#registry.watch(() => {
      this.#following = this.#following.then(() => this.#followChange());
    });
    await this.#refresh();
  }

  /** Ends the following of changes. */
  async close(): Promise<void> {
    this.#unwatch?.();
    this.#unwatch = undefined;
    await this.#following;
  }

  /** Creates the rule, or changes the one of its id. The same body again changes nothing. */
  async put(body: unknown, options: ChangeOptions): Promise<{ created: boolean; record: RuleRecord }> {
    const spec = specOf(body);
    return this.#change(spec.rule_id, options, () => spec);
  }

  /** Changes a rule by a JSON merge patch on its spec: `null` takes a key away. */
  async patch(ruleId: string, body: unknown, options: ChangeOptions): Promise<RuleRecord> {
    const { record } = await this.#change(ruleId, options, (current) => {
      if (current === undefined) throw unknownRule(ruleId);
      return specOf(merged(newest(current).spec, body));
    });
    return record;
  }

  /** Removes the rule; its windows are dropped afterwards. */
  async remove(ruleId: string, options: ChangeOptions): Promise<void> {
    for (;;) {
      const record = await this.#registry.get(ruleId);
      if (record === undefined) throw unknownRule(ruleId);
      checkVersion(ruleId, record, options);
      if (!(await this.#registry.remove(ruleId, record.revision))) continue;
      return this.#changed(() => this.#records.delete(ruleId));
    }
  }

  /** The rule as this process last saw it. */
  get(ruleId: string): RuleRecord {
    const record = this.find(ruleId);
    if (record === undefined) throw unknownRule(ruleId);
    return record;
  }

  find(ruleId: string): RuleRecord | undefined {
    return this.#records.get(ruleId);
  }

  /** All rules as this process last saw them, by id. */
  list(): readonly RuleRecord[] {
    return [...this.#records.values()].toSorted((a, b) => (a.rule_id < b.rule_id ? -1 : 1));
  }

  /** All rules as they are now, by id; cheap when nothing changed. For the processor, which asks after it has read the log. */
  async current(): Promise<readonly RuleRecord[]> {
    await this.#refresh();
    return this.list();
  }

  /** What live processing must compute of these records; pending versions are completed first. */
  async targets(records: readonly RuleRecord[]): Promise<readonly ComputedVersion[]> {
    const ready: RuleRecord[] = [];
    for (const record of records) {
      const complete = isPending(record) ? await this.complete(record) : record;
      if (complete !== undefined) ready.push(complete);
    }
    return computed(ready);
  }

  /** Gives a pending version its activation; the stored record without a pending version, or undefined if it is gone. */
  async complete(record: RuleRecord): Promise<RuleRecord | undefined> {
    let current: RuleRecord | undefined = record;
    while (current !== undefined && isPending(current)) {
      const next = withActivation(current, await this.#ends());
      current = (await this.#save(next)) ?? (await this.#registry.get(record.rule_id));
    }
    return current;
  }

  /** Says that everything of this series below its activation is in the store: it answers from now on. */
  async filled(ruleId: string, series: number): Promise<void> {
    for (;;) {
      const record = await this.#registry.get(ruleId);
      const next = record === undefined ? undefined : withFilled(record, series);
      if (next === undefined || (await this.#save(next)) !== undefined) return;
    }
  }

  /** Calls `listener` after every change of a rule. Returns how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #change(
    ruleId: string,
    options: ChangeOptions,
    specFor: (current: RuleRecord | undefined) => RuleSpec,
  ): Promise<{ created: boolean; record: RuleRecord }> {
    let series: number | undefined;
    for (;;) {
      const current = await this.#registry.get(ruleId);
      checkVersion(ruleId, current, options);
      const spec = specFor(current);
      let stored = current;
      if (current === undefined || !says(current, spec)) {
        series ??= await this.#registry.takeSeries();
        stored = await this.#save(withSpec(current, spec, { series, now: this.#clock.now() }));
      }
      if (stored === undefined) continue; // someone else was first
      const record = await this.complete(stored);
      if (record === undefined) throw unknownRule(ruleId);
      return { created: current === undefined, record };
    }
  }

  /** The record as stored, or undefined when someone else was first. */
  async #save(record: RuleRecord): Promise<RuleRecord | undefined> {
    if (!(await this.#registry.save(record))) return undefined;
    const stored = { ...record, revision: record.revision + 1 };
    this.#changed(() => this.#records.set(record.rule_id, stored));
    return stored;
  }

  #changed(apply: () => void): void {
    this.#ownChanges += 1;
    this.#revision = undefined;
    apply();
    this.#notify();
  }

  async #refresh(): Promise<void> {
    for (;;) {
      const ownChanges = this.#ownChanges;
      const revision = await this.#registry.revision();
      if (revision === this.#revision) return;
      const records = await this.#registry.all();
      if (ownChanges !== this.#ownChanges) continue;
      // The revision was read first: a change in between is read again next time, never missed.
      this.#records = new Map(records.map((record) => [record.rule_id, record]));
      this.#revision = revision;
      return this.#notify();
    }
  }

  async #followChange(): Promise<void> {
    try {
      await this.#refresh();
    } catch {
      // The registry is away: what is known stays in force, and the next call or change reads again.
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function specOf(body: unknown): RuleSpec {
  const parsed = parseRule(body);
  if (parsed.ok) return parsed.rule.spec;
  throw invalidRule(parsed.problems);
}

function merged(spec: RuleSpec, patch: unknown): Record<string, unknown> {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) {
    throw invalidRule([{ path: "", message: "a change must be an object", value: patch }]);
  }
  const changes = new Map<string, unknown>(Object.entries(patch));
  if (changes.has("rule_id") && changes.get("rule_id") !== spec.rule_id) {
    throw invalidRule([
      { path: "rule_id", message: "can't be changed; make a new rule", value: changes.get("rule_id") },
    ]);
  }
  return Object.fromEntries([...Object.entries(spec), ...changes].filter(([key]) => changes.get(key) !== null));
}

function invalidRule(problems: readonly Problem[]): WeirError {
  const first = problems[0];
  const where = first === undefined || first.path === "" ? "" : `${first.path} `;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return new WeirError("invalid_rule", `the rule is not valid: ${where}${first?.message ?? ""}${more}`, {
    details: problems,
  });
}

const unknownRule = (ruleId: string): WeirError =>
  new WeirError("unknown_rule", `there is no rule ${JSON.stringify(ruleId)}`);

function checkVersion(ruleId: string, record: RuleRecord | undefined, { ifMatch }: ChangeOptions): void {
  if (ifMatch === undefined) return;
  const version = record === undefined ? undefined : newest(record).version;
  if (version === ifMatch) return;
  const has = version === undefined ? "does not exist" : `has version ${version}`;
  throw new WeirError("version_conflict", `rule ${JSON.stringify(ruleId)} ${has}, not version ${ifMatch}`, {
    details: { version: version ?? null },
  });
}
