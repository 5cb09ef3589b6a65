import type { Collection } from "mongodb";
import type { Clock } from "../../lib/clock.ts";
import { messageOf, WeirError } from "../../lib/errors.ts";
import { MongoLine } from "../../mongo/line.ts";
import { isRepeated } from "../../mongo/repeated.ts";
import { type Erasure, type ErasureState, type SharedErasures, stepOf } from "../register.ts";

/**
 * What was asked for, or a step that was taken since, or who has the archive: told apart by their keys. Inserted and never
 * changed, but for what only ever goes: the values, and that it is not done.
 */
interface Entry {
  /** `<id>`, `<id> <step>`, `archivist`. */
  readonly _id: string;
  readonly requested_at?: Date;
  /** It is not done. */
  readonly open?: boolean;
  /** JSON: whose events; empty once they are known by their positions. */
  readonly values?: string;
  /** JSON of what never changes: not every server takes every key. */
  readonly asked?: string;
  readonly state?: ErasureState;
  readonly events?: number | null;
  readonly removed_at?: Date | null;
  readonly finished_at?: Date | null;
  readonly process?: string;
}

type Asked = Pick<Erasure, "by" | "digests" | "below" | "askedOf">;

const callMs = 30_000;
const stepsMax = 4;
const keysAtOnce = 1000;
const archivistKey = "archivist";

/**
 * Opens the register in MongoDB, or in a server that speaks its protocol; nothing is asked of it before it is used.
 * @throws WeirError `invalid_config` when the address can't be read.
 */
export function openMongoErasures(url: string, clock: Clock): SharedErasures {
  return new MongoErasures(new MongoLine(url, "the erasures", clock));
}

class MongoErasures implements SharedErasures {
  readonly #line: MongoLine;
  #isIndexed = false;

  constructor(line: MongoLine) {
    this.#line = line;
  }

  /** The step is taken by the insertion of its entry. Only then values go: who dies in between is followed by `unfinished`. */
  async put(erasure: Erasure): Promise<void> {
    await this.#ask(async () => {
      await this.#insert(entryOf(erasure));
      if (stepOf(erasure) === 0) return;
      await this.#insert(stepEntryOf(erasure));
      await this.#forget(erasure);
    });
  }

  async get(id: string): Promise<Erasure | undefined> {
    const [erasure] = await this.#ask(async () => this.#whole(await this.#entries().find({ _id: id }).toArray()));
    return erasure;
  }

  latest(limit: number): Promise<readonly Erasure[]> {
    return this.#ask(async () => {
      await this.#index();
      const newestFirst = { requested_at: -1, _id: -1 } as const;
      const asked = { requested_at: { $exists: true } };
      return this.#whole(await this.#entries().find(asked).sort(newestFirst).limit(limit).toArray());
    });
  }

  unfinished(): Promise<readonly Erasure[]> {
    return this.#ask(async () => {
      await this.#index();
      const open = await this.#entries().find({ open: true }).sort({ requested_at: 1, _id: 1 }).toArray();
      const erasures = await this.#whole(open);
      const kept = new Set(open.filter(({ values }) => values !== "").map(({ _id }) => _id));
      // What a process that has died, or a server that mixes changes up, has left.
      for (const erasure of erasures)
        if (erasure.state === "done" || (stepOf(erasure) > 0 && kept.has(erasure.id))) await this.#forget(erasure);
      return erasures.filter(({ state }) => state !== "done");
    });
  }

  archivist(): Promise<string | undefined> {
    return this.#ask(async () => (await this.#entries().findOne({ _id: archivistKey }))?.process);
  }

  async becomeArchivist(process: string): Promise<string> {
    await this.#ask(() => this.#insert({ _id: archivistKey, process }));
    return (await this.archivist()) ?? this.becomeArchivist(process);
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  #entries(): Collection<Entry> {
    return this.#line.collection<Entry>("erasures");
  }

  async #index(): Promise<void> {
    if (this.#isIndexed) return;
    await this.#entries().createIndex({ open: 1 });
    await this.#entries().createIndex({ requested_at: 1 });
    this.#isIndexed = true;
  }

  /** Of those who insert one key, one is kept. */
  async #insert(entry: Entry): Promise<void> {
    try {
      await this.#entries().insertOne(entry);
    } catch (error) {
      if (!isRepeated(error)) throw error;
    }
  }

  /** Whoever does so at the same time does the same, or less. */
  async #forget({ id, state }: Erasure): Promise<void> {
    const done = state === "done" ? { open: false } : {};
    await this.#entries().updateOne({ _id: id }, { $set: { values: "", ...done } });
  }

  /** As they are after the last step that was taken. */
  async #whole(asked: readonly Entry[]): Promise<readonly Erasure[]> {
    const last = new Map<string, Entry>();
    const keys = asked.flatMap(({ _id }) => Array.from({ length: stepsMax }, (_, step) => stepKey(_id, step + 1)));
    for (let at = 0; at < keys.length; at += keysAtOnce) {
      const steps = await this.#entries()
        .find({ _id: { $in: keys.slice(at, at + keysAtOnce) } })
        .sort({ _id: 1 })
        .toArray();
      for (const step of steps) last.set(idOf(step), step);
    }
    return asked.map((entry) => erasureOf(entry, last.get(entry._id)));
  }

  /** A wrong password, too, is for a caller no more than a place that is away now. */
  async #ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.#line.ask(call, callMs);
    } catch (error) {
      const reason = messageOf(error);
      throw new WeirError("registry_unavailable", reason, { canRetry: true, cause: error });
    }
  }
}

/** Ids have no space. */
const stepKey = (id: string, step: number): string => `${id} ${step}`;
const idOf = ({ _id }: Entry): string => _id.slice(0, _id.lastIndexOf(" "));

function entryOf(erasure: Erasure): Entry {
  const { id, by, digests, below, askedOf, values, state, requestedAt } = erasure;
  const asked: Asked = { by, digests, below, ...(askedOf === undefined ? {} : { askedOf }) };
  return {
    _id: id,
    requested_at: new Date(requestedAt),
    open: state !== "done",
    values: values.length === 0 ? "" : JSON.stringify(values),
    asked: JSON.stringify(asked),
  };
}

function stepEntryOf(erasure: Erasure): Entry {
  const { id, state, events, removedAt, finishedAt } = erasure;
  return {
    _id: stepKey(id, stepOf(erasure)),
    ...{ state, events, removed_at: dateOf(removedAt), finished_at: dateOf(finishedAt) },
  };
}

function erasureOf({ _id, requested_at, values = "", asked }: Entry, step: Entry | undefined): Erasure {
  const { state = "waiting", events = null, removed_at = null, finished_at = null } = step ?? {};
  if (asked === undefined || requested_at === undefined) throw new TypeError(`the erasure ${_id} is damaged`);
  return {
    ...(JSON.parse(asked) as Asked),
    id: _id,
    values: step === undefined && values !== "" ? (JSON.parse(values) as string[]) : [],
    ...{ state, events, requestedAt: requested_at.getTime() },
    ...{ removedAt: removed_at?.getTime() ?? null, finishedAt: finished_at?.getTime() ?? null },
  };
}

const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
