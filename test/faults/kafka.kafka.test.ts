import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Admin } from "@platformatic/kafka";
import { startCluster } from "../support/kafka/cluster.ts";
import type { Cluster } from "../support/kafka/cluster.ts";
import { type Codec, produceForeign } from "../support/kafka/foreign-producer.ts";
import { whyNoKafka } from "../support/kafka/kafka-jars.ts";
import { unlessMissing } from "../support/needs.ts";
import { seeded } from "../support/random.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { watchStalls } from "../support/stalls.ts";
import { faultRules } from "./fault-events.ts";
import type { WireEvent } from "./ledger.ts";
import { faultSeed, Stage } from "./stage.ts";
import { repeated } from "../support/api.ts";

const program = fileURLToPath(new URL("../../bin/weir.mjs", import.meta.url));
const kills = 3;

describe("weir serve on Kafka", unlessMissing(whyNoKafka), () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster(1);
  });
  after(() => cluster?.stop());

  test("events over HTTP and of others' producers are counted once, through kills of the server and of the broker", async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    const args = ["--kafka-brokers", cluster.addresses.join(), "--kafka-topic", "events", "--kafka-partitions", "3"];
    await Stage.run(seed, { senders: 3 }, async (stage) => {
      await stage.start({ args });
      await stage.putRules(faultRules);
      // While the server is killed: they reach the log, whoever runs.
      const foreign = produceOthers(stage, cluster.addresses[0]!);
      for (let kill = 0; kill < kills; kill++) {
        stage.senders.start(stage.server.ingestUrl);
        await pause(400 + random.int(800));
        await stage.server.killGroup();
        await stage.senders.stop();
        await stage.start({ args });
      }
      await foreign;
      stage.senders.start(stage.server.ingestUrl);
      await mustSayAway(stage.server.ingestUrl, cluster);
      await pause(1_000);
      await stage.senders.stop();
      // Made now, it is filled from what is stored.
      const late = faultRules.map((rule) => ({ ...rule, rule_id: `${rule.rule_id}_late` }));
      await untilReady(stage.server.ingestUrl);
      await stage.putRules(late);
      await stage.verify([...faultRules, ...late]);
      t.diagnostic(`seed ${seed}: ${JSON.stringify(stage.ledger.summary())}`);
    });
  });

  test("what others write that is no event is in quarantine with its position and reason, once, and stops nothing", async () => {
    const args = ["--kafka-brokers", cluster.addresses.join(), "--kafka-topic", "odd", "--kafka-partitions", "1"];
    await Stage.run(faultSeed(), {}, async (stage) => {
      await stage.start({ args });
      await stage.putRules(faultRules);
      const [first, second] = [stage.make(), stage.make()];
      stage.ledger.sent([first, second]);
      const values = ["no JSON", JSON.stringify(first), '{"event_id":"x","timestamp":"soon"}', JSON.stringify(second)];
      await produceForeign(
        cluster.addresses[0]!,
        "odd",
        values.map((value) => ({ value })),
      );
      stage.ledger.settled([first, second], "acknowledged");
      await stage.verify(faultRules);
      await stage.server.killGroup();
      await stage.start({ args });
      await stage.verify(faultRules);
      const answer = await repeated(`${stage.server.queryUrl}/rejects`);
      const { data } = (await answer.json()) as { data: { position: string; reason: string; payload: unknown }[] };
      assert.deepEqual(
        data.map(({ position, payload }) => [position, payload]),
        [
          [`0:${2 * 2 ** 14}`, { event_id: "x", timestamp: "soon" }],
          ["0:0", "no JSON"],
        ],
      );
      assert.match(data[0]!.reason, /event_type is required/);
      assert.match(data[1]!.reason, /not JSON/);
    });
  });

  test("events that Kafka has deleted uncounted end the server with the reason, and are passed over when that is asked for", async () => {
    const args = ["--kafka-brokers", cluster.addresses.join(), "--kafka-topic", "short", "--kafka-partitions", "1"];
    await Stage.run(faultSeed(), {}, async (stage) => {
      await stage.start({ args });
      await stage.putRules(faultRules);
      await stage.verify(faultRules);
      await stage.server.terminate();
      const lost = Array.from({ length: 5 }, () => ({ value: JSON.stringify(stage.make()) }));
      await produceForeign(cluster.addresses[0]!, "short", lost);
      await deleteAll(cluster, "short");
      const gap = /records 1 to 5 of partition 0 of short were deleted before they were counted/;
      const ended = await stage.start({ args }).then(
        (server) => server.exited.then(() => heardIn(server, gap)),
        (error: unknown) => String(error),
      );
      assert.match(ended, gap);
      await stage.start({ args: [...args, "--kafka-gap", "skip"] });
      await stage.verify(faultRules);
      const metrics = await (await fetch(`${stage.server.queryUrl}/metrics`)).text();
      assert.match(metrics, /^weir_log_gap_records_total 5$/m);
    });
  });

  test("a topic that is not as configured ends the start with 2 and what to change; no broker is waited for", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "weir-kafka-start-"));
    const serve = ["serve", "--data-dir", dataDir, "--ingest-port", "0", "--query-port", "0"];
    const run = (...args: string[]): Promise<{ code: unknown; err: string }> =>
      new Promise((resolve) => {
        const child = execFile(process.execPath, [program, ...serve, ...args], (error, _, err) =>
          resolve({ code: error === null ? 0 : error.code, err }),
        );
        let isAsked = false;
        child.stderr!.on("data", (chunk: Buffer) => {
          // Once: who is asked again ends at once.
          if (!isAsked && chunk.includes("trying again")) isAsked = child.kill("SIGTERM");
        });
      });
    try {
      await makeTopic(cluster, "two", 2);
      const brokers = ["--kafka-brokers", cluster.addresses.join()];
      const wrong = await run(...brokers, "--kafka-topic", "two", "--kafka-partitions", "3");
      assert.equal(wrong.code, 2);
      assert.match(
        wrong.err,
        /Weir can't start: Kafka at .*the topic two can't be used: it has 2 partitions, and --kafka-partitions says 3/,
      );
      const away = await run("--kafka-brokers", "127.0.0.1:1");
      assert.match(away.err, /Kafka at 127\.0\.0\.1:1: nothing listens there/);
      assert.equal(away.code, 0, "asked to stop while it waits, it ends in order");
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

/** What a server has said, which can be heard a little after its end. */
async function heardIn(server: ServerProcess, what: RegExp): Promise<string> {
  for (let looks = 0; !what.test(server.output()) && looks < 100; looks++) await pause(20);
  return server.output();
}

/** How many events another program writes, each kind in a process of Java of its own. */
const foreignEvents = { bare: 100_000, whole: 3_000 };

/** Events that another program writes, compressed: those of integers as users and without payload, and such as clients send. */
async function produceOthers(stage: Stage, broker: string): Promise<void> {
  const events = Array.from({ length: foreignEvents.bare }, (_, i) => ({
    ...stage.make(),
    ...{ user_id: String(i), payload: {} },
  }));
  const bare = events.map((event, user_id) => ({ ...event, user_id, payload: undefined }));
  await produce(stage, broker, "lz4", events, bare);
  const whole = Array.from({ length: foreignEvents.whole }, () => stage.make());
  await produce(stage, broker, "gzip", whole, whole);
}

async function produce(
  { ledger }: Stage,
  broker: string,
  codec: Codec,
  events: readonly WireEvent[],
  written: readonly { readonly event_id: string }[],
): Promise<void> {
  ledger.sent(events);
  const records = written.map((event) => ({ key: event.event_id, value: JSON.stringify(event) }));
  await produceForeign(broker, "events", records, codec);
  ledger.settled(events, "acknowledged");
}

/**
 * Within five seconds, or in one of three times where the machine is busy: not ready, and requests are refused at once with a
 * reason that tells clients nothing of brokers.
 */
async function mustSayAway(url: string, cluster: Cluster): Promise<void> {
  const tookMs: number[] = [];
  while (!(Math.min(...tookMs) < 5_000)) {
    assert.ok(tookMs.length < 3, `it took ${tookMs.map(Math.round).join(", ")} ms to say that Kafka is away`);
    if (tookMs.length > 0) await untilReady(url);
    await cluster.brokers[0]!.kill();
    try {
      tookMs.push(await awayMs(url));
    } finally {
      await cluster.brokers[0]!.start();
    }
    await cluster.ready();
  }
}

/** How long it takes to say so, and what it says. */
async function awayMs(url: string): Promise<number> {
  const started = performance.now();
  const stalls = watchStalls();
  await untilReady(url, 503);
  const tookMs = performance.now() - started - stalls.worstMs();
  stalls.stop();
  const headers = { "content-type": "application/json" };
  const refused = await fetch(`${url}/ingest`, { method: "POST", headers, body: "[]" });
  assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
  const { error } = (await refused.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, "log_unavailable");
  assert.doesNotMatch(error.message, /127\.0\.0\.1/);
  return tookMs;
}

async function untilReady(url: string, status = 200): Promise<void> {
  for (let attempt = 0; (await fetch(`${url}/ready`)).status !== status; attempt++) {
    assert.ok(attempt < 1200, `the server does not answer ${status}`);
    await pause(100);
  }
}

async function withAdmin(cluster: Cluster, work: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [...cluster.addresses] });
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}

const makeTopic = (cluster: Cluster, topic: string, partitions: number): Promise<void> =>
  withAdmin(cluster, (admin) => admin.createTopics({ topics: [topic], partitions, replicas: 1 }));

/** As retention does, at once. */
const deleteAll = (cluster: Cluster, topic: string): Promise<void> =>
  withAdmin(cluster, async (admin) => {
    const found = await admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    });
    const end = found[0]!.partitions[0]!.offset;
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: end }] }] });
  });
