import { Admin, Consumer } from "@platformatic/kafka";
import type { Clock } from "../../lib/clock.ts";
import type { Channel, ChannelListener } from "../../progress/channel.ts";
import { answered, clientOptions, nameOf, patiently, within } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { whatIsWrong } from "./faults.ts";
import { openSender } from "./sender.ts";
import type { Sender } from "./sender.ts";

export interface KafkaChannelOptions {
  readonly address: KafkaAddress;
  /** Made when it is not there, with one partition and a short memory. */
  readonly topic: string;
  /** Null: three where there are so many brokers. */
  readonly replication: number | null;
  readonly clock: Clock;
  readonly report: (level: "info" | "warn", message: string, facts?: object) => void;
  /** Ends the wait for brokers. */
  readonly signal?: AbortSignal;
}

const format = Buffer.from("progress-1");
const replicationWanted = 3;
const retentionMs = 3_600_000;
/** So many of the latest messages are heard again by who comes. */
const againMax = 200;
const sendMs = 3_000;
const fetchBytesMax = 1 << 20;
const pollMs = 500;
const fetchMs = 8_000;
const pauseMinMs = 50;
const pauseMaxMs = 1_000;
const closeMs = 1_000;

/**
 * Opens the topic of a channel, and makes it when it is not there. Waits for brokers that don't answer yet.
 * @throws WeirError `invalid_config` where waiting can't help, `stopping` at the signal.
 */
export async function openKafkaChannel(options: KafkaChannelOptions): Promise<Channel> {
  const { address, topic, clock, report, signal } = options;
  const admin = new Admin({ ...clientOptions(address), metadataMaxAge: 1_000 });
  let said = "";
  try {
    await patiently(() => mustBeThere(admin, options), {
      clock,
      address,
      what: `opening the topic ${topic}`,
      ...(signal === undefined ? {} : { signal }),
      waiting: ({ reason }) => {
        if (reason !== said) report("warn", `${nameOf(address)}: ${reason}; trying again`);
        said = reason;
      },
    });
  } finally {
    await admin.close().catch(() => {});
  }
  return new KafkaChannel(options);
}

async function mustBeThere(admin: Admin, { topic, replication, report }: KafkaChannelOptions): Promise<void> {
  if ((await admin.listTopics()).includes(topic)) return;
  const { brokers } = await admin.metadata({ topics: [], forceUpdate: true });
  const replicas = replication ?? Math.min(replicationWanted, brokers.size);
  const configs = [
    { name: "cleanup.policy", value: "delete" },
    { name: "retention.ms", value: String(retentionMs) },
    { name: "segment.ms", value: String(retentionMs / 6) },
  ];
  try {
    await admin.createTopics({ topics: [topic], partitions: 1, replicas, configs });
    report("info", `made the topic ${topic}`, { replication: replicas });
  } catch (error) {
    if (!answered(error, "TOPIC_ALREADY_EXISTS")) throw error;
  }
}

/** A topic of one partition, read from its end by explicit fetches: who listens belongs to no group. */
class KafkaChannel implements Channel {
  readonly #options: KafkaChannelOptions;
  readonly #closed = new AbortController();
  #sender: Sender | undefined;
  #consumer: Consumer | undefined;
  #listening: Promise<void> = Promise.resolve();
  #sendFault: string | undefined;
  #readFault: string | undefined;

  constructor(options: KafkaChannelOptions) {
    this.#options = options;
  }

  async send(message: Uint8Array): Promise<void> {
    const { address, topic, clock } = this.#options;
    const parts = { address, topic, partition: 0, compression: "none", clock, format } as const;
    try {
      this.#sender ??= await openSender(parts);
      await this.#sender.send(Buffer.from(message), sendMs);
      this.#sendFault = undefined;
    } catch (error) {
      this.#sendFault = this.#said(error);
      const sender = this.#sender;
      this.#sender = undefined;
      await sender?.close();
      throw error;
    }
  }

  listen(listener: ChannelListener): void {
    this.#listening = this.#listen(listener);
  }

  trouble(): string | undefined {
    return this.#sendFault ?? this.#readFault;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    // A fetch that waits at the broker is not waited for.
    const ending = Promise.allSettled([this.#sender?.close(), this.#dropConsumer(), this.#listening]);
    await within(this.#options.clock, closeMs, ending, noAnswer).catch(() => {});
  }

  async #listen(listener: ChannelListener): Promise<void> {
    let at: number | undefined;
    for (let failures = 0; !this.#closed.signal.aborted;) {
      try {
        at ??= await this.#begin();
        at = await this.#hearFrom(at, listener);
        [failures, this.#readFault] = [0, undefined];
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        if (answered(error, "OFFSET_OUT_OF_RANGE") && at !== undefined) {
          at = undefined;
          listener.lost();
        } else {
          this.#readFault = this.#said(error);
          await this.#dropConsumer();
          const pause = Math.min(pauseMinMs * 2 ** Math.min(failures++, 8), pauseMaxMs);
          await this.#options.clock.sleep(pause, this.#closed.signal);
        }
      }
    }
  }

  /** Where the latest messages begin. */
  async #begin(): Promise<number> {
    const { topic, clock } = this.#options;
    const consumer = this.#reader();
    const ask = async (timestamp: bigint): Promise<number> => {
      const found = await consumer.listOffsets({ topics: [topic], partitions: { [topic]: [0] }, timestamp });
      return Number(found.get(topic)![0]);
    };
    const [first, end] = await within(clock, fetchMs, Promise.all([ask(-2n), ask(-1n)]), noAnswer);
    return Math.max(first, end - againMax);
  }

  /** Hears what one fetch brings; answers where the next one begins. */
  async #hearFrom(from: number, { heard }: ChannelListener): Promise<number> {
    const batches = await within(this.#options.clock, fetchMs, this.#fetch(from), noAnswer);
    let next = from;
    for (const batch of batches) {
      for (const record of batch.records) {
        const at = Number(batch.firstOffset) + record.offsetDelta;
        if (at < next || this.#closed.signal.aborted) continue;
        next = at + 1;
        if (record.value !== null) heard(record.value);
      }
      next = Math.max(next, Number(batch.firstOffset) + batch.lastOffsetDelta + 1);
    }
    return next;
  }

  async #fetch(from: number) {
    const { topic } = this.#options;
    const consumer = this.#reader();
    const { topics } = await consumer.metadata({ topics: [topic] });
    const { id, partitions } = topics.get(topic)!;
    const asked = { partition: 0, fetchOffset: BigInt(from), partitionMaxBytes: fetchBytesMax };
    const { responses } = await consumer.fetch({
      node: partitions[0]!.leader,
      maxWaitTime: pollMs,
      minBytes: 1,
      maxBytes: fetchBytesMax,
      topics: [{ topicId: id, partitions: [{ ...asked, currentLeaderEpoch: -1, lastFetchedEpoch: -1 }] }],
    });
    return responses[0]?.partitions[0]?.records ?? [];
  }

  #reader(): Consumer {
    if (this.#consumer !== undefined) return this.#consumer;
    const { address, topic } = this.#options;
    this.#consumer = new Consumer({ ...clientOptions(address), groupId: topic, autocommit: false });
    this.#consumer.topics.track(topic);
    return this.#consumer;
  }

  async #dropConsumer(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (consumer === undefined) return;
    await within(this.#options.clock, closeMs, consumer.close(true), noAnswer).catch(() => {});
  }

  #said(error: unknown): string {
    const { address, topic } = this.#options;
    return `${nameOf(address)}: ${topic}: ${whatIsWrong(error).reason}`;
  }
}

const noAnswer = (): Error => new Error("no answer in time");
