import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Consumer } from "@platformatic/kafka";
import { startCluster } from "../../../test/support/kafka/cluster.ts";
import type { Cluster } from "../../../test/support/kafka/cluster.ts";
import { whyNoKafka } from "../../../test/support/kafka/kafka-jars.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { src } from "../../event/position.ts";
import type { Src } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Log } from "../log.ts";
import type { Member } from "../membership.ts";
import { openKafkaLog } from "./kafka.ts";
import { firstSlot } from "./slots.ts";

const partitions = 6;
/** Longer than a busy machine keeps a process from its heartbeats: who is missed by mistake would be a member too few. */
const group = { sessionMs: 20_000 };

describe("processes of a group on Kafka", unlessMissing(whyNoKafka), () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster(1);
  });
  after(() => cluster?.stop());

  /** A process that counts nothing, and writes down in `held` which partitions it has. */
  async function join(topic: string, instance: string, held: Held, sessionMs = group.sessionMs): Promise<Log> {
    const log = await openKafkaLog({
      address: { brokers: cluster.addresses },
      topic: { name: topic, partitions, replication: null },
      group: topic,
      sharing: { instance, sessionMs },
      compression: "none",
      futureMaxMs: 86_400_000,
      clock: systemClock,
      report: () => {},
    });
    try {
      await log.shared!.membership.join(held.member(instance));
      return log;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  test("a group that can't be joined as it is ends the start, with what to do", async () => {
    const held = new Held();
    const refused = async (topic: string, reason: RegExp, sessionMs?: number): Promise<void> =>
      assert.rejects(join(topic, "one", held, sessionMs), { code: "invalid_config", message: reason });
    await refused("short", /being a member of the group short: it does not take --kafka-session; .*usually 6s/, 400);
    const other = new Consumer({
      ...{ clientId: "other", bootstrapBrokers: [...cluster.addresses], groupId: "others" },
      protocols: [{ name: "roundrobin", version: 1 }],
    });
    await other.joinGroup();
    await refused("others", /members that are no Weir.*choose another --kafka-group/);
    await other.close(true);
  });

  test("a partition that moves is let go before another gets it; all have all of them between them", async () => {
    const held = new Held();
    const logs = [await join("moving", "one", held)];
    await held.untilDivided(1);
    logs.push(await join("moving", "two", held), await join("moving", "three", held));
    await held.untilDivided(3);
    held.gone("one");
    await logs[0]!.close();
    await held.untilDivided(2);
    logs[0] = await join("moving", "one", held);
    await held.untilDivided(3);
    for (const log of logs) await log.close();
    assert.deepEqual(held.both, [], "two had it at a time");
  });

  test("only who has a partition commits it; what a process notes that has it not any more goes nowhere", async () => {
    const held = new Held();
    const one = await join("commits", "one", held);
    await held.untilDivided(1);
    for (const partition of one.sources()) await one.commit(partition, firstSlot(5));
    await committed(one, src(0), 5);
    const two = await join("commits", "two", held);
    await held.untilDivided(2);
    const [moved] = held.of("two");
    await two.commit(moved!, firstSlot(9));
    await committed(two, moved!, 9);
    await one.commit(moved!, firstSlot(7));
    const [kept] = held.of("one");
    await one.commit(kept!, firstSlot(8));
    await committed(one, kept!, 8);
    assert.equal(await one.committed(moved!), firstSlot(9));
    await Promise.all([one.close(), two.close()]);
  });

  test("what was claimed by another is given again, once Kafka has said after that that it is ours", async () => {
    const held = new Held();
    const log = await join("claimed", "one", held);
    await held.untilDivided(1);
    const told = held.told;
    log.shared!.membership.taken(src(2));
    for (const end = deadline(); held.told === told; await pause(50))
      assert.ok(performance.now() < end, "it was not given again");
    assert.equal(held.of("one").length, partitions);
    await log.close();
  });
});

const deadline = (): number => performance.now() + 120_000;

async function committed(log: Log, partition: Src, record: number): Promise<void> {
  for (const end = deadline(); (await log.committed(partition)) !== firstSlot(record); await pause(50))
    assert.ok(performance.now() < end, `record ${record} was not committed`);
}

/** Who has which partitions, as the members were told. */
class Held {
  readonly both: string[] = [];
  told = 0;
  readonly #held = new Map<string, readonly Src[]>();

  member(name: string): Member {
    return {
      assigned: async (ours) => {
        const lost = this.of(name).filter((one) => !ours.includes(one));
        // As somebody does who has to finish what he writes.
        if (lost.length > 0) await pause(200);
        this.#held.set(name, ours);
        this.told += 1;
        for (const [other, theirs] of this.#held)
          if (other !== name)
            for (const one of ours) if (theirs.includes(one)) this.both.push(`${one}: ${name} ${other}`);
      },
    };
  }

  of(name: string): readonly Src[] {
    return this.#held.get(name) ?? [];
  }

  gone(name: string): void {
    this.#held.delete(name);
  }

  async untilDivided(members: number): Promise<void> {
    for (const end = deadline(); ; await pause(50)) {
      const shares = [...this.#held.values()];
      const isFair = shares.length === members && shares.every(({ length }) => length === partitions / members);
      if (isFair) return;
      assert.ok(performance.now() < end, `the partitions are not divided: ${JSON.stringify([...this.#held])}`);
    }
  }
}
