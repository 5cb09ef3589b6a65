import { Consumer } from "@platformatic/kafka";
import type { Admin } from "@platformatic/kafka";
import type { Offset, Src } from "../../event/position.ts";
import { offset } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { answered, clientOptions, within } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { whatIsWrong } from "./faults.ts";
import type { Standing } from "./group.ts";
import { firstSlot, recordAt } from "./slots.ts";

export interface CommitsParts {
  readonly admin: Pick<Admin, "listConsumerGroupOffsets" | "alterConsumerGroupOffsets">;
  readonly address: KafkaAddress;
  readonly topic: string;
  readonly group: string;
  readonly clock: Clock;
  /** As whom to commit: see `Group.standing`. */
  readonly standing: () => Standing | "away" | undefined;
  /** Each time that it is something else. */
  readonly failed: (error: unknown) => void;
}

const passing = ["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID"] as const;

type Due = readonly (readonly [partition: number, record: number])[];

const pauseMs = 500;
const flushMs = 1_000;
/** How many commits are tried when the log is closed and the broker does not answer. */
const closingAttemptsMax = 2;

/**
 * The offsets of our group in Kafka: for whoever watches lag with Kafka's tools, and a hint of where a start begins to look.
 * One request is under way at a time, with what is newest then; a broker that is away delays nobody. A member commits as
 * the member that it is, so that the broker refuses one that has been given up for dead.
 */
export class Commits {
  readonly #parts: CommitsParts;
  readonly #newest = new Map<number, number>();
  #committer: Consumer | undefined;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;
  #closing = false;
  /** Why it failed last, for people. */
  #fault: string | undefined;

  constructor(parts: CommitsParts) {
    this.#parts = parts;
  }

  /** A record of which not all is handled is not committed. */
  note(partition: Src, next: Offset): void {
    this.#newest.set(partition, recordAt(next));
    this.resume();
  }

  /** Sends what waits: the membership that was being begun again may be there. */
  resume(): void {
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** What the broker has. */
  async committed(partition: Src): Promise<Offset> {
    const { admin, topic, group } = this.#parts;
    const topics = [{ name: topic, partitionIndexes: [partition] }];
    const [found] = await admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }] });
    const committed = found?.topics[0]?.partitions[0]?.committedOffset ?? -1n;
    return committed < 0n ? offset(0) : firstSlot(Number(committed));
  }

  /** Resolves when what was noted is committed, after a moment, or when this process is no member now. */
  async flush(): Promise<void> {
    await within(this.#parts.clock, flushMs, this.#running, () => new Error("late")).catch(() => {});
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#running;
    const closing = this.#committer?.close(true) ?? Promise.resolve();
    await within(this.#parts.clock, flushMs, closing, () => new Error("late")).catch(() => {});
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let failures = 0; this.#newest.size > 0;) {
      const standing = this.#parts.standing();
      // What is noted waits for `resume`: nobody may have anything to note for a long time.
      if (standing === "away") break;
      const due = [...this.#newest];
      this.#newest.clear();
      try {
        await this.#send(standing, due);
        [failures, this.#fault] = [0, undefined];
      } catch (error) {
        this.#keep(due, error);
        if (++failures >= closingAttemptsMax && this.#closing) break;
        await this.#parts.clock.sleep(pauseMs);
      }
    }
    // In the same turn as the look for more: what is noted in between would wait for the next note.
    this.#isRunning = false;
  }

  #keep(due: Due, error: unknown): void {
    for (const [partition, record] of due) if (!this.#newest.has(partition)) this.#newest.set(partition, record);
    const { standing, failed } = this.#parts;
    // While the group divides its partitions anew no member is known to it under what was before.
    if (standing() !== undefined && answered(error, ...passing)) return;
    const { reason } = whatIsWrong(error);
    if (reason !== this.#fault) failed(error);
    this.#fault = reason;
  }

  async #send(standing: Standing | undefined, due: Due): Promise<void> {
    if (standing === undefined) return this.#sendAsNobody(due);
    const ours = due.filter(([partition]) => standing.ours.has(partition));
    if (ours.length > 0) await this.#sendAs(standing, ours);
  }

  async #sendAsNobody(due: Due): Promise<void> {
    const { admin, topic, group } = this.#parts;
    const partitionOffsets = due.map(([partition, record]) => ({ partition, offset: BigInt(record) }));
    await admin.alterConsumerGroupOffsets({ groupId: group, topics: [{ name: topic, partitionOffsets }] });
  }

  /** By a client of its own: that of the membership would join again when it is refused, and then commit what it must not. */
  async #sendAs({ memberId, generationId }: Standing, due: Due): Promise<void> {
    const { address, group, topic } = this.#parts;
    const committer = (this.#committer ??= new Consumer({
      ...clientOptions(address),
      groupId: group,
      autocommit: false,
    }));
    Object.assign(committer, { memberId, generationId });
    await committer.commit({
      offsets: due.map(([partition, record]) => ({ topic, partition, offset: BigInt(record), leaderEpoch: -1 })),
    });
  }
}
