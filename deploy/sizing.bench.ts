/**
 * What an event costs each role, for docs/sizing.md: `node deploy/sizing.bench.ts [events, default 400000]`. One real broker on this
 * machine, ten rules, the embedded engine. CPU is that of the process itself, in µs an event; the generator and the broker are not in it.
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Weir } from "../client/src/weir.ts";
import { putBenchRules } from "../bench/lib/bench-server.ts";
import { usage } from "../bench/lib/meter.ts";
import { pack } from "../src/event/packed.ts";
import { systemClock } from "../src/lib/clock.ts";
import { openKafkaLog } from "../src/log/kafka/kafka.ts";
import { startCluster } from "../test/support/kafka/cluster.ts";
import { startServer } from "../test/support/server-process.ts";
import type { ServerProcess } from "../test/support/server-process.ts";
import { loadEvent } from "./load-test/events.ts";
import type { Run } from "./load-test/events.ts";
import { sendHttp } from "./load-test/send-http.ts";
import { sendKafka } from "./load-test/send-kafka.ts";
import { settingsOf } from "./load-test/settings.ts";

const events = Number(process.argv[2] ?? 400_000);
const run: Run = { id: `sizing-${process.pid}`, endMs: Date.now() };
const folder = await mkdtemp(join(tmpdir(), "weir-sizing-"));
const cluster = await startCluster(1);
try {
  for (const batch of [100, 1000]) await wholeWay(batch);
  await backlog("packed", fillPacked);
  await backlog("json", fillJson);
} finally {
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Over HTTP, onto Kafka, read and counted, by one process; then its size and what asking costs. */
async function wholeWay(batch: number): Promise<void> {
  const name = `whole-${batch}`;
  const server = await started(name);
  await putBenchRules(server.queryUrl);
  const before = await usage(server.pid);
  const settings = settingsOf({
    ...{ LOAD_TEST_INGEST_URL: server.ingestUrl, LOAD_TEST_QUERY_URL: server.queryUrl },
    ...{ LOAD_TEST_EVENTS: String(events), LOAD_TEST_BATCH: String(batch), LOAD_TEST_SENDERS: "16" },
  });
  const sent = await sendHttp(new Weir(settings), run, settings);
  await counted(server, sent.events);
  const all = sent.events + sent.repeated;
  told(`ingest and processor, requests of ${batch}`, before, await usage(server.pid), all);
  const metrics = await (await fetch(`${server.queryUrl}/metrics`)).text();
  const bytes = Number(/^weir_batch_bytes_total (\S+)$/m.exec(metrics)?.[1]);
  console.log(`  bytes in the log: ${(bytes / all).toFixed(0)} an event`);
  const stored = Number(execFileSync("du", ["-sb", join(folder, name, "engine")], { encoding: "utf8" }).split("\t")[0]);
  console.log(`  bytes in the store: ${(stored / sent.events).toFixed(0)} an event, merges to come`);
  const asked = await usage(server.pid);
  for (let i = 0; i < 500; i++) await (await fetch(`${server.queryUrl}/stats?rule_id=by_country_1m&limit=100`)).text();
  const answered = await usage(server.pid);
  console.log(
    `  /stats: ${((answered.serverCpu - asked.serverCpu) * 2).toFixed(1)} ms of Weir, ${((answered.engineCpu - asked.engineCpu) * 2).toFixed(1)} ms of the engine`,
  );
  await server.terminate();
}

/** Events that are on Kafka when the process starts: no ingest is in it. An idle start is taken off. */
async function backlog(name: string, fill: (topic: string) => Promise<void>): Promise<void> {
  let server = await started(name);
  await putBenchRules(server.queryUrl);
  await server.terminate();
  server = await started(name);
  await counted(server);
  const idle = await usage(server.pid);
  await server.terminate();
  await fill(name);
  server = await started(name);
  await counted(server, events);
  told(`processor, ${name} records`, idle, await usage(server.pid), events);
  await server.terminate();
}

async function fillPacked(name: string): Promise<void> {
  const log = await openKafkaLog({
    address: { brokers: cluster.addresses },
    topic: { name, partitions: 3, replication: 1 },
    ...{ group: "sizing", compression: "none", futureMaxMs: 86_400_000, clock: systemClock, report: () => {} },
  });
  for (let from = 0; from < events; from += 10_000)
    await log.append(
      pack(
        Array.from({ length: 10_000 }, (_, i) => {
          const event = loadEvent(run, "http", from + i);
          return { ...event, payload: JSON.stringify(event.payload) };
        }),
      ),
    );
  await log.close();
}

async function fillJson(topic: string): Promise<void> {
  const brokers = cluster.addresses.join();
  const env = { LOAD_TEST_KAFKA_BROKERS: brokers, LOAD_TEST_KAFKA_TOPIC: topic, LOAD_TEST_EVENTS: String(events) };
  await sendKafka(run, settingsOf(env));
}

function started(name: string): Promise<ServerProcess> {
  const kafka = ["--kafka-brokers", cluster.addresses.join(), "--kafka-topic", name, "--kafka-partitions", "3"];
  return startServer({ dataDir: join(folder, name), args: [...kafka, "--log-level", "warn"], readyTimeoutMs: 120_000 });
}

/** Waits until the process has counted so many since its start, or at least answers. */
async function counted({ queryUrl }: ServerProcess, count = 0): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`${queryUrl}/metrics`)).text();
    if (Number(/^weir_counted_events_total (\S+)$/m.exec(metrics)?.[1] ?? 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function told(
  what: string,
  before: Awaited<ReturnType<typeof usage>>,
  behind: Awaited<ReturnType<typeof usage>>,
  count: number,
): void {
  const of = (key: "serverCpu" | "engineCpu"): string => (((behind[key] - before[key]) / count) * 1e6).toFixed(2);
  console.log(`${what}: Weir ${of("serverCpu")}, engine ${of("engineCpu")} µs an event`);
}
