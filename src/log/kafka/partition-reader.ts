import type { Offset } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import type { LogRecord, ReadOptions } from "../log.ts";
import { Fetched, covers, nothingFrom, upTo } from "./batches.ts";
import type { Taken } from "./batches.ts";
import { answered, isLate, nameOf, pauseAfter } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { Said, whatIsWrong } from "./faults.ts";
import { afterPutOff } from "./fetch.ts";
import type { FetchAnswer, PutOff } from "./fetch.ts";
import { FetchSize } from "./fetch-size.ts";
import { TopicReplaced } from "./partition-line.ts";
import type { Line } from "./partition-line.ts";
import { Decoder } from "./record.ts";
import { recordAt } from "./slots.ts";

/** Records that Kafka had deleted before they were read. */
export interface Gap {
  readonly partition: number;
  /** Offsets of records: `[from, to)` are gone. */
  readonly from: number;
  readonly to: number;
}

export interface PartitionReaderParts {
  readonly line: Line;
  /** For people. */
  readonly address: KafkaAddress;
  readonly topic: string;
  readonly partition: number;
  readonly futureMaxMs: number;
  /** See `KafkaLogOptions`. */
  readonly aheadBytesMax?: number | undefined;
  readonly clock: Clock;
  /** Whether to go on behind a gap. */
  readonly skipsGap: (gap: Gap) => boolean;
  /** Hears why it can't read, each time that it is something else, and that it can again. */
  readonly tell: (level: "info" | "warn", message: string) => void;
}

/** How long a fetch waits at the broker while nothing is there: bounds how old the news may be that nothing is. */
const pollMs = 250;
/** For so long it is believed that nothing can be read while a fetch waits at the broker. */
const freshMs = pollMs + 1_000;
/** How long a read without patience waits for a fetch. */
const unwaitedMs = 1_000;
/** Brokers that change their roles may be behind for a moment: only who has said for so long that records are gone is believed. */
const believedMs = 3_000;
/** Its multiples are spread evenly, however many there are. */
const goldenRatio = 0.618;

/**
 * Reads one partition by explicit fetches from the position that is asked for; it belongs to no group. What one fetch has
 * brought is kept until it is asked for; while nothing is there a fetch waits at the broker.
 */
export class PartitionReader {
  readonly #parts: PartitionReaderParts;
  readonly #decoder: Decoder;
  readonly #closed = new AbortController();
  readonly #size: FetchSize;
  #kept: readonly LogRecord[] = [];
  /** How far was read last. */
  #taken: Taken = { next: -1, leaderEpoch: -1 };
  /** What lies behind it and is not opened. */
  #behind: Fetched | undefined;
  #fetch: { readonly from: number; readonly done: Promise<void> } | undefined;
  /** When a fetch last brought nothing, and from where; by the monotonic clock. */
  #empty = { from: -1, at: -Infinity };
  /** Everything that came before was brought, ms since the epoch. */
  #through = 0;
  #failures = 0;
  /** Why it can't read now, for people. */
  #fault: string | undefined;
  /** Since when the partition is said to end before what was read of it, by the monotonic clock. */
  #shortSince: number | undefined;
  /** What there is no way to go on behind. */
  #broken: WeirError | undefined;

  constructor(parts: PartitionReaderParts) {
    this.#parts = parts;
    this.#decoder = new Decoder(parts.futureMaxMs);
    this.#size = new FetchSize(parts.aheadBytesMax);
  }

  /** See `Log.read`. */
  async read(off: Offset, options: ReadOptions): Promise<readonly LogRecord[]> {
    const { clock } = this.#parts;
    const deadline = clock.monotonic() + options.waitMs;
    const isOver = (): boolean => options.signal?.aborted === true || this.#closed.signal.aborted;
    for (;;) {
      if (this.#broken !== undefined) throw this.#broken;
      const found = this.#take(off, options);
      if (found.length > 0 || isOver()) return found;
      const left = deadline - clock.monotonic();
      if (left <= 0 && this.#knowsEmpty(off)) return [];
      await this.#wait(this.#fetching(off, options.waitMs), left > 0 ? left : unwaitedMs, options.signal);
    }
  }

  /** See `Log.givenThrough`: an open transaction ends what is given, and not what is there. */
  get givenThrough(): number {
    return this.#through;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#parts.line.drop();
  }

  #take(off: Offset, bounds: ReadOptions): readonly LogRecord[] {
    return covers(this.#kept, off) ? upTo(this.#kept, off, bounds) : [];
  }

  /** A log that was not asked, or can't be reached, has not said that it gives nothing. */
  #knowsEmpty(off: Offset): boolean {
    const { from, at } = this.#empty;
    return from === recordAt(off) && this.#parts.clock.monotonic() - at < freshMs && this.#fault === undefined;
  }

  /** The fetch that brings what is at `off`: one is under way at a time. */
  #fetching(off: Offset, waitMs: number): Promise<void> {
    const from = recordAt(off);
    if (this.#fetch?.from === from) return this.#fetch.done;
    const before = this.#fetch?.done.catch(() => {}) ?? Promise.resolve();
    const done = before.then(() => this.#fetchFrom(from, this.#knowsEmpty(off) ? pollMs : Math.min(waitMs, pollMs)));
    const fetch = { from, done };
    this.#fetch = fetch;
    const over = (): void => {
      if (this.#fetch === fetch) this.#fetch = undefined;
    };
    done.then(over, over);
    return done;
  }

  async #fetchFrom(from: number, waitMs: number): Promise<void> {
    if (this.#closed.signal.aborted) return;
    try {
      const behind = this.#behind;
      this.#behind = undefined;
      if (behind?.next === from) this.#open(behind);
      else await this.#ask(from, waitMs);
    } catch (error) {
      await this.#failed(error, from);
    }
  }

  async #ask(from: number, waitMs: number): Promise<void> {
    const { line, partition, clock } = this.#parts;
    const [askedAt, began] = [clock.now(), clock.monotonic()];
    const leaderEpoch = this.#taken.next === from ? this.#taken.leaderEpoch : -1;
    const answer = await line.fetch(from, { bytesMax: this.#size.bytesMax, waitMs, leaderEpoch });
    if ("putOffMs" in answer) return this.#waitOut(answer);
    if (answer.replacedFrom !== undefined) throw (this.#broken = this.#replaced(answer.replacedFrom, from));
    this.#size.came(answer.bytes.length, clock.monotonic() - began);
    const fetched = new Fetched(partition, from, answer);
    this.#readsAgain();
    if (!this.#open(fetched)) this.#nothingFrom(from, answer, askedAt);
  }

  async #waitOut(putOff: PutOff): Promise<void> {
    await this.#parts.clock.sleep(afterPutOff(putOff), this.#closed.signal);
  }

  /** Answers whether there was anything in it. */
  #open(fetched: Fetched): boolean {
    const { clock, aheadBytesMax } = this.#parts;
    const records = fetched.take({ decoder: this.#decoder, now: clock.now(), bytesMax: aheadBytesMax });
    this.#behind = fetched;
    const last = records.at(-1);
    if (last === undefined) return false;
    this.#kept = records;
    this.#taken = fetched.taken;
    this.#through = last.appendedAt;
    return true;
  }

  #nothingFrom(from: number, { end }: FetchAnswer, askedAt: number): void {
    this.#empty = { from, at: this.#parts.clock.monotonic() };
    if (end <= from) this.#through = askedAt;
  }

  /** Waits a moment, so that the next attempt may go better; or rejects when none can. */
  async #failed(error: unknown, from: number): Promise<void> {
    if (this.#closed.signal.aborted) return;
    if (error instanceof WeirError) throw error;
    if (error instanceof TopicReplaced) throw (this.#broken = this.#madeAnew(from));
    if (answered(error, "OFFSET_OUT_OF_RANGE")) {
      // Who does not answer that either is asked again later.
      return this.#outOfRange(from).catch((other: unknown) => this.#failed(other, from));
    }
    if (isLate(error)) this.#size.late();
    this.#cannotRead(whatIsWrong(error).reason);
    await this.#parts.line.drop();
    await this.#parts.clock.sleep(this.#pauseMs(), this.#closed.signal);
  }

  /** Of many partitions that fail together each asks again at a moment of its own: so they don't share the line anew. */
  #pauseMs(): number {
    const share = (this.#parts.partition * goldenRatio) % 1;
    return pauseAfter(this.#failures++) * (1 + share / 2);
  }

  #cannotRead(reason: string): void {
    const { address, topic, partition, tell } = this.#parts;
    if (reason !== this.#fault)
      tell("warn", `${nameOf(address)}: partition ${partition} of ${topic} can't be read: ${reason}; trying again`);
    this.#fault = reason;
  }

  #readsAgain(): void {
    const { topic, partition, tell } = this.#parts;
    if (this.#fault !== undefined) tell("info", `partition ${partition} of ${topic} is read again`);
    this.#failures = 0;
    this.#fault = undefined;
    this.#shortSince = undefined;
  }

  async #outOfRange(from: number): Promise<void> {
    const { partition, line, clock } = this.#parts;
    const { first, end } = await line.bounds();
    if (from < first) return this.#atGap({ partition, from, to: first });
    if (from <= end) throw new Said(`it has record ${from}, and does not give it`);
    this.#shortSince ??= clock.monotonic();
    if (clock.monotonic() - this.#shortSince >= believedMs) throw this.#endsBefore(from, end);
    throw new Said(`it ends at record ${end}, but was read up to ${from} before`);
  }

  #atGap(gap: Gap): void {
    const { partition, clock, skipsGap } = this.#parts;
    if (!skipsGap(gap)) throw this.#gone(gap);
    this.#readsAgain();
    this.#kept = [nothingFrom(partition, gap.from, gap.to, clock.now())];
  }

  #gone({ partition, from, to }: Gap): WeirError {
    const { address, topic } = this.#parts;
    return new WeirError(
      "log_gap",
      `${nameOf(address)}: the records ${from} to ${to - 1} of partition ${partition} of ${topic} were deleted before they were counted. ${whyGone(from)} of the topic. What is lost can't be brought back by Weir: start once with --kafka-gap skip (of several processes, each) to go on at record ${to}`,
      { details: { topic, partition, from, to } },
    );
  }

  #endsBefore(from: number, end: number): WeirError {
    const { address, topic, partition } = this.#parts;
    return new WeirError(
      "log_gap",
      `${nameOf(address)}: partition ${partition} of ${topic} ends at record ${end}, but was read up to ${from} before: the topic was made anew, or has lost records. ${anew}`,
      { details: { topic, partition, from, to: end } },
    );
  }

  #replaced(from: number, to: number): WeirError {
    const { address, topic, partition } = this.#parts;
    return new WeirError(
      "log_gap",
      `${nameOf(address)}: partition ${partition} of ${topic} has other records from ${from} on than were read up to ${to}: it was given a leader that had not got them, and what was written since has their offsets. Weir can't tell which of them it has counted. ${anew}, to count all that is there, and leave unclean.leader.election.enable off`,
      { details: { topic, partition, from, to } },
    );
  }

  #madeAnew(from: number): WeirError {
    const { address, topic, partition } = this.#parts;
    return new WeirError(
      "log_gap",
      `${nameOf(address)}: the topic ${topic} was made anew: its records have offsets that others had before, and partition ${partition} was read up to ${from}. ${anew}`,
      { details: { topic, partition, from } },
    );
  }

  async #wait(fetch: Promise<void>, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([over.signal, this.#closed.signal, ...(signal ? [signal] : [])]);
    try {
      await Promise.race([fetch, this.#parts.clock.sleep(ms, either)]);
    } finally {
      over.abort();
    }
  }
}

const anew = "Take another topic, or an empty data folder";

/** Who has never counted a partition begins at record 0, whenever it was written. */
const whyGone = (from: number): string =>
  from === 0
    ? "Either Weir counts it for the first time, and they were gone before; or retention is too short for how far counting is behind: then raise retention.ms and retention.bytes"
    : "Retention is too short for how far counting is behind: raise retention.ms and retention.bytes";
