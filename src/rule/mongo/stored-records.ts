import type { Collection } from "mongodb";
import { passFailpoint } from "../../lib/failpoint.ts";
import type { RegistryChange, RuleRecord, RuleVersion } from "../registry.ts";
import { changeRevision, type LoggedChange } from "./change-log.ts";

/**
 * A record as one change has left it; it is never changed. What is free in form is text, as keys with dots and dollars are
 * not taken by every server; the other fields are for people who look, and nobody else reads them.
 */
export interface StoredRecord {
  readonly _id: string;
  readonly rule_id: string;
  /** The number that its change has, as far as it is made; as it is stored, the one for which it was staged. */
  readonly revision: number;
  /** The change that it belongs to; without an entry of that in the log nothing of it is in force. */
  readonly change: string;
  /** Instead of all that follows: the rule is gone. */
  readonly removed?: true;
  readonly active?: boolean;
  readonly version?: number;
  readonly phase?: string;
  /** The newest version as people write it, JSON. */
  readonly rule?: string;
  /** JSON of all versions. This is the truth. */
  readonly versions?: string;
}

/** What a process keeps of each record that is in force. */
export interface KnownRecord {
  readonly _id: string;
  readonly revision: number;
  /** Undefined: removed. */
  readonly record: RuleRecord | undefined;
}

const bytesAtOnce = 8 * 2 ** 20;
const recordsAtOnce = 500;

/** Keys of one change's records, which lie beside each other. */
const recordKey = (change: string, staged: number, index: number): string =>
  `${keyStart(change, staged)}${String(index).padStart(6, "0")}`;
const keyStart = (change: string, staged: number): string => `${String(staged).padStart(16, "0")}.${change}.`;

/** The records of a change, stored and not in force. */
export interface Staged {
  readonly change: string;
  /** The number that it was to have first. */
  readonly staged: number;
  readonly records: readonly StoredRecord[];
}

/** The collection `aggregation_rules`. */
export class StoredRecords {
  readonly #records: () => Collection<StoredRecord>;

  constructor(records: () => Collection<StoredRecord>) {
    this.#records = records;
  }

  /** Writes the records of a change that is not made yet. */
  async stage(records: readonly StoredRecord[]): Promise<void> {
    for (const some of portions(records)) {
      await (some.length === 1 ? this.#records().insertOne(some[0]!) : this.#records().insertMany(some));
      passFailpoint("rules-half-staged");
    }
  }

  /** What is left of a change's records; those that later ones have replaced may have gone. */
  async ofChange(logged: LoggedChange): Promise<readonly StoredRecord[]> {
    return inForce(await this.#stagedFor(logged), changeRevision(logged));
  }

  all(): Promise<readonly StoredRecord[]> {
    return this.#records().find({}).toArray();
  }

  async #stagedFor({ change, staged, records }: LoggedChange): Promise<readonly StoredRecord[]> {
    if (records === 0) return [];
    if (records === 1) {
      const only = await this.#records().findOne({ _id: recordKey(change, staged, 0) });
      return only === null ? [] : [only];
    }
    const start = keyStart(change, staged);
    return this.#records()
      .find({ _id: { $gte: start, $lt: `${start}~` } })
      .toArray();
  }

  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 1) return void (await this.#records().deleteOne({ _id: keys[0]! }));
    for (let at = 0; at < keys.length; at += recordsAtOnce)
      await this.#records().deleteMany({ _id: { $in: keys.slice(at, at + recordsAtOnce) } });
  }
}

/** What is to be stored for a change. */
export function toStage({ save, remove }: RegistryChange, staged: number, change: string): Staged {
  const saved = save.map((record, index) => asStored({ ...record, revision: staged }, change, index));
  const removed = remove.map(({ rule_id }, index) => asRemoved(rule_id, staged, change, save.length + index));
  return { change, staged, records: [...saved, ...removed] };
}

/** Records as they are once their change is made. */
export const inForce = (records: readonly StoredRecord[], revision: number): readonly StoredRecord[] =>
  records.map((record) => ({ ...record, revision }));

function asStored(record: RuleRecord, change: string, index: number): StoredRecord {
  const { rule_id, revision, versions } = record;
  const last = versions.at(-1);
  const shown =
    last === undefined
      ? {}
      : { active: last.spec.active, version: last.version, phase: last.phase, rule: JSON.stringify(last.spec) };
  const _id = recordKey(change, revision, index);
  return { _id, rule_id, revision, change, ...shown, versions: JSON.stringify(versions) };
}

function asRemoved(ruleId: string, revision: number, change: string, index: number): StoredRecord {
  return { _id: recordKey(change, revision, index), rule_id: ruleId, revision, change, removed: true };
}

export function asKnown({ _id, rule_id, revision, removed, versions }: StoredRecord): KnownRecord {
  if (removed) return { _id, revision, record: undefined };
  return { _id, revision, record: { rule_id, revision, versions: versionsOf(_id, versions) } };
}

function versionsOf(_id: string, text: string | undefined): readonly RuleVersion[] {
  const versions: unknown = JSON.parse(text ?? "null");
  if (!Array.isArray(versions)) throw new TypeError(`the record ${JSON.stringify(_id)} is damaged`);
  return versions as RuleVersion[];
}

/** As many at a time as a message takes. */
function* portions(records: readonly StoredRecord[]): Iterable<StoredRecord[]> {
  let portion: StoredRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = Buffer.byteLength(record.versions ?? "") + Buffer.byteLength(record.rule ?? "");
    if (portion.length > 0 && (portion.length === recordsAtOnce || bytes + size > bytesAtOnce)) {
      yield portion;
      [portion, bytes] = [[], 0];
    }
    portion.push(record);
    bytes += size;
  }
  if (portion.length > 0) yield portion;
}
