import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { unlessMissing } from "../support/needs.ts";
import { seeded } from "../support/random.ts";
import { whyNoStrace } from "../support/strace.ts";
import { faultRules } from "./fault-events.ts";
import { faultSeed, Stage } from "./stage.ts";
import { anyRound, SyncRounds } from "./sync-rounds.ts";
import { Acknowledgements, failureOfLog, logFiles, mustEnd, type SyncFault, troubleSyncs } from "./syncs.ts";

const needs = unlessMissing(whyNoStrace());
/** `WEIR_SYNC_SECONDS` says for how long syncs fail and are slow at random. */
const seconds = Number(process.env["WEIR_SYNC_SECONDS"] ?? 0);
const roundsMin = 3;
/** So many follow each other on one data folder; then a new one is begun. */
const onOneFolder = 10;
const slowMs = 300;
/** By then so much has been written that there is a checkpoint. */
const failsWithinMs = 300_000;
/** Without pause: the log is to come to its checkpoints soon. */
const load = { requestEventsMax: 30, pauseMs: 0 };

test(
  "R4: after the first sync of the log that fails nothing is acknowledged, and the server ends and says why",
  needs,
  async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    const acknowledged = new Acknowledgements();
    await Stage.run(seed, { ...load, acknowledged: acknowledged.heard }, async (stage) => {
      await stage.start();
      await stage.putRules(faultRules);
      const [database = "", wal = "", witness = ""] = logFiles(stage.dataDir);
      const faults = [
        { files: [wal], when: String(1 + random.int(60)) },
        { files: [database], when: "1" },
      ];
      const failed: (string | undefined)[] = [];
      for (const fault of faults) failed.push(await failUnderLoad(stage, acknowledged, { ...fault, error: "EIO" }));
      await failStopping(stage, { files: [witness], when: "1", error: "EIO" });
      await stage.verify(faultRules);
      t.diagnostic(`seed ${seed}: ${JSON.stringify(stage.ledger.summary())}; ${failed.join("; ")}`);
    });
  },
);

/** @returns the sync that failed. A new server has been started then. */
async function failUnderLoad(
  stage: Stage,
  acknowledged: Acknowledgements,
  fault: SyncFault,
): Promise<string | undefined> {
  acknowledged.forget();
  const { server, senders } = stage;
  const tracing = await troubleSyncs(server.pid, fault);
  senders.start(server.ingestUrl);
  await Promise.race([tracing.ended, pause(failsWithinMs, null, { ref: false })]);
  await mustEnd(server);
  await senders.stop();
  const { made } = await tracing.ended;
  acknowledged.check(made);
  await stage.start();
  await senders.sendAgain(stage.server.ingestUrl);
  return failureOfLog(made)?.text;
}

/** The witness is synced when nothing has come for a while, and at the end. */
async function failStopping(stage: Stage, fault: SyncFault): Promise<void> {
  const { server, senders } = stage;
  await troubleSyncs(server.pid, fault);
  senders.start(server.ingestUrl);
  await pause(300);
  await Promise.all([mustEnd(server), server.terminate(), senders.stop()]);
  await stage.start();
}

test(`R4: syncs of ${slowMs} ms make everything slower and nothing else`, needs, async (t) => {
  const seed = faultSeed();
  const acknowledged = new Acknowledgements();
  await Stage.run(seed, { ...load, acknowledged: acknowledged.heard }, async (stage) => {
    const server = await stage.start();
    await stage.putRules(faultRules);
    const tracing = await troubleSyncs(server.pid, { files: logFiles(stage.dataDir), when: "1+", delayMs: slowMs });
    stage.senders.start(server.ingestUrl);
    await Promise.all([pause(3_000), untilEnough(acknowledged)]);
    await stage.senders.stop();
    await stage.verify(faultRules);
    acknowledged.check((await tracing.detach()).made);
    const { requests } = stage.ledger.summary();
    assert.ok(acknowledged.shortestMs > slowMs - 2, `one was acknowledged after ${acknowledged.shortestMs} ms`);
    assert.deepEqual({ ...requests, acknowledged: 0 }, { acknowledged: 0, refused: 0, unknown: 0 });
    t.diagnostic(
      `seed ${seed}: ${acknowledged.count} acknowledged after ${Math.round(acknowledged.shortestMs)} ms and more`,
    );
  });
});

async function untilEnough(acknowledged: Acknowledgements): Promise<void> {
  for (const end = performance.now() + 120_000; acknowledged.count < 8; await pause(20))
    assert.ok(performance.now() < end, `${acknowledged.count} requests were acknowledged`);
}

test("R4: whenever syncs fail or are slow, everything acknowledged is counted once", needs, async (t) => {
  const seed = faultSeed();
  const random = seeded(seed);
  const told: string[] = [];
  const end = performance.now() + seconds * 1_000;
  const isOver = (): boolean => told.length >= roundsMin && performance.now() > end;
  while (!isOver()) {
    const acknowledged = new Acknowledgements();
    const options = { ...load, senders: 2, retryShare: 1, acknowledged: acknowledged.heard };
    const play = async (stage: Stage): Promise<void> => {
      const rounds = new SyncRounds(stage, acknowledged);
      await rounds.begin();
      for (let at = 0; at < onOneFolder && !isOver(); at++)
        told.push(await rounds.one(anyRound(random, stage.dataDir, told.length)));
    };
    await Stage.run(seed + told.length, options, play, { partOf: seed });
  }
  t.diagnostic(`seed ${seed}: ${told.length} rounds; ${told.slice(-50).join("; ")}`);
});
