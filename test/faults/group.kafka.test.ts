import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { rulesSettled } from "../support/api.ts";
import { startCluster } from "../support/kafka/cluster.ts";
import type { Cluster } from "../support/kafka/cluster.ts";
import { whyNoKafka } from "../support/kafka/kafka-jars.ts";
import { whyNoFerretDb } from "../support/mongo/ferretdb.ts";
import { startMongo } from "../support/mongo/mongo-server.ts";
import type { MongoServer } from "../support/mongo/mongo-server.ts";
import { unlessMissing } from "../support/needs.ts";
import { type Random, seeded } from "../support/random.ts";
import { type StandAloneEngine, startStandAloneEngine } from "../support/stand-alone-engine.ts";
import { Seat, untilDivided } from "./crew.ts";
import { faultRules } from "./fault-events.ts";
import { held } from "./on-server.ts";
import { faultSeed, Stage } from "./stage.ts";

/** A process that leaves and comes back makes two. */
const rebalances = Number(process.env["WEIR_REBALANCES"] ?? 20);
const zombies = Number(process.env["WEIR_ZOMBIES"] ?? 5);
const partitions = 6;
const sessionMs = 4_000;

describe("R9: several processes count one topic", unlessMissing(whyNoKafka ?? whyNoFerretDb()), () => {
  let cluster: Cluster;
  let store: StandAloneEngine;
  let mongo: MongoServer;
  before(async () => {
    [cluster, store, mongo] = await Promise.all([startCluster(1), startStandAloneEngine(), startMongo()]);
  });
  after(() => Promise.allSettled([cluster?.stop(), store?.close(), mongo?.close()]));

  test("they join, leave, die, and are stopped past their session with an insert on the line: all is counted once", async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
    await Stage.run(seed, { senders: 2, requestEventsMax: 100, pauseMs: 50 }, async (stage) => {
      const shared = { brokers: cluster.addresses, store, mongoUrl: mongo.url, partitions, sessionMs, flushMs: 1_500 };
      const seats = await Promise.all(["one", "two", "three"].map((name) => Seat.make(stage, name, shared)));
      try {
        // All at once: they make the topic, the tables and the rules' place beside each other.
        await Promise.all(seats.map((seat) => seat.start()));
        await stage.putRules(faultRules);
        await untilDivided(seats, partitions);
        const rounds = roundsOf(random);
        const halfWay = rounds.length >> 1;
        const tookOverMs: number[] = [];
        const late = faultRules.map((rule) => ({ ...rule, rule_id: `${rule.rule_id}_late` }));
        for (const [round, what] of rounds.entries()) {
          const seat = random.pick(seats);
          const others = seats.filter((other) => other !== seat);
          stage.senders.start(random.pick(others).server.ingestUrl);
          // Filled by several, and by those who take their partitions over.
          if (round === halfWay) await stage.putRules(late, others[0]!.server);
          if (what === "zombie") tookOverMs.push(await stopPastSession(seat, others, random));
          else await comeBack(seat, others, what, random);
          await untilDivided(seats, partitions);
          await stage.senders.stop();
        }
        for (const seat of seats) await rulesSettled(seat.server.queryUrl);
        await stage.verify([...faultRules, ...late], random.pick(seats).server);
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
          `${rounds.join(" ")}; partitions taken from zombies ${taken} times, ${refused} inserts refused; ` +
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
});

type Round = "zombie" | "leave" | "kill";

/** In any order; one that is killed and comes back at once keeps its partitions, one that comes back late does not. */
function roundsOf(random: Random): Round[] {
  const rounds = [
    ...Array.from({ length: zombies }, (): Round => "zombie"),
    ...Array.from({ length: Math.ceil(rebalances / 2) }, (_, index): Round => (index % 5 === 4 ? "kill" : "leave")),
  ];
  return rounds
    .map((round) => ({ round, at: random.int(1e9) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ round }) => round);
}

async function comeBack(seat: Seat, others: readonly Seat[], how: "leave" | "kill", random: Random): Promise<void> {
  await pause(random.int(300));
  await seat[how]();
  if (how === "leave" || random.chance(0.5)) await untilDivided(others, partitions);
  await seat.start();
}

/** Answers how long it took until others counted what the stopped one had, in ms. */
async function stopPastSession(seat: Seat, others: readonly Seat[], random: Random): Promise<number> {
  seat.gate.hold(random.pick(held));
  await seat.gate.holding();
  seat.freeze();
  const started = performance.now();
  await untilDivided(others, partitions);
  const tookMs = performance.now() - started;
  seat.gate.open();
  await seat.gate.arrived(seat.line);
  seat.thaw();
  return tookMs;
}
