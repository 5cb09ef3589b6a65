import { Consumer } from "@platformatic/kafka";
import type { ConsumerOptions } from "@platformatic/kafka";
import { src } from "../../event/position.ts";
import type { Src } from "../../event/position.ts";
import type { Clock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import type { Member, Membership } from "../membership.ts";
import { evenAssignor } from "./assignor.ts";
import { clientOptions, nameOf, pauseAfter, within } from "./client.ts";
import type { KafkaAddress } from "./client.ts";
import { namesake, whatIsWrong } from "./faults.ts";

export interface GroupParts {
  readonly address: KafkaAddress;
  readonly topic: string;
  readonly group: string;
  /** Of this process and of no other: who comes back under it within the session gets its partitions again at once. */
  readonly instance: string;
  /** A member that was not heard of for so long has lost its partitions. */
  readonly sessionMs: number;
  readonly clock: Clock;
  /** Ends the wait for a first membership. */
  readonly signal?: AbortSignal;
  /** Sends what is still to be committed, as long as it is ours. */
  readonly flush: () => Promise<void>;
  /** The group has said what is ours: what could not be committed may be now. */
  readonly told: () => void;
  /** These have been let go: what was kept to read them is not needed any more. */
  readonly letGo: (partitions: ReadonlySet<number>) => void;
  readonly report: (level: "info" | "warn", message: string, facts?: object) => void;
  /** Makes the client; default: Kafka's. */
  readonly newClient?: (options: ConsumerOptions<Buffer, Buffer, Buffer, Buffer>) => GroupClient;
}

/** What is used of the client. */
export interface GroupClient extends Pick<
  Consumer,
  "topics" | "assignments" | "memberId" | "generationId" | "joinGroup" | "close" | "on"
> {
  leaveGroup(): Promise<void>;
}

/** As whom this process may commit, and for which partitions. */
export interface Standing {
  readonly memberId: string;
  readonly generationId: number;
  readonly ours: ReadonlySet<number>;
}

const pauses = { minMs: 100, maxMs: 2_000 };
const leaveMs = 2_000;
/** Kafka's way to move a partition only when who had it has let it go. */
const protocols = [{ name: "cooperative-sticky", version: 3 }];
const nothing = Buffer.alloc(0);

/**
 * Membership in a consumer group of Kafka, and nothing but that: reading and committing go their own ways. A partition that moves is
 * let go before the group hears that we have not got it any more; only then another gets it (cooperative rebalancing).
 */
export class Group implements Membership {
  readonly #parts: GroupParts;
  readonly #left = new AbortController();
  readonly #hasLeft = Promise.withResolvers<void>();
  readonly #joined = Promise.withResolvers<void>();
  readonly #taken = new Set<Src>();
  #member: Member | undefined;
  #consumer: GroupClient | undefined;
  #hasNamesake = false;
  #ours: ReadonlySet<number> = new Set();
  /** One telling after the other. */
  #telling: Promise<void> = Promise.resolve();
  #running: Promise<void> | undefined;

  constructor(parts: GroupParts) {
    this.#parts = parts;
    this.#joined.promise.catch(() => {});
  }

  /** Undefined: nobody has joined here, so that nobody's offsets are in the way. */
  get standing(): Standing | "away" | undefined {
    if (this.#member === undefined) return undefined;
    const { memberId = null, generationId = 0 } = this.#consumer ?? {};
    return memberId === null ? "away" : { memberId, generationId, ours: this.#ours };
  }

  join(member: Member): Promise<void> {
    this.#member = member;
    const { signal } = this.#parts;
    if (signal?.aborted === true) this.#joined.reject(leftBefore());
    signal?.addEventListener("abort", () => this.#joined.reject(leftBefore()), { once: true });
    this.#running ??= this.#stay();
    return this.#joined.promise;
  }

  taken(partition: Src): void {
    this.#taken.add(partition);
  }

  async leave(): Promise<void> {
    if (this.#member !== undefined) await this.#parts.flush();
    this.#left.abort();
    this.#hasLeft.resolve();
    this.#joined.reject(leftBefore());
    await this.#running;
  }

  /** Until it is left: a membership that breaks is begun again. */
  async #stay(): Promise<void> {
    let said = "";
    for (let failures = 0; !this.#left.signal.aborted;) {
      const lost = Promise.withResolvers<never>();
      lost.promise.catch(() => {});
      try {
        this.#consumer = this.#newConsumer(lost.reject);
        await Promise.race([this.#consumer.joinGroup(), lost.promise, this.#hasLeft.promise]);
        [failures, said] = [0, ""];
        await Promise.race([lost.promise, this.#hasLeft.promise]);
      } catch (error) {
        const { reason, hopeless } = whatIsWrong(error);
        const what = `${nameOf(this.#parts.address)}: being a member of the group ${this.#parts.group}: ${reason}`;
        if (hopeless) this.#joined.reject(new WeirError("invalid_config", what, { cause: error }));
        if (said !== reason) this.#parts.report("warn", `${what}; trying again`);
        said = reason;
      }
      await this.#drop();
      await this.#parts.clock.sleep(pauseAfter(failures++, pauses), this.#left.signal);
    }
  }

  #newConsumer(lost: (error: unknown) => void): GroupClient {
    const { address, topic, group, instance, sessionMs, newClient = kafkaClient } = this.#parts;
    const consumer: GroupClient = newClient({
      ...clientOptions(address),
      ...{ groupId: group, groupInstanceId: instance, autocommit: false, protocols, retries: 10 },
      ...{ sessionTimeout: sessionMs, rebalanceTimeout: sessionMs, heartbeatInterval: Math.ceil(sessionMs / 10) },
      partitionAssigner: evenAssignor,
      // Joining takes until everybody has joined, or is given up.
      ...{ timeout: sessionMs * 2, requestTimeout: sessionMs * 2 },
      protocolsMetadata: async () => {
        await this.#tell(consumer);
        return nothing;
      },
    });
    consumer.topics.track(topic);
    consumer.on("error", lost);
    consumer.on("consumer:heartbeat:stalled", () => lost(new Error("it does not answer")));
    consumer.on("consumer:heartbeat:end", () => void this.#retake(consumer));
    const isNewTooSoon = newTooSoon(sessionMs);
    consumer.on("consumer:group:join", () => {
      if (isNewTooSoon(consumer.memberId, this.#parts.clock.monotonic())) this.#tellOfNamesake();
      void this.#tell(consumer).then(() => this.#joined.resolve());
    });
    return consumer;
  }

  /** Once: it goes on until somebody ends it. */
  #tellOfNamesake(): void {
    const { address, group, report } = this.#parts;
    if (!this.#hasNamesake) report("warn", `${nameOf(address)}: the group ${group}: ${namesake}`);
    this.#hasNamesake = true;
  }

  /** A sign of life was taken: what another process has claimed from us is ours all the same, or is ours again. */
  async #retake(consumer: GroupClient): Promise<void> {
    if (this.#taken.size === 0) return;
    this.#taken.clear();
    await this.#tell(consumer);
  }

  /** Says what is ours. Resolves when what is so no more has been let go, and committed. */
  #tell(consumer: GroupClient): Promise<void> {
    return (this.#telling = this.#telling.then(async () => {
      if (this.#left.signal.aborted || consumer !== this.#consumer) return;
      const { topic, sessionMs, report, flush, letGo, told } = this.#parts;
      const now = (consumer.assignments ?? []).filter((one) => one.topic === topic).flatMap((one) => one.partitions);
      const ours = new Set(now);
      const isChanged = ours.size !== this.#ours.size || now.some((one) => !this.#ours.has(one));
      // What goes is committed under the membership that it was held by.
      const before = this.#ours;
      this.#ours = before.union(ours);
      await this.#member?.assigned(now.toSorted((a, b) => a - b).map(src), sessionMs / 3);
      const gone = before.difference(ours);
      if (gone.size > 0) await flush();
      letGo(gone);
      this.#ours = ours;
      told();
      if (isChanged) report("info", "the partitions that this process counts have changed", { partitions: now });
    }));
  }

  async #drop(): Promise<void> {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (consumer === undefined) return;
    await within(this.#parts.clock, leaveMs, ended(consumer), () => new Error("no end")).catch(() => {});
  }
}

/**
 * Of the ids that the group gives to this process as a member. A process that was away for a session gets another; one that gets another
 * sooner was put out by a process of its name, which the client does not say: it joins again, and puts out the other.
 */
function newTooSoon(sessionMs: number): (id: string | null, now: number) => boolean {
  let last = { id: "", at: -Infinity };
  return (id, now) => {
    const before = last;
    if (id === null || id === before.id) return false;
    last = { id, at: now };
    return now - before.at < sessionMs;
  };
}

/** A join that is under way would go on behind the end of the client, and its signs of life after it for ever: leaving ends it. */
async function ended(consumer: GroupClient): Promise<void> {
  await consumer.leaveGroup().catch(() => {});
  await consumer.close(true);
}

const kafkaClient: NonNullable<GroupParts["newClient"]> = (options) => new Consumer(options);

const leftBefore = (): WeirError =>
  new WeirError("stopping", "the group was left before this process had joined it", { canRetry: true });
