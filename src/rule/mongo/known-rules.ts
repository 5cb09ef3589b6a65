import type { Clock } from "../../lib/clock.ts";
import { within } from "../../lib/deadline.ts";
import type { RegistryChange, RuleRecord } from "../registry.ts";
import type { ChangeLog, LoggedChange } from "./change-log.ts";
import { changeRevision } from "./change-log.ts";
import { type KnownRecord, type Staged, type StoredRecord, type StoredRecords, asKnown } from "./stored-records.ts";

/** What a small question may take, one for some entries, and one for the records of a change, which may be all. */
const [smallMs, someMs, largeMs] = [3000, 10_000, 30_000];

/** The rules as they are after the change `revision`, as far as this process has read. */
export class KnownRules {
  readonly #log: ChangeLog;
  readonly #stored: StoredRecords;
  readonly #known = new Map<string, KnownRecord>();
  readonly #clock: Clock;
  #revision = 0;
  /** The newest change of nothing. */
  #fence = 0;

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

  /** Whether what was staged may still be made: no fence has come since. Somebody may have taken it for left over, else. */
  admits({ staged }: Staged): boolean {
    return staged > this.#fence;
  }

  /**
   * Reads everything, for the start, which has made the fence `revision`. Answers the keys of records that nobody needs:
   * replaced ones, and those of changes that were staged before it and not made.
   */
  async load(revision: number): Promise<readonly string[]> {
    const stored = (await this.#stored.all()).filter((record) => record.revision <= revision);
    const numbers = await this.#numbersOf(stored);
    const needless = stored.filter(({ change }) => !numbers.has(change)).map(({ _id }) => _id);
    const made = stored.flatMap((record) => {
      const number = numbers.get(record.change);
      return number === undefined ? [] : [{ ...record, revision: number }];
    });
    const inOrder = made.toSorted((a, b) => a.revision - b.revision);
    needless.push(...this.#take(inOrder, revision));
    this.#fence = revision;
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
    this.take(await within(this.#clock, largeMs, () => this.#stored.ofChange(logged)), revision);
    if (logged.records === 0) this.#fence = revision;
  }

  /** Of the changes that these records were staged for, those that were made, with their numbers: mostly those that they were to have. */
  async #numbersOf(stored: readonly StoredRecord[]): Promise<ReadonlyMap<string, number>> {
    const numbers = new Map<string, number>();
    const note = (changes: readonly LoggedChange[]): void => {
      for (const logged of changes) numbers.set(logged.change, changeRevision(logged));
    };
    note(await this.#log.some([...new Set(stored.map(({ revision }) => revision))]));
    note(await this.#log.named([...new Set(stored.map(({ change }) => change))].filter((name) => !numbers.has(name))));
    return numbers;
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
