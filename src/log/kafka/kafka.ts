import { Admin, Consumer } from "@platformatic/kafka";
import type { PackedEvents } from "../../event/packed.ts";
import { after, offset, src } from "../../event/position.ts";
import type { Offset, OffsetRange, Src } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { Crowd, type Member } from "../../lib/crowd.ts";
import { WeirError } from "../../lib/errors.ts";
import type { Log, LogRecord, LogState, ReadOptions } from "../log.ts";
import type { SharedLog } from "../membership.ts";
import { answered, clientOptions, nameOf, opening, patiently, within } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { Commits } from "./commits.ts";
import { Group } from "./group.ts";
import { KnownEnds } from "./known-ends.ts";
import { Lane } from "./lane.ts";
import { PartitionLine } from "./partition-line.ts";
import { PartitionReader } from "./partition-reader.ts";
import type { Gap, PartitionReaderParts } from "./partition-reader.ts";
import { watchPartitions } from "./partition-watch.ts";
import { splitByPartition } from "./partition-of.ts";
import type { Chunk } from "./partition-of.ts";
import { openSender } from "./sender.ts";
import type { Compression } from "./sender.ts";
import { firstSlot, recordAt } from "./slots.ts";
import { findOrMakeTopic } from "./topic.ts";
import type { TellTopic, TopicWish } from "./topic.ts";

export interface KafkaLogOptions {
  readonly address: KafkaAddress;
  readonly topic: TopicWish;
  /** Who counts the topic together, and under whose name the hints of `commit` are kept. Two installations on one topic need two. */
  readonly group: string;
  /** Where all that is counted goes to a place that the group's other processes have, too; missing: this one counts all by itself. */
  readonly sharing?: {
    /** This process, which may come back under the same name, as no other does. */
    readonly instance: string;
    /** A process of the group that was not heard of for so long has lost its partitions. */
    readonly sessionMs: number;
  };
  readonly compression: Compression;
  /** Events that a record of others may be ahead of the record's own time. */
  readonly futureMaxMs: number;
  /** Bytes of appends that are not answered yet. Default 64 MiB. */
  readonly inFlightBytesMax?: number;
  /** Bytes that are read ahead of each partition, as they come, and as many opened. By default some more, for who must be fast. */
  readonly aheadBytesMax?: number;
  readonly clock: Clock;
  /** Whether to go on behind records that were deleted unread; without it that is an error. */
  readonly skipsGap?: (gap: Gap) => boolean;
  readonly report: (level: "info" | "warn", message: string, facts?: object) => void;
  /** Ends the wait for brokers. */
  readonly signal?: AbortSignal;
}

/** With some to spare they are the five seconds within which an append is answered. */
const appendMs = { deadlineMs: 3_000, sendLeastMs: 1_000 };
const askMs = 4_000;
const inFlightBytesMax = 64 << 20;
const retryAfterMs = 1_000;

/**
 * Opens the topic, and makes it when it is not there. Waits for brokers that don't answer yet.
 * @throws WeirError `invalid_config` where waiting can't help, `stopping` at the signal.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const admin = new Admin({ ...clientOptions(options.address), metadataMaxAge: 1_000 });
  try {
    const found = await patiently(() => find(admin, options), opening(options.topic.name, options));
    return new KafkaLog(options, admin, found);
  } catch (error) {
    await admin.close().catch(() => {});
    throw error;
  }
}

/** The topic as it was found. */
interface Found {
  readonly partitions: number;
  readonly topicId: string;
  readonly clusterId: string;
}

async function find(admin: Admin, { address, topic, report }: KafkaLogOptions): Promise<Found> {
  const found = await findOrMakeTopic(admin, address, topic, tellerOf(topic.name, report));
  const { id: clusterId } = await admin.metadata({ topics: [] });
  return { partitions: found.partitionsCount, topicId: found.id, clusterId };
}

const tellerOf = (topic: string, report: KafkaLogOptions["report"]): TellTopic => ({
  made: (partitions, replication) => report("info", `made the topic ${topic}`, { partitions, replication }),
  tight: (bytesMax) =>
    report(
      "warn",
      `the topic ${topic} takes no record larger than max.message.bytes=${bytesMax}, and Weir writes up to 1,000,000 bytes into one: large requests will be refused; set it to 1048588, its usual value, or more`,
    ),
  others: (of) =>
    report(
      "warn",
      `the topic ${topic} has message.timestamp.type=${of}: records with times ahead of others make windows final too early; set it to LogAppendTime`,
    ),
  risky: () =>
    report(
      "warn",
      `the topic ${topic} has min.insync.replicas=1: an acknowledged event may be lost with one broker; set it to 2`,
    ),
});

/** An append that is not answered yet. */
interface Appending extends Member {
  readonly answer: Promise<unknown>;
}

/** The log on Apache Kafka: one lane and one reader a partition. */
class KafkaLog implements Log {
  readonly shared?: SharedLog;
  /** Kafka forgets the offsets of a group that has no members when nothing is committed for some days, and anybody can set them. */
  readonly committedIsHint = true;
  readonly #options: KafkaLogOptions;
  readonly #admin: Admin;
  readonly #asking: Consumer;
  readonly #lanes: readonly Lane[];
  readonly #readers = new Map<Src, PartitionReader>();
  readonly #topicId: string;
  readonly #commits: Commits;
  readonly #ends = new KnownEnds();
  readonly #inFlightBytesMax: number;
  readonly #stopWatching: () => void;
  #inFlightBytes = 0;
  #closing: Promise<void> | undefined;
  readonly #appends = new Crowd<Appending>();

  constructor(options: KafkaLogOptions, admin: Admin, found: Found) {
    const { address, topic, group, clock, report } = options;
    this.#options = options;
    this.#admin = admin;
    this.#inFlightBytesMax = options.inFlightBytesMax ?? inFlightBytesMax;
    this.#asking = new Consumer({ ...clientOptions(address), groupId: group, metadataMaxAge: 1_000 });
    const all = Array.from({ length: found.partitions }, (_, partition) => partition);
    this.#topicId = found.topicId;
    this.#lanes = all.map((partition) => this.#lane(partition));
    const failed = (err: unknown): void => report("warn", `the offsets of ${whyNoCommits(err, group)}`, { err });
    const named = { address, topic: topic.name, group, clock };
    let standing = (): Group["standing"] => undefined;
    if (options.sharing !== undefined) {
      const membership = new Group({
        ...named,
        ...options.sharing,
        ...signalOf(options),
        report,
        flush: () => this.#commits.flush(),
        told: () => this.#commits.resume(),
        letGo: (gone) => this.#forget(gone),
      });
      standing = () => membership.standing;
      this.shared = { identity: `${found.clusterId}/${topic.name}/${found.topicId}/${group}`, membership };
    }
    this.#stopWatching = this.#watch();
    this.#commits = new Commits({ ...named, admin, standing: () => standing(), failed });
  }

  sources(): readonly Src[] {
    return this.#lanes.map((_, partition) => src(partition));
  }

  append(events: PackedEvents): Promise<readonly OffsetRange[]> {
    if (events.count === 0) return Promise.resolve([]);
    const refusal = this.#refusal(events.bytes.length);
    if (refusal !== undefined) return Promise.reject(refusal);
    const chunks = splitByPartition(events, this.#lanes.length);
    // What was given is copied by now, and is not held until the answer.
    const bytes = events.bytes.length;
    this.#inFlightBytes += bytes;
    const answer = this.#append(chunks).finally(() => {
      this.#inFlightBytes -= bytes;
      this.#appends.delete(appending);
    });
    const appending: Appending = { answer, seat: -1 };
    this.#appends.add(appending);
    return answer;
  }

  async read(from: { readonly src: Src; readonly off: Offset }, options: ReadOptions): Promise<readonly LogRecord[]> {
    const records = await this.#reader(from.src).read(from.off, options);
    if (records.length > 0) this.#ends.note(from.src, after(records.at(-1)!.to));
    return records;
  }

  givenThrough(partition: Src): number {
    return this.#readers.get(partition)?.givenThrough ?? 0;
  }

  async ends(): Promise<ReadonlyMap<Src, Offset>> {
    const { name } = this.#options.topic;
    const latest = { topics: [name], timestamp: -1n, isolationLevel: 0 };
    return this.#ask("asking for the ends of its partitions", async () => {
      const found = (await this.#asking.listOffsets(latest)).get(name)!;
      const ends = new Map(found.map((end, partition) => [src(partition), firstSlot(Number(end))]));
      this.#ends.check(ends);
      return ends;
    });
  }

  async commit(partition: Src, next: Offset): Promise<void> {
    this.#commits.note(partition, next);
  }

  committed(partition: Src): Promise<Offset> {
    return this.#ask("asking for what is committed", () => this.#commits.committed(partition));
  }

  state(): LogState {
    const held = { bytes: this.#inFlightBytes, bytesMax: this.#inFlightBytesMax };
    const fault = this.#lanes.map((lane) => lane.fault).find((each) => each !== undefined);
    if (fault === undefined) return { ...held, accepting: true };
    return { ...held, accepting: false, reason: fault, retryAfterMs, code: "log_unavailable" };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  #lane(partition: number): Lane {
    const { address, topic, compression, clock } = this.#options;
    const open = (): ReturnType<typeof openSender> =>
      openSender({ address, topic: topic.name, topicId: this.#topicId, partition, compression, clock });
    const name = `${nameOf(address)}: partition ${partition} of ${topic.name}`;
    return new Lane({ partition, open, clock, ...appendMs, name });
  }

  /** Also of a partition that was added since: the group may have given it to this process. */
  #reader(partition: Src): PartitionReader {
    const known = this.#readers.get(partition);
    if (known !== undefined) return known;
    const { address, topic, clock, report, futureMaxMs, aheadBytesMax, skipsGap = () => false } = this.#options;
    const place = { address, topic: topic.name, partition, clock };
    const line = new PartitionLine({ ...place, topicId: this.#topicId });
    const tell: PartitionReaderParts["tell"] = (level, message) => report(level, message);
    const reader = new PartitionReader({ ...place, line, futureMaxMs, aheadBytesMax, skipsGap, tell });
    this.#readers.set(partition, reader);
    return reader;
  }

  /** A reader holds megabytes that it has read ahead, and a connection. */
  #forget(partitions: ReadonlySet<number>): void {
    for (const partition of partitions) {
      void this.#readers.get(src(partition))?.close();
      this.#readers.delete(src(partition));
    }
  }

  /** Events that are appended here go on into those partitions that were there: repeats meet their originals. */
  #watch(): () => void {
    const { topic, clock, report } = this.#options;
    const known = this.#lanes.length;
    const count = async (): Promise<number> => {
      const { topics } = await this.#admin.metadata({ topics: [topic.name], forceUpdate: true });
      return topics.get(topic.name)?.partitionsCount ?? 0;
    };
    const grown = (now: number): void =>
      report(
        "warn",
        `partitions were added to the topic ${topic.name}: it has ${now} now, and had ${known} when this process started. What is in the new ones may not be counted, and new rules may not be filled, until every process has been started again`,
      );
    return watchPartitions({ count, known, grown, clock });
  }

  #refusal(bytes: number): WeirError | undefined {
    if (this.#closing !== undefined)
      return new WeirError("stopping", "the log is being closed", { canRetry: true, retryAfterMs });
    const { accepting, reason } = this.state();
    if (!accepting) return unavailable(reason!);
    const inFlight = this.#inFlightBytes;
    if (inFlight === 0 || inFlight + bytes <= this.#inFlightBytesMax) return undefined;
    const message = `${inFlight} bytes wait to become durable, at most ${this.#inFlightBytesMax} may`;
    return new WeirError("overloaded", message, { canRetry: true, retryAfterMs });
  }

  /** All of it, or the worst of what befell its parts. */
  async #append(chunks: readonly Chunk[]): Promise<readonly OffsetRange[]> {
    const outcomes = await Promise.allSettled(chunks.map((chunk) => this.#lanes[chunk.partition]!.add(chunk)));
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason as WeirError] : [],
    );
    const kept = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    for (const range of kept) this.#ends.note(range.src, firstSlot(recordAt(range.to) + 1));
    if (failures.length === 0) return joined(kept);
    const unknown = failures.find(({ outcomeUnknown }) => outcomeUnknown);
    if (unknown !== undefined || failures.length === outcomes.length) throw unknown ?? failures[0];
    const message = `${failures[0]!.message}; a part of the events was kept`;
    throw new WeirError("log_failed", message, { canRetry: true, retryAfterMs, outcomeUnknown: true });
  }

  #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    const { clock, address } = this.#options;
    return patiently(call, { clock, address, what, withinMs: askMs });
  }

  async #close(): Promise<void> {
    this.#stopWatching();
    await Promise.all([
      Promise.allSettled([...this.#appends].map(({ answer }) => answer)),
      this.shared?.membership.leave(),
    ]);
    await Promise.all([
      ...this.#lanes.map((lane) => lane.close()),
      ...[...this.#readers.values()].map((reader) => reader.close()),
      this.#commits.close(),
    ]);
    const { clock } = this.#options;
    const closing = Promise.allSettled([this.#admin.close(), this.#asking.close(true)]);
    await within(clock, 1_000, closing, () => new Error("no end")).catch(() => {});
  }
}

const signalOf = ({ signal }: KafkaLogOptions): Pick<KafkaLogOptions, "signal"> =>
  signal === undefined ? {} : { signal };

/** Who is no member may commit only where nobody is one. */
const whyNoCommits = (error: unknown, group: string): string =>
  answered(error, "UNKNOWN_MEMBER_ID")
    ? `the group ${group} can't be committed, as others are members of it, and this process counts by itself; give it a group of its own (--kafka-group)`
    : `the group ${group} could not be committed; trying again`;

const unavailable = (message: string): WeirError =>
  new WeirError("log_unavailable", message, { canRetry: true, retryAfterMs });

/** One range a partition. An append that did not fit into one record has others' positions in between, or none's. */
function joined(ranges: readonly OffsetRange[]): readonly OffsetRange[] {
  const byPartition = new Map<number, OffsetRange>();
  for (const range of ranges) {
    const other = byPartition.get(range.src) ?? range;
    const [from, to] = [Math.min(other.from, range.from), Math.max(other.to, range.to)];
    byPartition.set(range.src, { src: range.src, from: offset(from), to: offset(to) });
  }
  return [...byPartition.values()];
}
