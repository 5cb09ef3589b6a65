import { MongoBulkWriteError } from "mongodb";
import type { Collection, Filter, WriteError } from "mongodb";
import type { Offset, Src } from "../../event/position.ts";
import { offset } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { MongoLine } from "../../mongo/line.ts";
import { repeatedCode } from "../../mongo/repeated.ts";
import type { Archive, ArchiveErasure, ArchivedEvent } from "../archive.ts";

/** An event in `raw_events`. */
interface StoredEvent {
  /** `partition:off`, its position. */
  readonly _id: string;
  readonly partition: number;
  readonly off: number;
  readonly event_id: string;
  readonly event_type: string;
  readonly user_id: string;
  readonly timestamp: Date;
  readonly received_at: Date;
  /** JSON text: as a document it would lose what BSON writes otherwise, and MongoDB refuses some of its keys. */
  readonly payload: string;
}

/** Up to where a partition was whole when something of it was erased. */
interface Floor {
  readonly _id: number;
  readonly below: number;
}

/** Up to where a partition was put. */
interface Noted {
  readonly _id: number;
  readonly next: number;
}

/** The driver ends what it asks long before. */
const callMs = 60_000;

/**
 * Opens the archive in MongoDB; nothing is asked of it before it is used.
 * @throws WeirError `invalid_config` when the address can't be read.
 */
export function openMongoArchive(url: string, clock: Clock): Archive {
  return new MongoArchive(new MongoLine(url, "the archive", clock));
}

class MongoArchive implements Archive {
  readonly #line: MongoLine;
  #isIndexed = false;

  constructor(line: MongoLine) {
    this.#line = line;
  }

  put(events: readonly ArchivedEvent[]): Promise<void> {
    return this.#ask(async () => {
      await this.#index();
      const documents = events.map(stored);
      try {
        await this.#events().insertMany(documents, { ordered: false });
      } catch (error) {
        const taken = takenIn(error, documents.length);
        await this.#mustBeTheirs(taken);
      }
    });
  }

  /** An index that somebody has added may refuse an event for another's values: nothing of its position is there then. */
  async #mustBeTheirs(taken: readonly string[]): Promise<void> {
    if (taken.length === 0) return;
    const there = await this.#events()
      .find({ _id: { $in: [...taken] } }, { projection: { _id: 1 } })
      .toArray();
    const found = new Set(there.map(({ _id }) => _id));
    const lacking = taken.find((id) => !found.has(id));
    if (lacking !== undefined) throw refusal(lacking, "a unique index finds it in another event");
  }

  floor(src: Src): Promise<Offset> {
    return this.#ask(async () => offset((await this.#floors().findOne({ _id: src }))?.below ?? 0));
  }

  noted(src: Src): Promise<Offset> {
    return this.#ask(async () => offset((await this.#notes().findOne({ _id: src }))?.next ?? 0));
  }

  async note(src: Src, from: Offset, next: Offset): Promise<boolean> {
    const isFirst = from === 0;
    const before: Filter<Noted> = { _id: src, ...(isFirst ? {} : { next: { $gte: from } }) };
    const { matchedCount, upsertedCount } = await this.#ask(() =>
      this.#notes().updateOne(before, { $max: { next } }, { upsert: isFirst }),
    );
    if (matchedCount + upsertedCount > 0) return true;
    this.#isIndexed = false;
    return false;
  }

  erase({ by, values, below }: ArchiveErasure): Promise<void> {
    return this.#ask(async () => {
      const bounds = Object.entries(below).map(([partition, end]) => ({ partition: Number(partition), end }));
      // First: from now on nothing of it is put again, whenever this process dies.
      for (const { partition, end } of bounds) await this.#raise(partition, end);
      await this.#index();
      const places = bounds.map(({ partition, end }) => ({ partition, off: { $lt: end } }));
      const whose: Filter<StoredEvent> = { [by]: { $in: [...values] } };
      if (places.length > 0) await this.#events().deleteMany({ ...whose, $or: places });
    });
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  #events(): Collection<StoredEvent> {
    return this.#line.collection<StoredEvent>("raw_events");
  }

  #floors(): Collection<Floor> {
    return this.#line.collection<Floor>("raw_events_erased");
  }

  #notes(): Collection<Noted> {
    return this.#line.collection<Noted>("raw_events_progress");
  }

  /** Never lower than it was. */
  async #raise(partition: number, below: number): Promise<void> {
    await this.#floors().updateOne({ _id: partition }, { $max: { below } }, { upsert: true });
  }

  /** What an erasure goes by. */
  async #index(): Promise<void> {
    if (this.#isIndexed) return;
    await this.#events().createIndex({ user_id: 1 });
    await this.#events().createIndex({ event_id: 1 });
    this.#isIndexed = true;
  }

  #ask<T>(call: () => Promise<T>): Promise<T> {
    return this.#line.ask(call, callMs);
  }
}

function stored({
  src,
  off,
  event_id,
  event_type,
  user_id,
  timestamp,
  receivedAt,
  payload,
}: ArchivedEvent): StoredEvent {
  return {
    _id: `${src}:${off}`,
    ...{ partition: src, off, event_id, event_type, user_id },
    ...{ timestamp: new Date(timestamp), received_at: new Date(receivedAt), payload },
  };
}

/**
 * The documents that are not inserted because something of theirs is there already, mostly they themselves.
 * @throws for any other failure what people need to know
 */
function takenIn(error: unknown, count: number): readonly string[] {
  const failures = failuresIn(error, count);
  const idOf = (failure: WriteError): string => (failure.getOperation() as StoredEvent)._id;
  const refused = failures.find(({ code }) => code !== repeatedCode);
  if (refused !== undefined) throw refusal(idOf(refused), refused.errmsg ?? "it does not say why", error);
  return failures.map(idOf);
}

const refusal = (id: string, why: string, cause?: unknown): Error =>
  new Error(
    `it does not take the event at ${id} (${why}); see what binds the collection raw_events (a validator, an index), and mend that`,
    { cause },
  );

/** What became of the documents that were not inserted. A line that breaks comes as the same kind of error, and says nothing of the rest. */
function failuresIn(error: unknown, count: number): readonly WriteError[] {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  if (error.result.getWriteConcernError() !== undefined) throw error;
  if (error.insertedCount + failures.length !== count) throw error;
  return failures;
}
