import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Admin } from "@platformatic/kafka";
import { startCluster } from "../../../test/support/kafka/cluster.ts";
import type { Cluster } from "../../../test/support/kafka/cluster.ts";
import { whyNoKafka } from "../../../test/support/kafka/kafka-jars.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { pack } from "../../event/packed.ts";
import { after as behind, offset, src } from "../../event/position.ts";
import type { Offset } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import type { Log } from "../log.ts";
import { openKafkaLog } from "./kafka.ts";
import { recordAt } from "./slots.ts";

const topic = "events_raw";
const partition = src(0);
const plenty = { bytesMax: 1 << 26, eventsMax: 1_000_000, waitMs: 1_000 };
const configs = [
  { name: "unclean.leader.election.enable", value: "true" },
  { name: "min.insync.replicas", value: "1" },
];

/** Appends until it is done: who leads the partition may change meanwhile. */
async function append(log: Log, id: string): Promise<void> {
  const event = { event_id: id, event_type: "t", user_id: "u", timestamp: 1_768_000_000_000, payload: "{}" };
  for (const end = performance.now() + 120_000; ; await pause(200)) {
    try {
      return void (await log.append(pack([event])));
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

describe("a leader that had not got what was acknowledged", unlessMissing(whyNoKafka), () => {
  let cluster: Cluster;
  let log: Log;
  let nodes: readonly number[];

  before(async () => {
    cluster = await startCluster(3);
    const admin = new Admin({ clientId: "test", bootstrapBrokers: [...cluster.addresses] });
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 2, configs });
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
    const { leader, replicas } = topics.get(topic)!.partitions[0]!;
    nodes = [leader, replicas.find((node) => node !== leader)!];
    await admin.close();
    log = await openKafkaLog({
      address: { brokers: cluster.addresses },
      topic: { name: topic, partitions: null, replication: null },
      ...{ group: "weir", compression: "none", futureMaxMs: 1_000, clock: systemClock, report: () => {} },
    });
  });

  after(async () => {
    await log?.close();
    await cluster?.stop();
  });

  const readTo = async (from: Offset, end: number): Promise<Offset> => {
    let next = from;
    while (next < end)
      for (const record of await log.read({ src: partition, off: next }, plenty)) next = behind(record.to);
    return next;
  };

  test("is noticed by who has read it, also when it has as many records as there were", async () => {
    const [leader, other] = nodes.map((node) => cluster.brokers[node - 1]!);
    await append(log, "both-have-it");
    const kept = (await log.ends()).get(partition)!;
    await other!.kill();
    for (let i = 0; i < 5; i++) await append(log, `lost-${i}`);
    const end = (await log.ends()).get(partition)!;
    const next = await readTo(offset(0), end);
    // An append of which nobody knows whether it was done is done again: there may be more records than were meant.
    const told = new RegExp(`has other records from ${recordAt(kept)} on than were read up to ${recordAt(next)}:`);
    await leader!.kill();
    await other!.start();
    await cluster.ready(2);
    let has = kept;
    for (let i = 0; has <= next; has = (await log.ends()).get(partition)!) await append(log, `new-${i++}`);
    await assert.rejects(
      async () => {
        for (const until = performance.now() + 120_000; performance.now() < until;) await readTo(next, next + 1);
      },
      { code: "log_gap", message: told },
    );
  });
});
