import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { MongoClient } from "mongodb";
import { unpack } from "../../src/event/packed.ts";
import { offset, src } from "../../src/event/position.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openKafkaLog } from "../../src/log/kafka/kafka.ts";
import { startCluster } from "../support/kafka/cluster.ts";
import type { Cluster } from "../support/kafka/cluster.ts";
import { whyNoKafka } from "../support/kafka/kafka-jars.ts";
import { type MongoServer, startMongo } from "../support/mongo/mongo-server.ts";
import { whyNoFerretDb } from "../support/mongo/ferretdb.ts";
import { unlessMissing } from "../support/needs.ts";
import { seeded } from "../support/random.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";
import { eraseEvents, erasuresDone, postCounted, readiness, repeated } from "../support/api.ts";

const kills = 3;
const topic = "events";
const partitions = 3;

interface Archived {
  readonly _id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly user_id: string;
  readonly timestamp: Date;
  readonly received_at: Date;
  readonly payload: string;
}

describe("the archive in MongoDB", unlessMissing(whyNoKafka ?? whyNoFerretDb()), () => {
  let cluster: Cluster;
  let mongo: MongoServer;
  let client: MongoClient;
  before(async () => {
    [cluster, mongo] = await Promise.all([startCluster(1), startMongo()]);
    client = new MongoClient(mongo.url);
  });
  after(async () => {
    await client?.close();
    await Promise.all([cluster?.stop(), mongo?.close()]);
  });

  const archived = (): Promise<Archived[]> => client.db().collection<Archived>("raw_events").find().toArray();

  test("through kills of the server and of MongoDB it is the log, each position once; erased events leave it and stay away", async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    const on = ["--archive", "on", "--mongo-url", mongo.url];
    const args = [
      ...on,
      "--kafka-brokers",
      cluster.addresses.join(),
      "--kafka-topic",
      topic,
      "--kafka-partitions",
      "3",
    ];
    const load = { senders: 2, requestEventsMax: 100, pauseMs: 20 };
    await Stage.run(seed, load, async (stage) => {
      await stage.start({ args });
      await stage.putRules(faultRules.slice(0, 1));
      // However few requests a busy machine takes, some of their events come twice.
      const twice = Array.from({ length: 10 }, () => stage.make());
      stage.ledger.sent(twice);
      for (let time = 0; time < 2; time++) await postCounted(stage.server.ingestUrl, twice);
      stage.ledger.settled(twice, "acknowledged");
      for (let kill = 0; kill < kills; kill++) {
        stage.senders.start(stage.server.ingestUrl);
        await pause(500 + random.int(800));
        if (kill === 1) await withoutMongo(stage, mongo);
        await stage.server.killGroup();
        await stage.senders.stop();
        await stage.start({ args });
      }
      await stage.verify(faultRules.slice(0, 1));
      const inLog = await readLog(cluster.addresses);
      await untilEqual("the archive to have the log", async () => [(await archived()).length, inLog.size]);
      const found = await archived();
      assert.deepEqual(sorted(found.map(shown)), sorted([...inLog.values()]));
      const ids = new Set(found.map(({ event_id }) => event_id));
      for (const { event, acknowledged, unknown } of stage.ledger.entries())
        assert.ok(
          ids.has(event.event_id) ? acknowledged || unknown : !acknowledged,
          `${event.event_id} is lost or made up`,
        );
      assert.ok(found.length > ids.size, "repeats are there as they came");
      const user = found[0]!.user_id;
      await erase(stage.server.queryUrl, user);
      assert.ok((await archived()).every(({ user_id }) => user_id !== user));
      // The group's offsets are a hint: without them it begins again, and nothing comes back.
      await stage.server.killGroup();
      await forgetGroup(cluster);
      await stage.start({ args });
      stage.ledger.erased(({ user_id }) => user_id === user);
      await stage.verify(faultRules.slice(0, 1));
      const kept = [...(await readLog(cluster.addresses)).values()].filter((line) => userOf(line) !== user);
      await untilEqual("the last ones", async () => [(await archived()).length, kept.length]);
      assert.deepEqual(sorted((await archived()).map(shown)), sorted(kept));
      t.diagnostic(
        `seed ${seed}: ${found.length} archived, ${ids.size} ids; ${JSON.stringify(stage.ledger.summary())}`,
      );
    });
  });
});

/**
 * The rules are there as well: counting waits, as another process may have changed one. Events are taken all the while, it is said
 * that the archive lags, and all goes on by itself.
 */
async function withoutMongo(stage: Stage, mongo: MongoServer): Promise<void> {
  await mongo.kill();
  const part = async (): Promise<string> => {
    const { status, parts } = await readiness(stage.server.queryUrl);
    const { archive } = parts;
    return `${status} ${archive?.ok} ${archive?.detail ?? ""}`;
  };
  await until("/ready, which is 200, tells of the archive", async () =>
    /^200 false the archive in MongoDB at .* can't be used/.test(await part()),
  );
  await stage.untilAcknowledged(1);
  assert.ok((await metric(stage, "weir_archive_lag_seconds")) > 0);
  const counted = await metric(stage, "weir_counted_events_total");
  await mongo.start();
  await until("counting goes on", async () => (await metric(stage, "weir_counted_events_total")) > counted);
}

async function metric(stage: Stage, name: string): Promise<number> {
  const text = await (await repeated(`${stage.server.queryUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
}

const shown = ({ _id, received_at, timestamp, payload, ...event }: Archived): string => {
  const { event_id, event_type, user_id } = event;
  return JSON.stringify([_id, event_id, event_type, user_id, timestamp.getTime(), received_at.getTime(), payload]);
};

const userOf = (line: string): unknown => (JSON.parse(line) as unknown[])[3];

const sorted = (lines: readonly string[]): string[] => lines.toSorted();

/** What the log has, read past Weir's archive. */
async function readLog(brokers: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const wish = { name: topic, partitions, replication: null };
  const log = await openKafkaLog({
    ...{ address: { brokers }, topic: wish, group: "judge", compression: "none", futureMaxMs: 86_400_000 },
    ...{ clock: systemClock, report: () => {} },
  });
  const found = new Map<string, string>();
  try {
    for (const [partition, end] of await log.ends()) {
      for (let next = offset(0); next < end;) {
        const signal = AbortSignal.timeout(120_000);
        const bounds = { bytesMax: 1 << 24, eventsMax: 100_000, waitMs: 60_000, signal };
        const records = await log.read({ src: src(partition), off: next }, bounds);
        assert.ok(records.length > 0);
        for (const { from, appendedAt, events } of records)
          for (const [index, { event_id, event_type, user_id, timestamp, payload }] of unpack(events).entries()) {
            const id = `${partition}:${from + index}`;
            found.set(id, JSON.stringify([id, event_id, event_type, user_id, timestamp, appendedAt, payload]));
          }
        next = offset(records.at(-1)!.to + 1);
      }
    }
    return found;
  } finally {
    await log.close();
  }
}

async function erase(queryUrl: string, user: string): Promise<void> {
  await eraseEvents(queryUrl, `user_id=${encodeURIComponent(user)}`);
  await erasuresDone(queryUrl);
}

async function forgetGroup(cluster: Cluster): Promise<void> {
  const { Admin } = await import("@platformatic/kafka");
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [...cluster.addresses] });
  await admin.deleteGroups({ groups: ["weir-archive"] });
  await admin.close();
}

const until = (what: string, holds: () => Promise<boolean>): Promise<void> =>
  untilEqual(what, async () => [Number(await holds()), 1]);

async function untilEqual(what: string, ask: () => Promise<[number, number]>): Promise<void> {
  const end = performance.now() + 300_000;
  for (;;) {
    const [found, expected] = await ask();
    if (found === expected) return;
    assert.ok(performance.now() < end, `waited in vain for ${what}: ${found} of ${expected}`);
    await pause(200);
  }
}
