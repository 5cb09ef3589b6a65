import { Producer } from "@platformatic/kafka";
import type { CompressionAlgorithmValue } from "@platformatic/kafka";
import type { Clock } from "../../lib/clock.ts";
import { clientOptions, within } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { leavesOf, Said } from "./faults.ts";
import { formatHeader, packedFormat } from "./record.ts";

export type Compression = CompressionAlgorithmValue;

/** A way to one partition for one append at a time. */
export interface Sender {
  /** Resolves with the record's offset when the in-sync replicas have it. After a rejection it is only good for closing. */
  send(value: Buffer, withinMs: number): Promise<number>;
  /** Whether what `send` rejected with says that the broker did not keep the record. */
  keptNothing(error: unknown): boolean;
  close(): Promise<void>;
}

export interface SenderParts {
  readonly address: KafkaAddress;
  readonly topic: string;
  readonly partition: number;
  readonly compression: Compression;
  readonly clock: Clock;
  /** Which topic of that name; missing: whichever there is. */
  readonly topicId?: string;
  /** What records say that they hold; default: events. */
  readonly format?: Buffer;
}

const openMs = 1_500;
/** Its positions name other events than those that were counted, and nobody would count the new ones. */
const replaced = "the topic was deleted and made anew; docs/kafka.md says what to do";
const closeMs = 1_000;

/** Connects to the partition's leader, and gets the number under which the broker knows repeats. Sends nothing. */
export async function openSender(parts: SenderParts): Promise<Sender> {
  const sender = new ProducerSender(parts);
  try {
    await sender.open();
  } catch (error) {
    await sender.close();
    throw error;
  }
  return sender;
}

/** Our time is over; the cause is what the client met with last. */
class Late extends Error {
  constructor(cause: unknown) {
    super("no answer in time", { cause: cause ?? { message: "it does not answer", code: "ETIMEDOUT" } });
  }
}

class ProducerSender implements Sender {
  readonly #producer: Producer;
  readonly #parts: SenderParts;
  #lastFailure: unknown;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#producer = new Producer({
      ...clientOptions(parts.address),
      idempotent: true,
      compression: parts.compression,
      // Within one send they are no repeats for the broker; they end when our time is over and the producer is closed.
      retries: 1_000,
      retryDelay: (...[, , , , error]) => {
        this.#lastFailure = error;
        return 100;
      },
    });
  }

  async open(): Promise<void> {
    const { topic, partition, clock, topicId } = this.#parts;
    const opening = async (): Promise<void> => {
      const { topics } = await this.#producer.metadata({ topics: [topic], retries: 0, forceUpdate: true });
      const found = topics.get(topic);
      if (topicId !== undefined && found !== undefined && found.id !== topicId) throw new Said(replaced);
      const leader = found?.partitions[partition]?.leader ?? -1;
      const connections = await this.#producer.connectToBrokers([leader]);
      if (connections.size === 0) throw new Error("the partition has no leader now");
      await this.#producer.initIdempotentProducer({});
    };
    await within(clock, openMs, opening(), () => new Late(this.#lastFailure));
  }

  async send(value: Buffer, withinMs: number): Promise<number> {
    const { topic, partition, clock, format = packedFormat } = this.#parts;
    const headers = new Map([[formatHeader, format]]);
    this.#lastFailure = undefined;
    const sending = this.#producer.send({ messages: [{ topic, partition, value, headers }] });
    const { offsets } = await within(clock, Math.max(1, withinMs), sending, () => new Late(this.#lastFailure));
    return Number(offsets![0]!.offset);
  }

  keptNothing(error: unknown): boolean {
    // Of what was tried before, an answer may have been lost.
    return this.#lastFailure === undefined && isRefusal(error);
  }

  async close(): Promise<void> {
    const { clock } = this.#parts;
    await within(clock, closeMs, this.#producer.close(true), () => new Late(undefined)).catch(() => {});
  }
}

/**
 * Answers of a broker that has not appended. Not among them: that it does not lead, or does not know, the partition. A broker
 * says so too when it has appended and then lost the partition while it waited for replicas, which may have the record.
 */
const refusals: ReadonlySet<string> = new Set([
  "NOT_ENOUGH_REPLICAS",
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "INVALID_RECORD",
  "TOPIC_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "POLICY_VIOLATION",
]);

/** Whether the first answer to a send says that nothing was kept. */
export const isRefusal = (error: unknown): boolean =>
  leavesOf(error).every(({ apiId }) => apiId !== undefined && refusals.has(apiId));
