import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Admin, Producer } from "@platformatic/kafka";
import { makeCertificates, whyNoOpenssl } from "../support/certificates.ts";
import type { Certificates } from "../support/certificates.ts";
import { startCluster } from "../support/kafka/cluster.ts";
import type { Cluster, Door } from "../support/kafka/cluster.ts";
import { whyNoKafka } from "../support/kafka/kafka-jars.ts";
import { watchMemory } from "../support/memory-peak.ts";
import { unlessMissing } from "../support/needs.ts";
import { listening } from "../support/socket.ts";
import { watchStalls } from "../support/stalls.ts";
import { mustBegin, mustMeet } from "../support/start-outcome.ts";
import type { BadStart } from "../support/start-outcome.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";
import { repeated } from "../support/api.ts";

const right = "right-and-secret";
const wrong = "wrong-and-secret-too";
const secrets = [right, wrong];

/** LOGIN takes passwords in the open, SECURE is TLS without a log-in, BOTH is TLS with a log-in by SCRAM-SHA-512 alone. */
function doors({ both }: Certificates): readonly Door[] {
  const module = "org.apache.kafka.common.security";
  const scram = `${module}.scram.ScramLoginModule required;`;
  const tls = { "ssl.keystore.type": "PEM", "ssl.keystore.location": both };
  return [
    {
      name: "LOGIN",
      protocol: "SASL_PLAINTEXT",
      settings: {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
        "plain.sasl.jaas.config": `${module}.plain.PlainLoginModule required user_weir="${right}";`,
        "scram-sha-256.sasl.jaas.config": scram,
      },
    },
    { name: "SECURE", protocol: "SSL", settings: tls },
    {
      name: "BOTH",
      protocol: "SASL_SSL",
      settings: { ...tls, "sasl.enabled.mechanisms": "SCRAM-SHA-512", "scram-sha-512.sasl.jaas.config": scram },
    },
  ];
}

/** Nothing of it is asked before the log is open. */
const noEngine = ["--clickhouse-url", "http://127.0.0.1:1"];

describe("trouble with Kafka", unlessMissing(whyNoKafka ?? whyNoOpenssl), () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-trouble-"));
  const noKafka = createServer((_, answer) => void answer.end("hello"));
  let certificates: Certificates;
  let cluster: Cluster;
  let webPort: number;

  before(async () => {
    certificates = makeCertificates(folder);
    writeFileSync(join(folder, "none.pem"), "no certificate");
    const users = ["SCRAM-SHA-256", "SCRAM-SHA-512"].map((kind) => `${kind}=[name=weir,password=${right}]`);
    const format = users.flatMap((user) => ["--add-scram", user]);
    cluster = await startCluster(1, { doors: doors(certificates), format });
    const admin = new Admin({ clientId: "test", bootstrapBrokers: [...cluster.addresses] });
    await admin.createTopics({ topics: ["two"], partitions: 2, replicas: 1 });
    await admin.close();
    webPort = await listening(noKafka);
  });
  after(async () => {
    noKafka.close();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const at = (door: string, host = "localhost"): string => `${host}:${cluster.brokers[0]!.doorPort(door)}`;
  const brokers = (address: string, topic = "events"): string[] => ["--kafka-brokers", address, "--kafka-topic", topic];
  const login = (kind: string, user = "weir"): string[] => ["--kafka-sasl", kind, "--kafka-user", user];
  const tls = (file = certificates.cert): string[] => ["--kafka-tls", "on", "--kafka-ca", file];
  const password = (text: string): Record<string, string> => ({ WEIR_KAFKA_PASSWORD: text });

  const badStarts = (): readonly BadStart[] => [
    {
      name: "nobody listens",
      args: brokers("127.0.0.1:1"),
      stops: false,
      says: /Kafka at 127\.0\.0\.1:1: nothing listens there; start the broker, or mend --kafka-brokers; trying again/,
    },
    {
      name: "the name is not known",
      args: brokers("no-such-host.invalid:9092"),
      stops: false,
      says: /Kafka at no-such-host\.invalid:9092: the name (is not known; mend|can't be looked up)/,
    },
    {
      name: "it is not Kafka",
      args: brokers(`127.0.0.1:${webPort}`),
      stops: false,
      says: /Kafka at 127\.0\.0\.1:\d+: it .*; is that the port of a broker\?/,
    },
    {
      name: "wrong password, PLAIN",
      args: [...brokers(at("LOGIN")), ...login("plain")],
      env: password(wrong),
      stops: true,
      says: /Kafka at localhost:\d+: .*refuses the log-in; check --kafka-user, WEIR_KAFKA_PASSWORD and --kafka-sasl/,
    },
    {
      name: "wrong password, SCRAM",
      args: [...brokers(at("LOGIN")), ...login("scram-sha-256")],
      env: password(wrong),
      stops: true,
      says: /refuses the log-in; check --kafka-user, WEIR_KAFKA_PASSWORD/,
    },
    {
      name: "unknown user, over TLS",
      args: [...brokers(at("BOTH")), ...tls(), ...login("scram-sha-512", "nobody")],
      env: password(right),
      stops: true,
      says: /refuses the log-in; check --kafka-user/,
    },
    {
      name: "a way to log in that it does not take",
      args: [...brokers(at("BOTH")), ...tls(), ...login("plain")],
      env: password(right),
      stops: true,
      says: /does not take this way to log in; choose another --kafka-sasl/,
    },
    {
      name: "no log-in where one is wanted",
      args: brokers(at("LOGIN")),
      stops: false,
      says: /it ended the connection; is that .*does it want a log-in \(--kafka-sasl\), or TLS/,
    },
    {
      name: "a password and no user",
      args: [...brokers(at("LOGIN")), "--kafka-sasl", "plain"],
      env: password(right),
      stops: true,
      says: /kafka-sasl.*logging in needs kafka-user and kafka-password/,
    },
    {
      name: "no TLS where it is spoken",
      args: brokers(at("SECURE")),
      stops: true,
      says: /it speaks TLS there; say --kafka-tls on/,
    },
    {
      name: "TLS where it is not spoken",
      args: [...brokers(cluster.addresses[0]!), ...tls()],
      stops: false,
      says: /ended the connection before TLS was agreed on; .*leave --kafka-tls out/,
    },
    {
      name: "a certificate that is not trusted",
      args: [...brokers(at("SECURE")), "--kafka-tls", "on"],
      stops: true,
      says: /its certificate is not trusted .*; name a file .*by --kafka-ca/,
    },
    {
      name: "a certificate of another name",
      args: [...brokers(at("SECURE", "127.0.0.1")), ...tls()],
      stops: true,
      says: /its certificate is of another name than that in --kafka-brokers/,
    },
    {
      name: "no file of certificates",
      args: [...brokers(at("SECURE")), ...tls(join(folder, "missing.pem"))],
      stops: true,
      says: /--kafka-ca = .*missing\.pem can't be read: ENOENT/,
    },
    {
      name: "no certificate in the file",
      args: [...brokers(at("SECURE")), ...tls(join(folder, "none.pem"))],
      stops: true,
      says: /--kafka-ca = .*none\.pem has no certificate in PEM form in it/,
    },
    {
      name: "authorities without TLS",
      args: [...brokers(at("SECURE")), "--kafka-ca", certificates.cert],
      stops: true,
      says: /kafka-ca.*is for kafka-tls, which is off/,
    },
    {
      name: "too few brokers for the replicas of a topic that is to be made",
      args: [...brokers(cluster.addresses[0]!), "--kafka-replication", "3"],
      stops: false,
      says: /topic events can't be made with 3 replicas, as there are 1 brokers; start the others, or lower/,
    },
    {
      name: "a topic with too few replicas",
      args: ["--kafka-brokers", cluster.addresses[0]!, "--kafka-topic", "two", "--kafka-replication", "2"],
      stops: true,
      says: /topic two can't be used: it has 1 replicas, and --kafka-replication says 2; add replicas/,
    },
    {
      name: "a topic that can't be",
      args: ["--kafka-brokers", cluster.addresses[0]!, "--kafka-topic", ".."],
      stops: true,
      says: /it does not take the topic's name; change --kafka-topic/,
    },
  ];

  test("at the start: each is named with its address and what to do, and waited for where waiting helps", async (t) => {
    for (const start of badStarts())
      await t.test(start.name, () => mustMeet({ ...start, args: [...noEngine, ...start.args] }, secrets));
  });

  test("a batch that becomes too large is set aside with its place, in bounded memory; what is around it is counted", async (t) => {
    const args = ["--kafka-brokers", cluster.addresses[0]!, "--kafka-topic", "bombed", "--kafka-partitions", "1"];
    await Stage.run(faultSeed(), {}, async (stage) => {
      await stage.start({ args });
      await stage.putRules(faultRules.slice(0, 1));
      await stage.verify(faultRules.slice(0, 1));
      const memory = watchMemory(stage.server.pid);
      await sendBomb(cluster.addresses[0]!, "bombed");
      await stage.verify(faultRules.slice(0, 1));
      const answer = await repeated(`${stage.server.queryUrl}/rejects`);
      const { data } = (await answer.json()) as { data: { position: string; reason: string }[] };
      assert.deepEqual(
        data.map(({ position, reason }) => [position, reason.slice(0, 92)]),
        [
          [
            `0:${2 ** 14}`,
            "the batch of the records 1 to 4 is larger than 67108864 bytes when decompressed (zstd); have",
          ],
        ],
      );
      assert.ok(memory.grownMiB() < bombGrowthMiBMax, `memory has grown by ${memory.grownMiB()} MiB`);
      t.diagnostic(`a bomb of 256 MiB: memory at most ${memory.grownMiB()} MiB more`);
    });
  });

  const goodStarts = (): readonly (readonly [name: string, args: readonly string[]])[] => [
    ["PLAIN", [...brokers(at("LOGIN"), "plain"), ...login("plain")]],
    ["SCRAM-SHA-256", [...brokers(at("LOGIN"), "scram"), ...login("scram-sha-256")]],
    ["SCRAM-SHA-512 over TLS", [...brokers(at("BOTH"), "scram-tls"), ...tls(), ...login("scram-sha-512")]],
  ];

  test("who waits for the broker begins when it is there; who is let in takes events and counts them; with the broker away it refuses within 5 s, in flat memory", async (t) => {
    const [broker] = cluster.brokers;
    await broker!.kill();
    const come = (): Promise<void> => broker!.start().then(() => cluster.ready());
    for (const [index, [name, args]] of goodStarts().entries()) {
      await Stage.run(faultSeed(), {}, async (stage) => {
        const start = (heard: (line: string) => void): Promise<unknown> =>
          stage.start({ args, env: password(right), heard });
        await (index === 0 ? mustBegin(start, /nothing listens there.*trying again/, come) : start(() => {}));
        await stage.putRules(faultRules.slice(0, 1));
        await stage.verify(faultRules.slice(0, 1));
        assert.ok(!stage.server.output().includes(right), name);
        if (name.endsWith("TLS")) t.diagnostic(await withoutBroker(cluster, stage));
      });
    }
  });
});

/** The bound of a batch, which is reached before it is known that there is more, and what counting takes. */
const bombGrowthMiBMax = 64 + 96;

/** One batch of four records, which is small as it travels. */
async function sendBomb(broker: string, topic: string): Promise<void> {
  const producer = new Producer({ clientId: "test", bootstrapBrokers: [broker], compression: "zstd" });
  const value = Buffer.alloc(64 << 20, " ");
  try {
    await producer.send({ messages: Array.from({ length: 4 }, () => ({ topic, partition: 0, value })) });
  } finally {
    await producer.close();
  }
}

const [awayMs, senders] = [8_000, 16];
const growthMiBMax = 96;

/** More is sent all the time than could be kept. */
async function withoutBroker(cluster: Cluster, stage: Stage): Promise<string> {
  const { ingestUrl, pid } = stage.server;
  const body = JSON.stringify(Array.from({ length: 2000 }, () => stage.make()));
  const from = performance.now();
  await send(ingestUrl, body);
  // All of the first ones are read before any of them is refused.
  const readMs = senders * (performance.now() - from);
  await cluster.brokers[0]!.kill();
  const memory = watchMemory(pid);
  const stalls = watchStalls();
  const end = performance.now() + awayMs;
  const answers = await Promise.all(Array.from({ length: senders }, () => sendUntil(end, ingestUrl, body)));
  const [statuses, slowest] = [new Set(answers.flatMap(([seen]) => seen)), Math.max(...answers.map(([, ms]) => ms))];
  assert.deepEqual([...statuses], [503]);
  const allowedMs = 5_000 + Math.min(readMs, 5_000) + stalls.worstMs();
  stalls.stop();
  assert.ok(slowest < allowedMs, `an answer took ${slowest} ms of ${allowedMs}`);
  assert.ok(memory.grownMiB() < growthMiBMax, `memory has grown by ${memory.grownMiB()} MiB`);
  return `away ${awayMs} ms: the slowest 503 after ${Math.round(slowest)} ms, memory at most ${memory.grownMiB()} MiB more`;
}

async function sendUntil(end: number, ingestUrl: string, body: string): Promise<[readonly number[], number]> {
  const statuses: number[] = [];
  let slowest = 0;
  while (performance.now() < end) {
    const from = performance.now();
    statuses.push(await send(ingestUrl, body));
    slowest = Math.max(slowest, performance.now() - from);
    await pause(20);
  }
  return [statuses, slowest];
}

async function send(ingestUrl: string, body: string): Promise<number> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${ingestUrl}/ingest`, { method: "POST", headers, body });
  await answer.text();
  return answer.status;
}
