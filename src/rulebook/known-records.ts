import type { MadeChange, Registry, RegistryChange, RuleRecord } from "../rule/registry.ts";
import { byId } from "./document.ts";
import { checkRoom, rulesMax } from "./room.ts";

/** The records as this process last saw them. */
export class KnownRecords {
  readonly #registry: Pick<Registry, "revision" | "all">;
  readonly #changed: () => void;
  #records = new Map<string, RuleRecord>();
  /** `#records` by id, once somebody has asked; undefined again with every change of them. */
  #listed: readonly RuleRecord[] | undefined;
  /** The registry's revision that `#records` is; undefined when it must be read anew. */
  #revision: number | undefined;
  /** The newest one that it was. */
  #known = 0;
  /** That of the newest change of which anything is known. */
  #newest = 0;
  /** Counts the doubts, so that a reading begun before one does not end it. */
  #doubts = 0;
  /** The readings of all that are under way, each with our own changes since it was begun. */
  readonly #readings = new Set<OwnChange[]>();
  #inDoubt = false;

  constructor(registry: Pick<Registry, "revision" | "all">, changed: () => void) {
    this.#registry = registry;
    this.#changed = changed;
  }

  /**
   * Whether something may be in force that is not known here: an activation whose storing had an unknown outcome, or what
   * was read elsewhere and answered. Ends with the next reading of all.
   */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /** The newest revision of the registry that is known as a whole. */
  get revision(): number {
    return this.#known;
  }

  /**
   * No change after this one is known here, while of those before it some may be lacking: what is counted is counted by no later rules.
   * Of somebody else's removal that came between two questions to the registry it does not tell.
   */
  get newest(): number {
    return this.#newest;
  }

  find(ruleId: string): RuleRecord | undefined {
    return this.#records.get(ruleId);
  }

  /** By id. The same array until something changes: what is worked out from all records is worked out once. */
  list(): readonly RuleRecord[] {
    return (this.#listed ??= [...this.#records.values()].toSorted(byId));
  }

  /** Whether these records are what is known now, without a doubt. */
  isStill(records: readonly RuleRecord[]): boolean {
    return !this.#inDoubt && records.every((record) => this.find(record.rule_id) === record);
  }

  doubt(): void {
    this.#doubts += 1;
    this.#inDoubt = true;
  }

  /** For records that were read from the registry: what is newer than what is known puts all in doubt. */
  compare(records: readonly RuleRecord[]): void {
    if (records.some(({ rule_id: id, revision }) => revision > (this.find(id)?.revision ?? 0))) this.doubt();
  }

  /** Takes in a change of our own that was made. */
  changed({ remove }: RegistryChange, { revision, records }: MadeChange): void {
    // Next to what is known, so that nobody else has changed anything: many rules being filled are not read for each of them.
    this.#revision = revision - 1 === this.#revision ? revision : undefined;
    this.#known = this.#revision ?? this.#known;
    this.#newest = Math.max(this.#newest, revision);
    const own = { revision, removed: remove, stored: records };
    for (const changes of this.#readings) changes.push(own);
    takeIn(this.#records, own);
    this.#listed = undefined;
    this.#changed();
  }

  /**
   * Throws `invalid_rule` when there is no room for one rule more. The registry is asked only where there seems to be none: what
   * other processes have made within this second may go beyond the bound.
   */
  async checkRoom(): Promise<void> {
    if (this.#records.size < rulesMax) return;
    await this.refresh();
    checkRoom("", this.#records.size, this.#records.size + 1);
  }

  /** Reads what has changed in the registry. */
  async refresh(): Promise<void> {
    for (;;) {
      const doubts = this.#doubts;
      const own: OwnChange[] = [];
      this.#readings.add(own);
      try {
        const revision = await this.#registry.revision();
        if (revision === this.#revision && !this.#inDoubt) return;
        const records = await this.#registry.all();
        if (doubts === this.#doubts) return this.#takeUp(records, own, revision);
      } finally {
        this.#readings.delete(own);
      }
    }
  }

  /**
   * What was read, with our own changes meanwhile, which may be in it or not. The revision was read first: a change in between
   * is read again next time, never missed, and so is a removal by others that an own change seems to undo.
   */
  #takeUp(records: readonly RuleRecord[], own: readonly OwnChange[], revision: number): void {
    this.#records = new Map(records.map((record) => [record.rule_id, record]));
    for (const change of own) takeIn(this.#records, change);
    this.#listed = undefined;
    this.#revision = this.#known = revision;
    this.#newest = [...records, ...own].reduce((newest, one) => Math.max(newest, one.revision), revision);
    this.#inDoubt = false;
    this.#changed();
  }
}

interface OwnChange {
  readonly revision: number;
  readonly removed: readonly RuleRecord[];
  readonly stored: readonly RuleRecord[];
}

/** Only what is newer than what is there: what was read may be newer than the change. */
function takeIn(records: Map<string, RuleRecord>, { removed, stored }: OwnChange): void {
  for (const { rule_id: id, revision } of removed) if ((records.get(id)?.revision ?? 0) <= revision) records.delete(id);
  for (const record of stored)
    if ((records.get(record.rule_id)?.revision ?? 0) <= record.revision) records.set(record.rule_id, record);
}
