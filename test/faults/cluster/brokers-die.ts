import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Admin, FindCoordinatorKeyTypes } from "@platformatic/kafka";
import { postCounted } from "../../support/api.ts";
import type { Broker, Cluster } from "../../support/kafka/cluster.ts";
import { untilDivided } from "../crew.ts";
import { fewFaultRules } from "../fault-events.ts";
import { faultSeed, Stage } from "../stage.ts";
import type { Stand } from "./stand.ts";

const [installation, partitions] = ["brokers", 3];
const deaths = ["coordinator", "leader", "coordinator", "leader"] as const;

/** Two processes that count a topic of three brokers under load, while the one dies that has their group, or leads a partition. */
export async function brokersDie(t: TestContext, stand: Stand): Promise<void> {
  const load = { senders: 2, requestEventsMax: 50, pauseMs: 40, patienceMs: 120_000 };
  await Stage.run(faultSeed(), load, async (stage) => {
    t.diagnostic(`seed ${stage.seed} (repeat with WEIR_FAULT_SEED=${stage.seed})`);
    await stand.withCrew(stage, { installation, names: ["one", "two"], partitions }, async (seats) => {
      const [one, two] = seats.map((seat) => seat.server);
      await stage.putRules(fewFaultRules);
      stage.senders.start(one!.ingestUrl);
      for (const what of deaths) {
        const broker = await brokerOf(stand.cluster, what);
        await broker.kill();
        await countedNow(stage, two!.ingestUrl);
        await broker.start();
        await stand.cluster.ready();
      }
      await untilDivided(seats, partitions);
      await stage.senders.stop();
      const { requests } = stage.ledger.summary();
      assert.equal(requests.refused, 0, "who tries again was to be let in");
      for (const seat of seats) await stage.verify(fewFaultRules, seat.server);
      t.diagnostic(`${stage.senders.resent} requests sent again; ${JSON.stringify(stage.ledger.summary())}`);
    });
  });
}

/** The one that has the group of the processes, or leads one of their partitions. */
async function brokerOf({ addresses, brokers }: Cluster, what: (typeof deaths)[number]): Promise<Broker> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [...addresses] });
  const idOf = { coordinator: coordinatorOf, leader: leaderOf }[what];
  try {
    for (const end = performance.now() + 120_000; ; await pause(200)) {
      // One that has just come back may not know yet.
      const broker = brokers[(await idOf(admin).catch(() => -1)) - 1];
      if (broker !== undefined) return broker;
      assert.ok(performance.now() < end, `there is no ${what}`);
    }
  } finally {
    await admin.close();
  }
}

async function coordinatorOf(admin: Admin): Promise<number> {
  const found = await admin.findCoordinator({ keyType: FindCoordinatorKeyTypes.GROUP, keys: [installation] });
  return found[0]?.nodeId ?? -1;
}

async function leaderOf(admin: Admin): Promise<number> {
  const topic = `${installation}_events`;
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
  return topics.get(topic)?.partitions[0]?.leader ?? -1;
}

/** Events for each partition are taken and counted again, whoever has died. */
async function countedNow(stage: Stage, ingestUrl: string): Promise<void> {
  const events = Array.from({ length: 12 }, () => stage.make());
  stage.ledger.sent(events);
  await postCounted(ingestUrl, events);
  stage.ledger.settled(events, "acknowledged");
}
