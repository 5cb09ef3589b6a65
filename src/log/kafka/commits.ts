import type { Admin } from "@platformatic/kafka";
import type { Offset, Src } from "../../event/position.ts";
import { offset } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { firstSlot, recordAt } from "./slots.ts";

export interface CommitsParts {
  readonly admin: Admin;
  readonly topic: string;
  readonly group: string;
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}

const pauseMs = 500;
/** How many commits are tried when the log is closed and the broker does not answer. */
const closingAttemptsMax = 2;

/**
 * The offsets of our group in Kafka: for whoever watches lag with Kafka's tools, and a hint of where a start begins to look.
 * One request is under way at a time, with what is newest then; a broker that is away delays nobody.
 */
export class Commits {
  readonly #parts: CommitsParts;
  readonly #newest = new Map<number, number>();
  #running: Promise<void> | undefined;
  #closing = false;

  constructor(parts: CommitsParts) {
    this.#parts = parts;
  }

  /** A record of which not all is handled is not committed. */
  note(partition: Src, next: Offset): void {
    this.#newest.set(partition, recordAt(next));
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** What the broker has. */
  async committed(partition: Src): Promise<Offset> {
    const { admin, topic, group } = this.#parts;
    const topics = [{ name: topic, partitionIndexes: [partition] }];
    const [found] = await admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }] });
    const committed = found?.topics[0]?.partitions[0]?.committedOffset ?? -1n;
    return committed < 0n ? offset(0) : firstSlot(Number(committed));
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; this.#newest.size > 0;) {
      const due = [...this.#newest];
      this.#newest.clear();
      try {
        await this.#send(due);
        failures = 0;
      } catch (error) {
        for (const [partition, record] of due) if (!this.#newest.has(partition)) this.#newest.set(partition, record);
        this.#parts.failed(error);
        if (++failures >= closingAttemptsMax && this.#closing) return;
        await this.#parts.clock.sleep(pauseMs);
      }
    }
  }

  async #send(due: readonly (readonly [partition: number, record: number])[]): Promise<void> {
    const { admin, topic, group } = this.#parts;
    const partitionOffsets = due.map(([partition, record]) => ({ partition, offset: BigInt(record) }));
    await admin.alterConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionOffsets }] });
  }
}
