import type { ChangeStream, Collection } from "mongodb";
import { isRepeated } from "../../mongo/repeated.ts";

/** What is written for one change, and never touched again: the change is made by the writing of it. */
export interface LoggedChange {
  readonly _id: string;
  /** The change that has taken this number. Its records carry it too. */
  readonly change: string;
  /** How many records it has. */
  readonly records: number;
  /** The number for which they were staged; that of the change, or an earlier one, which somebody else has taken. */
  readonly staged: number;
}

/** The number of a change as a key: keys are in the order of numbers, and servers look them up fast, since they are texts. */
export const changeKey = (revision: number): string => `change ${String(revision).padStart(16, "0")}`;
const revisionOf = (key: string): number => Number(key.slice("change ".length));

const seriesKey = (series: number): string => `series ${String(series).padStart(16, "0")}`;
const ownerKey = "owner";

/** Series below this one are reserved. */
const firstSeries = 16;
const readAtOnce = 1000;

/** One of several kinds, told apart by their keys: a change, some series that were taken, the owner. */
export interface Entry {
  readonly _id: string;
  readonly change?: string;
  readonly records?: number;
  /** Missing: its own number. */
  readonly staged?: number;
  readonly next?: number;
  readonly owner?: string;
}

export type ReadLevel = "linearizable" | "majority" | "local";

/**
 * Entries that are inserted under keys which follow from what is there already, and are never changed or removed. Of those
 * who insert one key, one wins: that is all that is asked of the server, and it holds in each that has a unique `_id`.
 */
export class ChangeLog {
  readonly #entries: () => Collection<Entry>;
  readonly #level: ReadLevel;

  constructor(entries: () => Collection<Entry>, level: ReadLevel) {
    this.#entries = entries;
    this.#level = level;
  }

  /** How many changes there are. Looks through all: for the start. */
  async count(): Promise<number> {
    const last = await this.#last("change ");
    return last === undefined ? 0 : revisionOf(last._id);
  }

  /** The change of this number as it is now, on whatever server the truth is. */
  async at(revision: number): Promise<LoggedChange | undefined> {
    const readConcern = { level: this.#level };
    const found = await this.#entries().findOne({ _id: changeKey(revision) }, { readConcern });
    return found === null ? undefined : asChange(found);
  }

  /** Changes from this number on, in their order; some of them, when there are many. */
  async from(revision: number): Promise<readonly LoggedChange[]> {
    const range = { $gte: changeKey(revision), $lt: "change~" };
    const found = await this.#entries().find({ _id: range }).sort({ _id: 1 }).limit(readAtOnce).toArray();
    return found.map(asChange);
  }

  /** Those of these changes that there are. */
  async some(revisions: readonly number[]): Promise<readonly LoggedChange[]> {
    const found: LoggedChange[] = [];
    for (let at = 0; at < revisions.length; at += readAtOnce) {
      const keys = revisions.slice(at, at + readAtOnce).map(changeKey);
      const some = await this.#entries()
        .find({ _id: { $in: keys } })
        .toArray();
      found.push(...some.map(asChange));
    }
    return found;
  }

  /** Those that have one of these names. Looks through all: for the start. */
  async named(changes: readonly string[]): Promise<readonly LoggedChange[]> {
    const found: LoggedChange[] = [];
    for (let at = 0; at < changes.length; at += readAtOnce) {
      const some = { change: { $in: changes.slice(at, at + readAtOnce) } };
      found.push(...(await this.#entries().find(some).toArray()).map(asChange));
    }
    return found;
  }

  /** Makes the change, if nobody has that number. Answers whether it did. */
  append(revision: number, { change, records, staged }: Omit<LoggedChange, "_id">): Promise<boolean> {
    const earlier = staged === revision ? {} : { staged };
    return this.#insert({ _id: changeKey(revision), change, records, ...earlier });
  }

  /** Makes a change of nothing, if nobody has that number. What was staged for it, or for an earlier one, and not made, never is. */
  fence(revision: number, change: string): Promise<boolean> {
    return this.append(revision, { change, records: 0, staged: revision });
  }

  /** The first series that nobody has. Looks through all: for the start. */
  async nextSeries(): Promise<number> {
    const last = await this.#last("series ");
    return last?.next ?? firstSeries;
  }

  /** Takes `count` series from `first` on, if nobody has; else who has them says which is next. Whoever is not found yet is asked again. */
  async takeSeries(first: number, count: number): Promise<{ readonly taken: boolean; readonly next: number }> {
    const next = first + count;
    if (await this.#insert({ _id: seriesKey(first), next })) return { taken: true, next };
    const theirs = await this.#entries().findOne({ _id: seriesKey(first) });
    return { taken: false, next: theirs?.next ?? first };
  }

  /** Whose rules these are; undefined: nobody's yet. */
  async owner(): Promise<string | undefined> {
    return (await this.#entries().findOne({ _id: ownerKey }))?.owner;
  }

  /** Makes them the owner's, unless they are somebody's. Answers whose they are then. */
  async claim(owner: string): Promise<string> {
    if (await this.#insert({ _id: ownerKey, owner })) return owner;
    return (await this.owner()) ?? owner;
  }

  /** Calls `appended` after each insertion, until the stream ends, with the reason. Only a set of replicas can tell. */
  watch(appended: () => void): { readonly ended: Promise<unknown>; close(): Promise<void> } {
    const stream = this.#entries().watch([{ $match: { operationType: "insert" } }]);
    return { ended: toldUntilItEnds(stream, appended), close: () => stream.close() };
  }

  async #last(prefix: string): Promise<Entry | undefined> {
    const range = { $gte: prefix, $lt: `${prefix}~` };
    const [last] = await this.#entries().find({ _id: range }).sort({ _id: -1 }).limit(1).toArray();
    return last;
  }

  async #insert(entry: Entry): Promise<boolean> {
    try {
      await this.#entries().insertOne(entry);
      return true;
    } catch (error) {
      if (isRepeated(error)) return false;
      throw error;
    }
  }
}

/** Asked one by one: as an emitter the driver's stream tells of its cursor's end before it tells why, and also when it goes on with another. */
async function toldUntilItEnds(stream: Pick<ChangeStream, "next">, appended: () => void): Promise<unknown> {
  try {
    for (;;) {
      await stream.next();
      appended();
    }
  } catch (error) {
    return error;
  }
}

function asChange({ _id, change, records, staged = revisionOf(_id) }: Entry): LoggedChange {
  if (change === undefined || records === undefined) throw new TypeError(`the entry ${JSON.stringify(_id)} is damaged`);
  return { _id, change, records, staged };
}

export const changeRevision = ({ _id }: LoggedChange): number => revisionOf(_id);
