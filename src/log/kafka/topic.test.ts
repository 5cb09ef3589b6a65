import assert from "node:assert/strict";
import { test } from "node:test";
import type { Admin } from "@platformatic/kafka";
import { findOrMakeTopic, makeTopic } from "./topic.ts";

/** What is told of a topic that is there, with this configuration and so many replicas, on brokers that take fetches of this version. */
async function toldOf(
  configs: Readonly<Record<string, string>>,
  { replicas = 1, fetches = 18 } = {},
): Promise<readonly string[]> {
  const partition = { replicas: Array.from({ length: replicas }, (_, id) => id) };
  const admin = {
    listApis: async () => [
      { apiKey: 0, minVersion: 0, maxVersion: 9 },
      { apiKey: 1, minVersion: 0, maxVersion: fetches },
    ],
    listTopics: async () => ["events"],
    metadata: async () => ({ topics: new Map([["events", { id: "x", partitions: [partition], partitionsCount: 1 }]]) }),
    describeConfigs: async () => [{ configs: Object.entries(configs).map(([name, value]) => ({ name, value })) }],
  } as unknown as Admin;
  const told: string[] = [];
  await findOrMakeTopic(
    admin,
    { brokers: ["k:9092"] },
    { name: "events", partitions: null, replication: null },
    {
      made: () => told.push("made"),
      risky: () => told.push("risky"),
      others: (type) => told.push(type),
      tight: (bytesMax) => told.push(`tight ${bytesMax}`),
    },
  );
  return told;
}

test("a topic that refuses records as large as ours is told at the start, and not when a large request comes", async () => {
  const usual = { "cleanup.policy": "delete", "min.insync.replicas": "2", "max.message.bytes": "1048588" };
  assert.deepEqual(await toldOf(usual), []);
  assert.deepEqual(await toldOf({ ...usual, "max.message.bytes": "100000" }), ["tight 100000"]);
  assert.deepEqual(await toldOf({ "cleanup.policy": "delete" }), [], "a broker that does not say");
  assert.deepEqual(await toldOf({ ...usual, "min.insync.replicas": "1" }, { replicas: 3 }), ["risky"]);
  assert.deepEqual(await toldOf({ ...usual, "message.timestamp.type": "CreateTime" }), ["CreateTime"]);
  assert.deepEqual(await toldOf({ ...usual, "message.timestamp.type": "LogAppendTime" }), []);
  await assert.rejects(toldOf({ ...usual, "cleanup.policy": "compact" }), { code: "invalid_config" });
});

test("a broker that would take events and never give them back is refused, with the version that is needed", async () => {
  await toldOf({ "cleanup.policy": "delete" }, { fetches: 13 });
  await assert.rejects(toldOf({ "cleanup.policy": "delete" }, { fetches: 12 }), {
    code: "invalid_config",
    message: /^Kafka at k:9092: Weir needs Kafka 3\.1 or newer.*fetches up to version 12, not 13; .*--kafka-brokers/,
  });
});

test("a topic for which there are too few brokers is told with what to do, whichever topic it is", async () => {
  const admin = {
    metadata: async () => ({ brokers: new Map([[1, {}]]) }),
    createTopics: async () => Promise.reject(Object.assign(new Error("no"), { apiId: "INVALID_REPLICATION_FACTOR" })),
  } as unknown as Admin;
  const progress = { name: "events.weir.progress", partitions: 1, replication: 3, configs: () => ({}) };
  await assert.rejects(
    makeTopic(admin, progress, () => {}),
    /events\.weir\.progress can't be made with 3 replicas, as there are 1 brokers/,
  );
});
