import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Failpoint, failpoints } from "../../src/lib/failpoint.ts";
import { putRule } from "../support/api.ts";
import { seeded } from "../support/random.ts";
import type { Exit } from "../support/server-process.ts";
import { elsewhere } from "./failpoint-places.ts";
import { allFaultRules, faultRules } from "./fault-events.ts";
import type { WireEvent } from "./ledger.ts";
import type { FaultRule } from "./recompute.ts";
import { diedBeforeReady, faultSeed, Stage } from "./stage.ts";

const reachWithinMs = 300_000;

/** A fill may be over after few pieces. */
const inFills: readonly Failpoint[] = ["mid-backfill", "before-switch"];
const fromTheStart = [...faultRules.slice(0, 3), ...allFaultRules.slice(-1)];
const madeLater: readonly FaultRule[] = [
  { ...faultRules[0]!, rule_id: "later_1" },
  { ...allFaultRules.at(-2)!, rule_id: "later_2" },
];

const load = { senders: 2, requestEventsMax: 100 };
const root = await mkdtemp(join(tmpdir(), "weir-failpoint-"));
const past = join(root, "past");
let known: readonly WireEvent[] = [];

/** What all of them begin with: the folder of a server with four rules and some events that was killed. */
before(async () => {
  await Stage.run(faultSeed() + 7, load, async (stage) => {
    await stage.start();
    await stage.putRules(fromTheStart);
    stage.senders.start(stage.server.ingestUrl);
    await pause(400);
    await stage.senders.stop();
    await stage.server.killGroup();
    await cp(stage.dataDir, past, { recursive: true });
    known = [...stage.ledger.entries()].map(({ event }) => event);
    assert.equal(stage.ledger.summary().acknowledged, known.length);
  });
});

after(() => rm(root, { recursive: true }));

for (const name of failpoints.filter((one) => elsewhere[one] === undefined)) {
  test(`a server that dies at ${name} recovers with every acknowledged event counted once`, async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    await Stage.run(seed, load, async (stage) => {
      await cp(past, stage.dataDir, { recursive: true });
      stage.senders.remember(known);
      // The second start recovers from the first death, and dies again.
      for (const rule of madeLater) await dieAt(stage, name, inFills.includes(name) ? 1 : 1 + random.int(8), rule);
      await stage.start();
      await stage.putRules(madeLater);
      await stage.verify([...fromTheStart, ...madeLater]);
      t.diagnostic(`seed ${seed}: ${JSON.stringify(stage.ledger.summary())}`);
    });
  });
}

/**
 * Runs the server, armed, under load and with a new rule to fill, until it has died of it. The engine child is left to
 * notice that by itself.
 */
async function dieAt(stage: Stage, name: Failpoint, nth: number, rule: FaultRule): Promise<void> {
  const place = `${name}:${nth}`;
  const server = await stage.start({ env: { WEIR_FAILPOINT: place } }).catch(diedBeforeReady);
  // Recovery passes failpoints too.
  if (server === undefined) return;
  stage.senders.start(server.ingestUrl);
  // The server may die before it answers; the rule is asked for again after the last restart.
  void putRule(server.queryUrl, rule).catch(() => undefined);
  const exit = await Promise.race([server.exited, pause(reachWithinMs, null, { ref: false })]);
  await stage.senders.stop();
  assert.deepEqual(
    exit,
    { code: null, signal: "SIGKILL" } satisfies Exit,
    `${place} was not reached\n${server.output()}`,
  );
}
