import type { Offset, Src } from "../event/position.ts";
import type { Clock } from "../lib/clock.ts";
import { WeirError } from "../lib/errors.ts";
import { inTurns } from "../lib/in-turns.ts";
import { type Registry, type RegistryChange, type RuleRecord, type RuleVersion, isOutdated } from "../rule/registry.ts";
import type { CheckedRule } from "../rule/rule.ts";
import { catchUp } from "./catch-up.ts";
import { type ChangeOptions, type NextSpec, checkVersion, filtersOf, patched, specOf } from "./change.ts";
import {
  type DocumentEffect,
  type DocumentOptions,
  type DocumentPlan,
  type RuleDocument,
  byId,
  checkTag,
  documentOf,
  planDocument,
  readDocument,
  tagOf,
} from "./document.ts";
import { Following } from "./following.ts";
import { KnownRecords } from "./known-records.ts";
import { seriesToRebuildAll, withMissing, withRebuilds } from "./rebuild.ts";
import { checked, isUnderstood, unreadable } from "./understood.ts";
import {
  type ComputedVersion,
  computed,
  isPending,
  isSettled,
  says,
  needsFill,
  withActivation,
  withFilled,
  withSpec,
  withStopped,
} from "./versions.ts";

export { answering, computed } from "./versions.ts";

export interface RulebookOptions {
  readonly registry: Registry;
  /** The log's ends: see `Log.ends`. */
  readonly ends: () => Promise<ReadonlyMap<Src, Offset>>;
  readonly clock: Clock;
  /** How long a version that was replaced keeps its windows. */
  readonly keepReplacedMs: number;
  /**
   * Nobody else changes these rules while this process runs: what it knows is all that was answered, and goes on being in force
   * while the registry is away (docs/decisions/0026-rules-in-mongodb.md).
   */
  readonly alone?: boolean;
  /** A rule was paused, since what is stored of it can't be read. */
  readonly stopped?: (ruleId: string, reason: string) => void;
}

/**
 * The rules: created, changed, paused and removed here; asked here by the processor before every batch.
 *
 * A change answers only when it is in force: every event acknowledged afterwards is counted by it. A new version is
 * stored as pending, then the log's ends are read, then they are stored as its activation; whoever meets a pending version
 * completes it in the same way (docs/decisions/0004-rule-activation.md).
 *
 * Errors: WeirError `invalid_rule`, `unknown_rule`, `unknown_version`, `version_conflict`, `registry_unavailable`, and what
 * `ends` throws.
 */
export class Rulebook {
  readonly #registry: Registry;
  readonly #ends: RulebookOptions["ends"];
  readonly #clock: Clock;
  readonly #keepReplacedMs: number;
  readonly #alone: boolean;
  readonly #stopped: RulebookOptions["stopped"];
  readonly #listeners = new Set<() => void>();
  readonly #known: KnownRecords;
  readonly #following: Following;
  readonly #hasFilter = filtersOf((ruleId) => this.find(ruleId));
  #unwatch: (() => void) | undefined;
  /** How many are at storing an activation: each may be in force from a position that was read already. */
  #activating = 0;

  constructor(options: RulebookOptions) {
    this.#registry = options.registry;
    this.#ends = options.ends;
    this.#clock = options.clock;
    this.#keepReplacedMs = options.keepReplacedMs;
    this.#alone = options.alone ?? false;
    this.#stopped = options.stopped;
    this.#known = new KnownRecords(options.registry, () => this.#listeners.forEach((tell) => tell()));
    this.#following = new Following(this.#clock, () => this.#known.refresh());
  }

  /** Reads the rules and follows their changes from now on. */
  async load(): Promise<void> {
    this.#unwatch ??= this.#registry.watch(() => this.#following.changed());
    await this.#known.refresh();
  }

  /** Ends the following of changes. */
  async close(): Promise<void> {
    this.#unwatch?.();
    this.#unwatch = undefined;
    await this.#following.close();
  }

  /** Creates the rule, or changes the one of its id. The same body again changes nothing. */
  async put(body: unknown, options: ChangeOptions): Promise<{ created: boolean; record: RuleRecord }> {
    const spec = specOf(body, this.#hasFilter);
    return this.#change(spec.rule_id, options, () => ({ spec }));
  }

  /** What `put` would do; changes nothing. */
  async tryPut(
    body: unknown,
    options: ChangeOptions,
  ): Promise<{ rule: CheckedRule; effect: "create" | "change" | "none"; fills: boolean }> {
    const spec = specOf(body, this.#hasFilter);
    const current = await this.#registry.get(spec.rule_id);
    checkVersion(spec.rule_id, current, options);
    if (current === undefined) await this.#known.checkRoom();
    const effect = current === undefined ? "create" : says(current, spec) ? "none" : "change";
    const fills = effect !== "none" && needsFill(current, spec, await this.#ends());
    return { rule: checked(spec), effect, fills };
  }

  /** Changes a rule by a JSON merge patch on its spec, or takes up an earlier version again: see `patched`. */
  async patch(ruleId: string, body: unknown, options: ChangeOptions): Promise<RuleRecord> {
    const { record } = await this.#change(ruleId, options, (current) => {
      if (current === undefined) throw unknownRule(ruleId);
      return patched(current, body);
    });
    return record;
  }

  /** Removes the rule; its windows are dropped afterwards. */
  async remove(ruleId: string, options: ChangeOptions): Promise<void> {
    for (;;) {
      const record = await this.#registry.get(ruleId);
      if (record === undefined) throw unknownRule(ruleId);
      checkVersion(ruleId, record, options);
      if ((await this.#apply({ save: [], remove: [record] })) !== undefined) return;
    }
  }

  /** All rules as one document, as they are now. */
  async document(): Promise<RuleDocument> {
    return documentOf(await this.current());
  }

  /**
   * Makes the rules say what the document says: all of it is stored, or nothing. Rules that say it already are left alone;
   * those that are not in it are left alone or removed. After a crash the same document again completes what is missing.
   * Answers the effect, and the tag of the document that the rules are then.
   */
  async putDocument(body: unknown, options: DocumentOptions): Promise<{ effect: DocumentEffect; tag: string }> {
    const specs = await inTurns(readDocument(body, this.#hasFilter), this.#clock);
    for (;;) {
      const records = await this.#registry.all();
      this.#known.compare(records);
      checkTag(records, options);
      const plan = planDocument(records, specs, options);
      if (options.dryRun) return { effect: plan, tag: tagOf(records) };
      const stored = await this.#apply(await this.#changeOf(plan));
      if (stored === undefined) continue; // someone else was first
      // Rules that are as they should be may still be pending, after a crash.
      await this.#completed([...plan.untouched, ...stored]);
      return { effect: plan, tag: tagOf([...plan.untouched, ...stored].toSorted(byId)) };
    }
  }

  /** The rule as this process last saw it. */
  get(ruleId: string): RuleRecord {
    const record = this.find(ruleId);
    if (record === undefined) throw unknownRule(ruleId);
    return record;
  }

  find(ruleId: string): RuleRecord | undefined {
    return this.#known.find(ruleId);
  }

  /** The registry's revision that this process knows as a whole: for who answers. */
  get revision(): number {
    return this.#known.revision;
  }

  /** The newest of which it knows anything: for who counts, and tells others by which rules. */
  get newestRevision(): number {
    return this.#known.newest;
  }

  /** All rules as this process last saw them, by id. */
  list(): readonly RuleRecord[] {
    return this.#known.list();
  }

  /** All rules as they are now, by id; cheap when nothing changed. For the processor, which asks after it has read the log. */
  async current(): Promise<readonly RuleRecord[]> {
    if (!this.#alone || this.#known.inDoubt) await this.#known.refresh();
    return this.list();
  }

  /**
   * What live processing must compute of these records; pending versions are completed first. Alone, and with the registry away,
   * they are left out: whoever completes one afterwards reads the log's ends later than this. A rule that can't be read is
   * stopped, for good before this is resolved, so that the others go on.
   */
  async targets(records: readonly RuleRecord[]): Promise<readonly ComputedVersion[]> {
    if (isSettled(records)) return computed(records);
    try {
      const completed = await this.#completed(records);
      await this.#stopUnreadable(completed);
      return computed(completed);
    } catch (error) {
      if (!this.#alone || !isAway(error) || this.#activating > 0 || !this.#known.isStill(records)) throw error;
      if (unreadable(records).length > 0) throw error;
      return computed(records);
    }
  }

  /** What is to be computed as far as this process knows now. */
  known(): readonly ComputedVersion[] {
    return computed(this.#known.list());
  }

  /** Undefined when it can't be read. */
  ruleOf({ spec }: RuleVersion): CheckedRule | undefined {
    return isUnderstood(spec) ? checked(spec) : undefined;
  }

  /** Says that everything of this series below its activation is in the store: it answers from now on. */
  async filled(ruleId: string, series: number): Promise<void> {
    for (;;) {
      const record = await this.#registry.get(ruleId);
      const next = record === undefined ? undefined : withFilled(record, series, this.#keptUntil());
      if (next === undefined || (await this.#apply({ save: [next], remove: [] })) !== undefined) return;
    }
  }

  /**
   * Pauses the rule, unless this series of it is no longer computed: the store refuses it, for this reason.
   * @returns whether it was paused by this, and not by somebody else before.
   */
  async stop(ruleId: string, series: number, stoppedBecause: string): Promise<boolean> {
    const next = await this.#registry.takeSeries(1);
    for (;;) {
      const record = await this.#registry.get(ruleId);
      const facts = { series: next, now: this.#clock.now(), stoppedBecause };
      const stopped = record === undefined ? undefined : withStopped(record, series, facts);
      if (stopped === undefined) return false;
      if ((await this.#apply({ save: [stopped], remove: [] })) !== undefined) return true;
    }
  }

  /**
   * Begins to make the windows of a rule, without an id of all rules, anew from what raw rows are now; they answer as they
   * are until then. All of it is stored, or nothing.
   */
  async rebuild(ruleId?: string): Promise<void> {
    for (;;) {
      const records = ruleId === undefined ? await this.#registry.all() : [await this.#registry.get(ruleId)];
      const known = records.filter((record) => record !== undefined);
      if (ruleId !== undefined && known.length === 0) throw unknownRule(ruleId);
      if (await this.#rebuilt(known, withRebuilds)) return;
    }
  }

  /** Begins again what a change of its rule has ended before it was done. Answers how many rules have windows to make anew. */
  async goOnRebuilding(): Promise<number> {
    for (;;) {
      const outdated = (await this.current()).filter(isOutdated);
      const ended = outdated.filter((record) => withMissing(record, () => 0) !== undefined);
      if (ended.length === 0 || (await this.#rebuilt(ended, withMissing))) return outdated.length;
    }
  }

  /** How many rules, as this process last saw them, have windows to make anew. */
  get outdatedCount(): number {
    return this.list().filter(isOutdated).length;
  }

  /** For the start, with the newest series that the store knows: see `catchUp`. */
  catchUp(newestSeries: number): Promise<boolean> {
    const apply = (change: RegistryChange): Promise<readonly RuleRecord[] | undefined> => this.#apply(change);
    return catchUp(newestSeries, { registry: this.#registry, apply, completed: (records) => this.#completed(records) });
  }

  /** Calls `listener` after every change of a rule. Returns how to stop. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #change(
    ruleId: string,
    options: ChangeOptions,
    nextFor: (current: RuleRecord | undefined) => NextSpec,
  ): Promise<{ created: boolean; record: RuleRecord }> {
    let series: number | undefined;
    for (;;) {
      const current = await this.#registry.get(ruleId);
      if (current !== undefined) this.#known.compare([current]);
      checkVersion(ruleId, current, options);
      const { spec, rolledBackTo } = nextFor(current);
      if (current === undefined) await this.#known.checkRoom();
      let stored = current;
      if (current === undefined || !says(current, spec)) {
        series ??= await this.#registry.takeSeries(1);
        const next = withSpec(current, spec, { series, now: this.#clock.now(), rolledBackTo });
        stored = (await this.#apply({ save: [next], remove: [] }))?.[0];
      }
      if (stored === undefined) continue; // someone else was first
      const [record] = await this.#completed([stored]);
      if (record === undefined) throw unknownRule(ruleId);
      return { created: current === undefined, record };
    }
  }

  async #stopUnreadable(records: readonly RuleRecord[]): Promise<void> {
    for (const { rule_id: ruleId, series, fault } of unreadable(records)) {
      if (await this.stop(ruleId, series, fault)) this.#stopped?.(ruleId, fault);
    }
  }

  /** Whether it was stored; not when someone else was first. */
  async #rebuilt(
    records: readonly RuleRecord[],
    next: (record: RuleRecord, nextSeries: () => number) => RuleRecord | undefined,
  ): Promise<boolean> {
    const count = seriesToRebuildAll(records);
    let series = count === 0 ? 0 : await this.#registry.takeSeries(count);
    const save = records.flatMap((record) => next(record, () => series++) ?? []);
    const stored = await this.#apply({ save, remove: [] });
    if (stored !== undefined) await this.#completed(stored);
    return stored !== undefined;
  }

  async #changeOf({ next, removed }: DocumentPlan): Promise<RegistryChange> {
    const first = next.length === 0 ? 0 : await this.#registry.takeSeries(next.length);
    const now = this.#clock.now();
    const save = next.map(({ current, spec }, index) => withSpec(current, spec, { series: first + index, now }));
    return { save, remove: removed };
  }

  /** The records as stored once their pending versions have an activation; without those that are gone. */
  async #completed(records: readonly RuleRecord[]): Promise<readonly RuleRecord[]> {
    let current = records;
    while (current.some(isPending)) {
      const pending = current.filter(isPending);
      const stored = await this.#activated(pending);
      const found = stored ?? (await this.#reread(pending));
      this.#known.compare(found);
      current = [...current.filter((record) => !isPending(record)), ...found];
    }
    return current;
  }

  /** The records as stored with their activation; undefined when someone else was first. */
  async #activated(pending: readonly RuleRecord[]): Promise<readonly RuleRecord[] | undefined> {
    this.#activating += 1;
    try {
      const ends = await this.#ends();
      const save = pending.map((record) => withActivation(record, ends, this.#keptUntil()));
      return await this.#apply({ save, remove: [] });
    } catch (error) {
      if (error instanceof WeirError && error.outcomeUnknown) this.#known.doubt();
      throw error;
    } finally {
      this.#activating -= 1;
    }
  }

  #keptUntil(): number {
    return this.#clock.now() + this.#keepReplacedMs;
  }

  async #reread(records: readonly RuleRecord[]): Promise<readonly RuleRecord[]> {
    const found = await Promise.all(records.map((record) => this.#registry.get(record.rule_id)));
    return found.filter((record) => record !== undefined);
  }

  /** The saved records as stored, or undefined when someone else was first. */
  async #apply(change: RegistryChange): Promise<readonly RuleRecord[] | undefined> {
    if (change.save.length + change.remove.length === 0) return [];
    const made = await this.#registry.change(change);
    if (made !== undefined) this.#known.changed(change, made);
    return made?.records;
  }
}

const isAway = (error: unknown): boolean => error instanceof WeirError && error.code === "registry_unavailable";

const unknownRule = (ruleId: string): WeirError =>
  new WeirError("unknown_rule", `there is no rule ${JSON.stringify(ruleId)}`);
