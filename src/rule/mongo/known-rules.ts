import type { Clock } from "../../lib/clock.ts";
import { within } from "../../lib/deadline.ts";
import type { RegistryChange, RuleRecord } from "../registry.ts";
import type { ChangeLog, LoggedChange } from "./change-log.ts";
import { changeRevision } from "./change-log.ts";
import { type KnownRecord, type StoredRecord, type StoredRecords, asKnown } from "./stored-records.ts";

/** What a small question may take, one for some entries, and one for the records of a change, which may be all. */
const [smallMs, someMs, largeMs] = [3000, 10_000, 30_000];

/** The rules as they are after the change `revision`, as far as this process has read. */
export class KnownRules {
  readonly #log: ChangeLog;
  readonly #stored: StoredRecords;
  readonly #known = new Map<string, KnownRecord>();
  readonly #clock: Clock;
  #revision = 0;

  constructor(log: ChangeLog, stored: StoredRecords, clock: Clock) {
    this.#log = log;
    this.#stored = stored;
    this.#clock = clock;
  }

  get revision(): number {
    return this.#revision;
  }

  get(ruleId: string): RuleRecord | undefined {
    return this.#known.get(ruleId)?.record;
  }

  all(): readonly RuleRecord[] {
    const records = [...this.#known.values()].flatMap(({ record }) => record ?? []);
    return records.toSorted((a, b) => (a.rule_id < b.rule_id ? -1 : 1));
  }

  /** Whether each record of the change is as the caller has seen it. */
  fits({ save, remove }: RegistryChange): boolean {
    const now = ({ rule_id }: RuleRecord): number => this.get(rule_id)?.revision ?? 0;
    return (
      save.every((record) => now(record) === record.revision) &&
      remove.every((record) => record.revision > 0 && now(record) === record.revision)
    );
  }

  /**
   * Reads everything, for the start. Answers the keys of records that nobody needs: replaced ones, and those of changes that
   * were never made and can't be any more, since others have their numbers.
   */
  async load(): Promise<readonly string[]> {
    const revision = await this.#log.count();
    const stored = (await this.#stored.all()).filter((record) => record.revision <= revision);
    const made = new Set((await this.#log.some(revisionsOf(stored))).map(({ change }) => change));
    const needless = stored.filter(({ change }) => !made.has(change)).map(({ _id }) => _id);
    const inOrder = stored.filter(({ change }) => made.has(change)).toSorted((a, b) => a.revision - b.revision);
    needless.push(...this.#take(inOrder, revision));
    await this.follow();
    return needless;
  }

  /**
   * Reads what was changed since. Of a change that was read late, records may have gone already, but only those that changes
   * have replaced which are read next: when no further change is there, all is as it is after the last one.
   */
  async follow(): Promise<void> {
    // Each question has a time of its own, so that none goes on behind the back of a caller who has given up.
    const next = () => within(this.#clock, smallMs, () => this.#log.at(this.#revision + 1));
    while ((await next()) !== undefined) {
      const changes = await within(this.#clock, someMs, () => this.#log.from(this.#revision + 1));
      for (const change of changes) await this.#followOne(change);
    }
  }

  /** Takes in the records of a change that is the next one. Answers the keys of those that they replace. */
  take(records: readonly StoredRecord[], revision: number): readonly string[] {
    if (revision !== this.#revision + 1) throw new RangeError(`change ${revision} does not follow ${this.#revision}`);
    return this.#take(records, revision);
  }

  async #followOne(logged: LoggedChange): Promise<void> {
    const revision = changeRevision(logged);
    if (revision !== this.#revision + 1) throw new RangeError(`the entry of change ${this.#revision + 1} is missing`);
    const read = () => this.#stored.ofChange(logged.change, revision, logged.records);
    this.take(await within(this.#clock, largeMs, read), revision);
  }

  #take(records: readonly StoredRecord[], revision: number): string[] {
    const replaced: string[] = [];
    for (const record of records) {
      const before = this.#known.get(record.rule_id);
      if (before !== undefined) replaced.push(before._id);
      this.#known.set(record.rule_id, asKnown(record));
    }
    this.#revision = revision;
    return replaced;
  }
}

const revisionsOf = (records: readonly StoredRecord[]): readonly number[] => [
  ...new Set(records.map(({ revision }) => revision)),
];
