import { Admin } from "@platformatic/kafka";
import type { Clock } from "../../lib/clock.ts";
import type { Channel, ChannelListener, ChannelTrouble } from "../../progress/channel.ts";
import { messagesIn } from "./channel-messages.ts";
import { answered, clientOptions, nameOf, noAnswer, opening, patiently, pauseAfter, within } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { whatIsWrong } from "./faults.ts";
import { afterPutOff } from "./fetch.ts";
import { PartitionLine, TopicReplaced } from "./partition-line.ts";
import { openSender } from "./sender.ts";
import type { Sender } from "./sender.ts";
import { makeTopic } from "./topic.ts";

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
const retentionMs = 3_600_000;
const shortMemory = {
  "cleanup.policy": "delete",
  "retention.ms": String(retentionMs),
  "segment.ms": String(retentionMs / 6),
};
/** So many of the latest messages are heard again by who comes. */
const againMax = 200;
const sendMs = 3_000;
const fetchBytesMax = 1 << 20;
const pollMs = 500;
const closeMs = 1_000;

/**
 * Opens the topic of a channel, and makes it when it is not there. Waits for brokers that don't answer yet.
 * @throws WeirError `invalid_config` where waiting can't help, `stopping` at the signal.
 */
export async function openKafkaChannel(options: KafkaChannelOptions): Promise<Channel> {
  const admin = new Admin({ ...clientOptions(options.address), metadataMaxAge: 1_000 });
  try {
    await patiently(() => mustBeThere(admin, options), opening(options.topic, options));
  } finally {
    await admin.close().catch(() => {});
  }
  return new KafkaChannel(options);
}

async function mustBeThere(admin: Admin, { topic, replication, report }: KafkaChannelOptions): Promise<void> {
  if ((await admin.listTopics()).includes(topic)) return;
  await makeTopic(admin, { name: topic, partitions: 1, replication, configs: () => shortMemory }, (_, replicas) =>
    report("info", `made the topic ${topic}`, { replication: replicas }),
  );
}

/** A topic of one partition, read from its end by explicit fetches: who listens belongs to no group. */
class KafkaChannel implements Channel {
  readonly #options: KafkaChannelOptions;
  readonly #closed = new AbortController();
  #sender: Sender | undefined;
  #line: PartitionLine;
  #listening: Promise<void> = Promise.resolve();
  #sendFault: string | undefined;
  #readFault: string | undefined;

  constructor(options: KafkaChannelOptions) {
    this.#options = options;
    this.#line = newLine(options);
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

  trouble(): ChannelTrouble {
    return { sending: this.#sendFault, hearing: this.#readFault };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    // A fetch that waits at the broker is not waited for.
    const ending = Promise.allSettled([this.#sender?.close(), this.#line.drop(), this.#listening]);
    await within(this.#options.clock, closeMs, ending, noAnswer).catch(() => {});
  }

  async #listen(listener: ChannelListener): Promise<void> {
    let at: number | undefined;
    for (let failures = 0; !this.#closed.signal.aborted;) {
      try {
        at = await this.#hearFrom(at ?? (await this.#begin()), listener);
        [failures, this.#readFault] = [0, undefined];
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        await this.#line.drop();
        if (isGone(error)) {
          this.#line = newLine(this.#options);
          if (at !== undefined) listener.lost();
          at = undefined;
        } else this.#readFault = this.#said(error);
        await this.#options.clock.sleep(pauseAfter(failures++), this.#closed.signal);
      }
    }
  }

  /** Where the latest messages begin. */
  async #begin(): Promise<number> {
    const { first, end } = await this.#line.bounds();
    return Math.max(first, end - againMax);
  }

  /** Hears what one fetch brings; answers where the next one begins. */
  async #hearFrom(from: number, { heard, lost: tellLost }: ChannelListener): Promise<number> {
    const answer = await this.#line.fetch(from, { bytesMax: fetchBytesMax, waitMs: pollMs });
    if ("putOffMs" in answer) {
      await this.#options.clock.sleep(afterPutOff(answer), this.#closed.signal);
      return from;
    }
    const { messages, next, lost } = messagesIn(answer.bytes, from);
    for (const message of messages) if (!this.#closed.signal.aborted) heard(message);
    if (lost) tellLost();
    return next;
  }

  #said(error: unknown): string {
    const { address, topic } = this.#options;
    return `${nameOf(address)}: ${topic}: ${whatIsWrong(error).reason}`;
  }
}

const newLine = ({ address, topic, clock }: KafkaChannelOptions): PartitionLine =>
  new PartitionLine({ address, topic, partition: 0, clock });

/** What was to be heard next is not there any more. */
const isGone = (error: unknown): boolean => error instanceof TopicReplaced || answered(error, "OFFSET_OUT_OF_RANGE");
