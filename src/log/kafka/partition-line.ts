import { Consumer } from "@platformatic/kafka";
import type { ClusterTopicMetadata, Connection } from "@platformatic/kafka";
import type { Clock } from "../../lib/clock.ts";
import { arriving, clientOptions, noAnswer, requestMs, within } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { fetchBytes } from "./fetch.ts";
import type { FetchAnswer, PutOff } from "./fetch.ts";

/** A way to read one partition. Whoever meets a failure drops it, waits a moment, and asks again. */
export interface Line {
  /** Batches from the record `from` on, as they lie there; none when `waitMs` has passed. */
  fetch(from: number, bounds: FetchBounds): Promise<FetchAnswer | PutOff>;
  bounds(): Promise<Bounds>;
  /** Lets the connections go. The next question makes new ones. */
  drop(): Promise<void>;
}

export interface FetchBounds {
  /** See `FetchRequest`; missing: not known. */
  readonly leaderEpoch?: number;
  readonly bytesMax: number;
  /** How long the broker is to wait where nothing is there. */
  readonly waitMs: number;
}

/** Records that the partition has: `[first, end)`. */
export interface Bounds {
  readonly first: number;
  readonly end: number;
}

export interface PartitionLineParts {
  readonly address: KafkaAddress;
  readonly topic: string;
  readonly partition: number;
  /** Which topic of that name; missing: the one that is found first. */
  readonly topicId?: string;
  readonly clock: Clock;
}

/** What is there now under the topic's name is another topic. */
export class TopicReplaced extends Error {
  constructor() {
    super("the topic was made anew");
  }
}

const answerMs = 8_000;
/** A slow line, or a large batch: what is fetched may take longer, as long as it goes on coming. */
const fetchMs = 60_000;
const closeMs = 1_000;

/** To the partition's leader, by explicit questions; it belongs to no group. */
export class PartitionLine implements Line {
  readonly #parts: PartitionLineParts;
  #consumer: Consumer | undefined;
  #leader: Connection | undefined;
  readonly #leadership: Leadership;

  constructor(parts: PartitionLineParts) {
    this.#parts = parts;
    this.#leadership = new Leadership(parts.topicId);
  }

  async fetch(from: number, bounds: FetchBounds): Promise<FetchAnswer | PutOff> {
    const { partition, clock } = this.#parts;
    const leader = await this.#inTime(() => this.#toLeader());
    const call = fetchBytes(leader, { topicId: this.#leadership.topicId, partition, from, leaderEpoch: -1, ...bounds });
    const arrived = (): number => leader.socket.bytesRead;
    return arriving({ clock, call, arrived, silentMs: requestMs + bounds.waitMs, mostMs: fetchMs });
  }

  async bounds(): Promise<Bounds> {
    const { topic, partition } = this.#parts;
    const ask = async (timestamp: bigint): Promise<number> => {
      const asked = { topics: [topic], partitions: { [topic]: [partition] }, timestamp };
      const found = await this.#asking().listOffsets(asked);
      return Number(found.get(topic)![partition]);
    };
    const [first, end] = await this.#inTime(() => Promise.all([ask(-2n), ask(-1n)]));
    return { first, end };
  }

  async drop(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    this.#leader = undefined;
    if (consumer === undefined) return;
    await within(this.#parts.clock, closeMs, consumer.close(true), noAnswer).catch(() => {});
  }

  #inTime<T>(question: () => Promise<T>): Promise<T> {
    return within(this.#parts.clock, answerMs, question(), noAnswer);
  }

  #asking(): Consumer {
    if (this.#consumer !== undefined) return this.#consumer;
    const { address, topic } = this.#parts;
    // Its own patience is the longest; ours is shorter where an answer is small.
    const patience = { requestTimeout: fetchMs + requestMs };
    this.#consumer = new Consumer({ ...clientOptions(address), ...patience, groupId: topic, autocommit: false });
    this.#consumer.topics.track(topic);
    return this.#consumer;
  }

  async #toLeader(): Promise<Connection> {
    if (this.#leader !== undefined) return this.#leader;
    const { topic, partition, clock } = this.#parts;
    const consumer = this.#asking();
    const { topics } = await within(clock, requestMs, consumer.metadata({ topics: [topic] }), noAnswer);
    const leader = this.#leadership.leaderIn(topics.get(topic)!, partition);
    const connection = (await consumer.connectToBrokers([leader])).get(leader);
    if (connection === undefined) throw new Error("the partition has no leader now");
    // Whoever asked may have given up, and dropped this client, meanwhile.
    if (consumer !== this.#consumer) throw noAnswer();
    return (this.#leader = connection);
  }
}

/** What a partition's line remembers of what brokers have said. */
export class Leadership {
  #topicId: string | undefined;
  /** How often the partition has had a new leader, as far as is known. */
  #epoch = -1;

  constructor(topicId: string | undefined) {
    this.#topicId = topicId;
  }

  /** Of the topic that is read. */
  get topicId(): string {
    return this.#topicId!;
  }

  /**
   * The broker that leads the partition; -1: none does now. One that has missed an election says what was before it, and may
   * take itself for the leader: that is not gone back to.
   */
  leaderIn({ id, partitions }: Pick<ClusterTopicMetadata, "id" | "partitions">, partition: number): number {
    if (id !== (this.#topicId ??= id)) throw new TopicReplaced();
    const { leader = -1, leaderEpoch = -1 } = partitions[partition] ?? {};
    if (leaderEpoch < this.#epoch) throw new Error("the broker does not know yet who leads the partition now");
    this.#epoch = leaderEpoch;
    return leader;
  }
}
