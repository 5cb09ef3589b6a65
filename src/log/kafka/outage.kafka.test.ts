import assert from "node:assert/strict";
import { type TestContext, after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Admin, ConfigResourceTypes } from "@platformatic/kafka";
import { brokersDie } from "../../../test/faults/cluster/brokers-die.ts";
import { Stand } from "../../../test/faults/cluster/stand.ts";
import { startCluster } from "../../../test/support/kafka/cluster.ts";
import type { Cluster } from "../../../test/support/kafka/cluster.ts";
import { whyNoKafka } from "../../../test/support/kafka/kafka-jars.ts";
import { whyNoFerretDb } from "../../../test/support/mongo/ferretdb.ts";
import { unlessMissing } from "../../../test/support/needs.ts";
import { seeded } from "../../../test/support/random.ts";
import { watchStalls } from "../../../test/support/stalls.ts";
import { pack, unpack } from "../../event/packed.ts";
import { offset, src } from "../../event/position.ts";
import type { OffsetRange, Src } from "../../event/position.ts";
import { systemClock } from "../../lib/clock.ts";
import { WeirError } from "../../lib/errors.ts";
import type { Log } from "../log.ts";
import { openKafkaLog } from "./kafka.ts";

const plenty = { bytesMax: 1 << 26, eventsMax: 1_000_000, waitMs: 5_000 };
const seed = Number(process.env["WEIR_SEED"] ?? Math.floor(Math.random() * 1e9));
/** More by `WEIR_KILLS`. */
const kills = Number(process.env["WEIR_KILLS"] ?? 2);
/** What is sent is kept until it is judged: of hundreds of deaths each has to be among few. */
const pauseMs = kills > 10 ? 40 : 10;
/** A broker of `startCluster` that was not heard of for less long than this is taken to be there. */
const missedMs = 2_500;
const topic = "events_raw";
/** What the product needs besides. */
const product = unlessMissing(whyNoFerretDb());
const payload = `{"text":"${"x".repeat(200)}"}`;

interface Sent {
  readonly ids: readonly string[];
  readonly outcome: "acknowledged" | "refused" | "unknown";
  readonly ranges: readonly OffsetRange[];
  readonly ms: number;
}

/** Appends without pause, and writes down what it was told of each. */
class Appender {
  readonly sent: Sent[] = [];
  #next = 0;
  #running: Promise<void>[] = [];
  #stopped = false;

  start(log: Log, appenders: number): void {
    this.#running = Array.from({ length: appenders }, () => this.#appendOn(log));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
    this.#stopped = false;
  }

  async #appendOn(log: Log): Promise<void> {
    while (!this.#stopped) {
      const { outcome } = await this.append(log, 20);
      const restMs = outcome === "acknowledged" ? pauseMs : 20;
      if (restMs > 0) await pause(restMs);
    }
  }

  async append(log: Log, count: number): Promise<Sent> {
    const ids = Array.from({ length: count }, () => `id-${this.#next++}`);
    const event = { event_type: "t", user_id: "u", timestamp: 1_768_000_000_000, payload };
    const started = performance.now();
    const settle = (outcome: Sent["outcome"], ranges: readonly OffsetRange[] = []): Sent => {
      const sent = { ids, outcome, ranges, ms: performance.now() - started };
      this.sent.push(sent);
      return sent;
    };
    try {
      return settle("acknowledged", await log.append(pack(ids.map((event_id) => ({ ...event, event_id })))));
    } catch (error) {
      assert.ok(
        error instanceof WeirError && ["overloaded", "log_unavailable", "log_failed"].includes(error.code),
        String(error),
      );
      assert.equal(error.outcomeUnknown, error.code === "log_failed");
      return settle(error.outcomeUnknown ? "unknown" : "refused");
    }
  }

  count(outcome: Sent["outcome"]): number {
    return this.sent.filter((sent) => sent.outcome === outcome).length;
  }

  slowestMs(): number {
    return this.sent.reduce((slowest, { ms }) => Math.max(slowest, ms), 0);
  }
}

/** Acknowledged events are where it was said, once; unknown ones once or not at all; refused ones nowhere. */
async function judge(log: Log, sent: readonly Sent[]): Promise<void> {
  const places = new Map<string, string[]>();
  const at = new Map<string, string>();
  for (const [source, end] of await log.ends()) {
    for (let from = offset(0); from < end;) {
      for (const record of await log.read({ src: source, off: from }, plenty)) {
        for (const [i, { event_id }] of unpack(record.events).entries()) {
          places.set(event_id, [...(places.get(event_id) ?? []), placeOf(source, record.from + i)]);
          at.set(placeOf(source, record.from + i), event_id);
        }
        from = offset(record.to + 1);
      }
    }
  }
  for (const { ids, outcome, ranges } of sent) {
    const found = ids.map((id) => places.get(id)?.length ?? 0);
    if (outcome === "acknowledged")
      assert.ok(
        found.every((times) => times === 1),
        `acknowledged, found ${found.join()}`,
      );
    if (outcome === "unknown")
      assert.ok(
        found.every((times) => times <= 1),
        `unknown, found ${found.join()}`,
      );
    if (outcome === "refused")
      assert.ok(
        found.every((times) => times === 0),
        `refused, found ${found.join()}`,
      );
    const told = ranges.flatMap((range) =>
      Array.from({ length: range.to - range.from + 1 }, (_, i) => at.get(placeOf(range.src, range.from + i))),
    );
    if (outcome === "acknowledged") assert.deepEqual(new Set(told), new Set(ids), "its range has its events");
  }
}

const placeOf = (source: Src, off: number): string => `${source}:${off}`;

describe(`brokers that go away (seed ${seed})`, unlessMissing(whyNoKafka), () => {
  const random = seeded(seed);
  let cluster: Cluster;
  const appender = new Appender();
  let log: Log;
  const said: string[] = [];
  let stalls: ReturnType<typeof watchStalls>;
  before(async () => {
    cluster = await startCluster(3);
    stalls = watchStalls();
    log = await openKafkaLog({
      address: { brokers: cluster.addresses },
      topic: { name: topic, partitions: 3, replication: 3 },
      group: "weir",
      compression: "none",
      futureMaxMs: 86_400_000,
      inFlightBytesMax: 4 << 20,
      clock: systemClock,
      report: (_, message) => said.push(message),
    });
  });
  after(async () => {
    stalls.stop();
    await log?.close();
    await cluster?.stop();
  });

  /** Until appends are acknowledged again. */
  async function untilWell(): Promise<void> {
    for (const end = performance.now() + 120_000; (await appender.append(log, 1)).outcome !== "acknowledged";) {
      assert.ok(performance.now() < end, log.state().reason);
      await pause(100);
    }
  }

  test("the topic that it makes has three replicas, two of which have each acknowledged event, and times of the log's own", () =>
    withAdmin(async (admin) => {
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
      const replicas = topics.get(topic)!.partitions.map((one) => one.replicas.length);
      assert.deepEqual(replicas, [3, 3, 3]);
      const configurationKeys = ["cleanup.policy", "message.timestamp.type", "min.insync.replicas"];
      const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys }];
      const [found] = await admin.describeConfigs({ resources });
      assert.deepEqual(Object.fromEntries(found!.configs.map(({ name, value }) => [name, value])), {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": "2",
      });
    }));

  test("one of three is killed under load, again and again: what is acknowledged is there once", async (t) => {
    await untilWell();
    for (let kill = 0; kill < kills; kill++) {
      const broker = random.pick(cluster.brokers);
      appender.start(log, 8);
      await pause(300 + random.int(500));
      await broker.kill();
      await pause(500 + random.int(1500));
      await untilWell();
      await broker.start();
      await cluster.ready();
      await appender.stop();
    }
    await untilWell();
    await judge(log, appender.sent);
    tell(t.diagnostic.bind(t));
  });

  async function withAdmin(work: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = new Admin({ clientId: "test", bootstrapBrokers: [...cluster.addresses] });
    try {
      await work(admin);
    } finally {
      await admin.close();
    }
  }

  /** Until those that were killed have what they missed. */
  const untilInSync = (): Promise<void> =>
    withAdmin(async (admin) => {
      for (const end = performance.now() + 120_000; ; await pause(100)) {
        const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
        if (topics.get(topic)!.partitions.every(({ isr }) => isr.length === 3)) return;
        assert.ok(performance.now() < end, "not all replicas are in sync");
      }
    });

  /** For as long as the one that hangs is surely among the in-sync replicas of each partition: nothing is kept by all of them. */
  async function mustAcknowledgeNothing(t: TestContext): Promise<{ readonly settled: Promise<unknown> }> {
    const from = performance.now();
    // What had been acknowledged before is read by then, also where timers come first after a moment in which the machine stood still.
    await pause(400);
    await pause(100);
    const before = appender.count("acknowledged");
    // Of one event each: some go to partitions alone that the others lead.
    const settled = Promise.all(Array.from({ length: 30 }, () => appender.append(log, 1)));
    await pause(1_500);
    const acknowledged = appender.count("acknowledged") - before;
    const tookMs = performance.now() - from;
    if (tookMs < missedMs) assert.equal(acknowledged, 0, "acknowledged, and not by all replicas that are in sync");
    else t.diagnostic(`acknowledgements were not judged: ${Math.round(tookMs)} ms had passed`);
    return { settled };
  }

  test("a broker that hangs is no reason to wait longer than five seconds, nor is what it does when it wakes", async (t) => {
    await untilWell();
    await untilInSync();
    appender.start(log, 8);
    await pause(200);
    cluster.brokers[0]!.signal("SIGSTOP");
    const { settled } = await mustAcknowledgeNothing(t);
    await pause(1_000 + random.int(1_500));
    cluster.brokers[0]!.signal("SIGCONT");
    await pause(500);
    await Promise.all([settled, appender.stop()]);
    await untilWell();
    await judge(log, appender.sent);
    tell(t.diagnostic.bind(t));
  });

  test("all are away: refused within five seconds, memory flat, readers wait, and all goes on when they are back", async (t) => {
    const end = (await log.ends()).get(src(0))!;
    appender.start(log, 8);
    await Promise.all(cluster.brokers.map((broker) => broker.kill()));
    let hasRead = false;
    const reading = log.read({ src: src(0), off: end }, { ...plenty, waitMs: 100 }).finally(() => (hasRead = true));
    await until(() => !log.state().accepting, "it is known that all are away");
    const { reason, code } = log.state();
    assert.equal(code, "log_unavailable");
    assert.match(
      reason!,
      /^Kafka at 127\.0\.0\.1:\d+,.*: partition \d of events_raw: .*(nothing listens|no leader|does not answer)/,
    );
    const refused = appender.count("refused");
    const before = process.memoryUsage().rss;
    await pause(1_500);
    await until(() => appender.count("refused") > refused, "refused at once while it is known to be away");
    await appender.stop();
    assert.ok(process.memoryUsage().rss < before + (64 << 20), "memory stays flat");
    await assert.rejects(log.ends(), { code: "log_unavailable" });
    assert.ok(!hasRead, "nobody has said that nothing is there");
    for (const broker of cluster.brokers) await broker.start();
    await cluster.ready();
    await untilWell();
    for (let i = 0; i < 10; i++) await appender.append(log, 50);
    await reading;
    await judge(log, appender.sent);
    tell(t.diagnostic.bind(t));
  });

  test(
    "R8: two processes count on while the broker dies that has their group, or leads a partition",
    product,
    async (t) => {
      const stand = await Stand.open(cluster);
      t.after(() => stand.close());
      await brokersDie(t, stand);
    },
  );

  function tell(diagnostic: (message: string) => void): void {
    const counts = (["acknowledged", "unknown", "refused"] as const).map((each) => `${appender.count(each)} ${each}`);
    diagnostic(`${counts.join(", ")}; slowest ${Math.round(appender.slowestMs())} ms`);
    const allowedMs = 5_000 + stalls.worstMs();
    assert.ok(appender.slowestMs() < allowedMs, `an append took ${appender.slowestMs()} ms of ${allowedMs}`);
  }
});

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 120_000; !isSo(); await pause(20))
    assert.ok(performance.now() < end, `not ${what}`);
}
