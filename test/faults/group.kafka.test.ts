import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Admin, Producer } from "@platformatic/kafka";
import { allStats, repeated, rulesSettled } from "../support/api.ts";
import { startCluster } from "../support/kafka/cluster.ts";
import type { Cluster } from "../support/kafka/cluster.ts";
import { whyNoKafka } from "../support/kafka/kafka-jars.ts";
import { whyNoFerretDb } from "../support/mongo/ferretdb.ts";
import { databaseUrl, startMongo } from "../support/mongo/mongo-server.ts";
import type { MongoServer } from "../support/mongo/mongo-server.ts";
import { unlessMissing } from "../support/needs.ts";
import { type Random, seeded } from "../support/random.ts";
import { type PlayedShards, startPlayedShards } from "../support/played-shards.ts";
import { Seat, untilDivided } from "./crew.ts";
import { fewFaultRules } from "./fault-events.ts";
import { held } from "./on-server.ts";
import { faultSeed, Stage } from "./stage.ts";

/** A process that leaves and comes back makes two, and so does one that is stopped past its session. */
const rebalances = Number(process.env["WEIR_REBALANCES"] ?? 20);
const zombies = Number(process.env["WEIR_ZOMBIES"] ?? 5);
const partitions = 6;
const sessionMs = 4_000;
/** Records that nobody has counted. */
const deleted = 7;

describe(
  "R9: several processes count one topic, on two ClickHouse servers",
  unlessMissing(whyNoKafka ?? whyNoFerretDb()),
  () => {
    let cluster: Cluster;
    let store: PlayedShards;
    let mongo: MongoServer;
    before(async () => {
      [cluster, store, mongo] = await Promise.all([startCluster(1), startPlayedShards(), startMongo()]);
    });
    after(() => Promise.allSettled([cluster?.stop(), store?.close(), mongo?.close()]));

    test("they join, leave, die, and are stopped past their session with an insert on the line: all is counted once", async (t) => {
      const seed = faultSeed();
      const random = seeded(seed);
      t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
      await Stage.run(seed, { senders: 2, requestEventsMax: 50, pauseMs: 50 }, async (stage) => {
        const shared = {
          brokers: cluster.addresses,
          store,
          mongoUrl: mongo.url,
          partitions,
          sessionMs,
          flushMs: 3_000,
        };
        const seats = await Promise.all(["one", "two", "three"].map((name) => Seat.make(stage, name, shared)));
        try {
          // All at once: they make the topic, the tables and the rules' place beside each other.
          await Promise.all(seats.map((seat) => seat.start()));
          await stage.putRules(fewFaultRules);
          await untilDivided(seats, partitions);
          const rounds = roundsOf(random);
          const halfWay = rounds.length >> 1;
          const tookOverMs: number[] = [];
          let divisions = 0;
          /** Others have what one had, or it has a part of it again. */
          const redivided = async (those: readonly Seat[]): Promise<void> => {
            await untilDivided(those, partitions);
            divisions += 1;
          };
          const late = fewFaultRules.map((rule) => ({ ...rule, rule_id: `${rule.rule_id}_late` }));
          for (const [round, what] of rounds.entries()) {
            const seat = random.pick(seats);
            const others = seats.filter((other) => other !== seat);
            stage.senders.start(random.pick(others).server.ingestUrl);
            // Filled by several, and by those who take their partitions over.
            if (round === halfWay) await stage.putRules(late, others[0]!.server);
            const moved = (): Promise<void> => redivided(others);
            if (what === "zombie") tookOverMs.push(await stopPastSession(seat, moved, random));
            else await comeBack(seat, what, moved, random);
            await (what === "killed for a moment" ? untilDivided(seats, partitions) : redivided(seats));
            await stage.senders.stop();
          }
          assert.ok(divisions >= rebalances, `only ${divisions} rebalances`);
          for (const seat of seats) await rulesSettled(seat.server.queryUrl);
          await stage.verify([...fewFaultRules, ...late], random.pick(seats).server);
          const refused = seats.reduce((sum, seat) => sum + seat.refused, 0);
          const other = seats.flatMap(({ line }) =>
            line.arrived.filter(({ ok }) => ok).map(({ statement }) => statement),
          );
          assert.deepEqual(
            other.map((statement) => statement.slice(0, 200)),
            [],
            "inserts of zombies were taken",
          );
          const stops = seats.map((seat) => seat.stops);
          assert.ok(
            stops.some(({ inTime }) => inTime > 0) || stops.every(({ late }) => late === 0),
            "no stop was in time",
          );
          assert.ok(refused > 0, "no insert of a zombie came behind its successor's claim");
          const taken = (await Promise.all(seats.map((seat) => seat.taken()))).reduce((sum, count) => sum + count, 0);
          t.diagnostic(
            `${divisions} rebalances: ${rounds.join(", ")}; partitions taken from zombies ${taken} times, ${refused} inserts refused; ` +
              `others had their partitions after ${tookOverMs.map(Math.round).join(", ")} ms; ${JSON.stringify(stage.ledger.summary())}`,
          );
        } catch (error) {
          for (const seat of seats) for (const line of seat.server.output().split("\n")) t.diagnostic(line);
          throw error;
        } finally {
          await Promise.all(seats.map((seat) => seat.close()));
        }
      });
    });

    test("a partition whose records were deleted uncounted stays uncounted with one process; the others are counted, and it is when it may be skipped", async (t) => {
      const shared = { brokers: cluster.addresses, store, mongoUrl: databaseUrl(mongo.url), partitions: 3, sessionMs };
      await Stage.run(faultSeed(), {}, async (stage) => {
        const make = (name: string): Promise<Seat> => Seat.make(stage, name, { ...shared, installation: "gap" });
        const seats = await Promise.all(["one", "two"].map(make));
        const started = (env = {}): Promise<unknown> => Promise.all(seats.map((seat) => seat.start(env)));
        t.after(() => Promise.all(seats.map((seat) => seat.close())));
        await started();
        await stage.putRules(fewFaultRules);
        await stage.verify(fewFaultRules);
        await Promise.all(seats.map((seat) => seat.leave()));
        await deletedUnread(cluster, "gap_events", 0, deleted);
        await started();
        const isBroken = async (): Promise<boolean> => (await sumOf(seats, "weir_partitions_broken")) === 1;
        await until("a partition is broken", isBroken);
        const sent = Array.from({ length: 100 }, () => stage.make());
        stage.ledger.sent(sent);
        for (const { server } of seats) {
          const request = {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(sent),
          };
          assert.equal((await repeated(`${server.ingestUrl}/ingest`, request)).status, 200);
        }
        stage.ledger.settled(sent, "acknowledged");
        await until("the others are counted", async () => (await sumOf(seats, "weir_counted_events_total")) > 0);
        for (const { server } of seats)
          assert.ok((await allStats(server.queryUrl, fewFaultRules[0]!.rule_id, 0, Date.now())).length > 0);
        await until("it is broken still, wherever it is now", isBroken);
        await Promise.all(seats.map((seat) => seat.leave()));
        await started({ WEIR_KAFKA_GAP: "skip" });
        for (const { server } of seats) await stage.verify(fewFaultRules, server);
        assert.equal(await sumOf(seats, "weir_partitions_broken"), 0);
        // By each to whom the partition is given before one of its events is counted.
        const passedOver = await Promise.all(seats.map((seat) => seat.metric("weir_log_gap_records_total")));
        assert.ok(
          passedOver.some((count) => count > 0) && passedOver.every((count) => count % deleted === 0),
          `passed over ${passedOver.join()}`,
        );
      });
    });
  },
);

async function sumOf(seats: readonly Seat[], metric: string): Promise<number> {
  return (await Promise.all(seats.map((seat) => seat.metric(metric)))).reduce((sum, one) => sum + one, 0);
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 120_000; !(await isSo()); await pause(100))
    assert.ok(performance.now() < end, `waited in vain until ${what}`);
}

/** Records of another program, which are gone before anybody counts them, as by retention. */
async function deletedUnread({ addresses }: Cluster, topic: string, partition: number, count: number): Promise<void> {
  const client = { clientId: "test", bootstrapBrokers: [...addresses] };
  const [producer, admin] = [new Producer(client), new Admin(client)];
  try {
    const value = Buffer.from("anything");
    await producer.send({ messages: Array.from({ length: count }, () => ({ topic, partition, value })) });
    const asked = { name: topic, partitions: [{ partitionIndex: partition, timestamp: -1n }] };
    const [found] = await admin.listOffsets({ topics: [asked] });
    await admin.deleteRecords({
      topics: [{ name: topic, partitions: [{ partition, offset: found!.partitions[0]!.offset }] }],
    });
  } finally {
    await Promise.all([producer.close(), admin.close()]);
  }
}

type Round = "zombie" | "leaves" | "killed" | "killed for a moment";

/** In any order; one that is killed and comes back at once keeps its partitions, one that comes back late does not. */
function roundsOf(random: Random): Round[] {
  const leaves = Math.max(0, Math.ceil(rebalances / 2) - zombies);
  const rounds = [
    ...Array.from({ length: zombies }, (): Round => "zombie"),
    ...Array.from({ length: leaves }, (): Round => "leaves"),
    ...Array.from({ length: Math.ceil(leaves / 5) }, (): Round[] => ["killed", "killed for a moment"]).flat(),
  ];
  return rounds
    .map((round) => ({ round, at: random.int(1e9) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ round }) => round);
}

type Moved = () => Promise<void>;

async function comeBack(seat: Seat, how: Exclude<Round, "zombie">, moved: Moved, random: Random): Promise<void> {
  await pause(random.int(300));
  await (how === "leaves" ? seat.leave() : seat.kill());
  if (how !== "killed for a moment") await moved();
  await seat.start();
}

/** Answers how long it took until others counted what the stopped one had, in ms. */
async function stopPastSession(seat: Seat, moved: Moved, random: Random): Promise<number> {
  seat.gate.hold(random.pick(held));
  await seat.gate.holding();
  seat.freeze();
  const started = performance.now();
  await moved();
  const tookMs = performance.now() - started;
  seat.gate.open();
  await seat.gate.arrived(seat.line);
  seat.thaw();
  return tookMs;
}
