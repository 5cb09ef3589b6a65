import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { deleteRule } from "../support/api.ts";
import { engineOf, killEngines } from "../support/processes.ts";
import { seeded } from "../support/random.ts";
import { endedInOrder } from "../support/server-process.ts";
import { watchStalls } from "../support/stalls.ts";
import { allFaultRules, faultRules } from "./fault-events.ts";
import type { FaultRule } from "./recompute.ts";
import { faultSeed, Stage } from "./stage.ts";

/** More by `WEIR_KILLS`, with 10,000 acknowledged events for each; hardly more, since all are compared one by one. */
const killsUsual = 20;
const kills = Number(process.env["WEIR_KILLS"] ?? killsUsual);
const [acknowledgedMin, pace] = kills > killsUsual ? [kills * 10_000, { pauseMs: 30 }] : [100_000, {}];
/**
 * Of a quarter of the starts, what the machine held up taken off: the others may meet what a busy one does. On one that is always
 * so busy, twice as long as a start with nothing to read.
 */
const readyMsMax = 5_000;

test("R1: kills of everything under load lose nothing and count nothing twice", async (t) => {
  const seed = faultSeed();
  const random = seeded(seed);
  await Stage.run(seed, pace, async (stage) => {
    const readyMs: number[] = [];
    const soonMs = Math.max(readyMsMax, 2 * (await startedAgain(stage)));
    await stage.putRules(allFaultRules);
    await stage.watch(["smallest", "users", "amounts_p90"]);
    for (let kill = 0; kill < kills || stage.ledger.summary().acknowledged < acknowledgedMin; kill++) {
      stage.senders.start(stage.server.ingestUrl);
      await pause(50 + random.int(1500));
      await stage.server.killGroup();
      await stage.senders.stop();
      readyMs.push(await startedAgain(stage));
    }
    await stage.verify(allFaultRules);
    report(t, stage, `${readyMs.length} kills, ready after ${spread(readyMs)} ms`);
    const isSoon = quantileOf(readyMs, 0.25) <= soonMs && quantileOf(readyMs, 0.5) < 20_000;
    assert.ok(isSoon && Math.max(...readyMs) < 60_000, `ready only after ${spread(readyMs)} ms`);
  });
});

test("R6: the engine child is killed under load: ingest keeps acknowledging, all is counted once", async (t) => {
  const seed = faultSeed();
  const random = seeded(seed);
  await Stage.run(seed, { senders: 3 }, async (stage) => {
    await stage.start();
    await stage.putRules(faultRules);
    stage.senders.start(stage.server.ingestUrl);
    for (let kill = 0; kill < 5; kill++) {
      await pause(300 + random.int(1200));
      await engineOf(stage.server.pid);
      await acknowledgesWithoutEngine(stage);
    }
    await stage.senders.stop();
    assert.equal(stage.ledger.summary().requests.unknown, 0, "a request was left without an answer");
    await stage.verify(faultRules);
    report(t, stage, "5 kills of the engine");
  });
});

test("R28: SIGTERM under load ends within ten seconds with code 0 and loses nothing acknowledged", async (t) => {
  const seed = faultSeed();
  const random = seeded(seed);
  await Stage.run(seed, { senders: 3 }, async (stage) => {
    await stage.start();
    await stage.putRules(faultRules);
    const endMs: number[] = [];
    for (let round = 0; round < 3; round++) {
      stage.senders.start(stage.server.ingestUrl);
      await pause(300 + random.int(1000));
      const before = performance.now();
      // One that a busy machine makes late says so; not twice.
      if (await endedInOrder(stage.server)) endMs.push(performance.now() - before);
      await stage.senders.stop();
      await stage.start();
    }
    await stage.verify(faultRules);
    report(t, stage, `ended after ${endMs.map(Math.round).join(", ")} ms`);
    assert.ok(endMs.filter((ms) => ms < 10_000).length >= 2, `of 3 ended in order ${endMs.length}`);
  });
});

test("R14: rules made and deleted under load and kills cover every event once", async (t) => {
  const seed = faultSeed();
  const random = seeded(seed);
  await Stage.run(seed, { senders: 2 }, async (stage) => {
    await stage.start();
    const made: FaultRule[] = [];
    // Many more changes, and deaths in the middle of fills, are in history.fault.test.ts.
    for (let round = 0; round < 5; round++) {
      stage.senders.start(stage.server.ingestUrl);
      await pause(100 + random.int(300));
      const rule = { ...random.pick(faultRules), rule_id: `made_${round}` };
      await stage.putRules([rule]);
      made.push(rule);
      if (made.length > 3) await deleteRule(stage.server.queryUrl, made.splice(random.int(made.length), 1)[0]!.rule_id);
      await pause(random.int(400));
      if (random.chance(0.7)) await stage.server.killGroup();
      await stage.senders.stop();
      if (await ended(stage)) await stage.start();
    }
    await stage.verify(made);
    report(t, stage, `${made.length} rules left of 5`);
  });
});

/** Kills the engine, and each that is started for it, until something has been acknowledged meanwhile. */
async function acknowledgesWithoutEngine({ server, ledger }: Stage): Promise<void> {
  await killEngines(server.pid);
  const before = ledger.summary().acknowledged;
  for (const end = performance.now() + 120_000; ledger.summary().acknowledged === before; await pause(50)) {
    assert.ok(performance.now() < end, "ingest stopped acknowledging when the engine was killed");
    await killEngines(server.pid);
  }
}

/** How long the start took, without what the machine held everything up meanwhile. */
async function startedAgain(stage: Stage): Promise<number> {
  const stalls = watchStalls();
  const { readyMs } = await stage.start();
  stalls.stop();
  return readyMs - stalls.worstMs();
}

async function ended(stage: Stage): Promise<boolean> {
  return Promise.race([stage.server.exited.then(() => true), pause(0, false)]);
}

function report(t: TestContext, stage: Stage, what: string): void {
  t.diagnostic(`seed ${stage.seed}: ${what}; ${JSON.stringify(stage.ledger.summary())}`);
}

const quantileOf = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!;

/** The least, a quarter, the half and the most. */
function spread(values: readonly number[]): string {
  const places = [0, 0.25, 0.5].map((share) => quantileOf(values, share));
  return [...places, Math.max(...values)].map(Math.round).join("–");
}
