import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Random, seeded } from "../support/random.ts";
import { Editor } from "./editor.ts";
import { faultRules } from "./fault-events.ts";
import type { FaultRule } from "./recompute.ts";
import { faultSeed, Stage } from "./stage.ts";

/** More by `WEIR_FAULT_ROUNDS`; each takes some four seconds. */
const rounds = Number(process.env["WEIR_FAULT_ROUNDS"] ?? 8);
const neighbour: FaultRule = { ...faultRules[0]!, rule_id: "neighbour" };

test("R14: live + backfill = recomputation, whatever is done to rules and whenever everything dies", async (t) => {
  const seed = faultSeed();
  const random = seeded(seed);
  await Stage.run(seed, { senders: 3, requestEventsMax: 100 }, async (stage) => {
    const editors = ["a", "b"].map(
      (name) => new Editor(seeded(random.int(2 ** 31)), [`${name}1`, `${name}2`, `${name}3`], faultRules),
    );
    await stage.start();
    await stage.putRules([neighbour]);
    await stage.server.killGroup();
    for (let round = 0; round < rounds; round++) await play(stage, editors, random);
    await stage.start();
    const rules = await resumed(stage);
    assert.deepEqual(
      editors.flatMap((editor) => editor.check(rules)),
      [],
    );
    await stage.verify([...rules.values()]);
    const done = editors.map((editor) => JSON.stringify(editor.done)).join(" and ");
    t.diagnostic(`seed ${seed}: ${rules.size} rules left after ${done}; ${JSON.stringify(stage.ledger.summary())}`);
  });
});

/** Runs the server under load while rules are edited, until it has died: at a place in a fill, of a kill, or killed as it goes. */
async function play(stage: Stage, editors: readonly Editor[], random: Random): Promise<void> {
  const place = random.pick(["mid-backfill", "mid-backfill", "before-switch", "nowhere"]);
  const env = place === "nowhere" ? {} : { WEIR_FAILPOINT: `${place}:${1 + random.int(6)}` };
  const server = await stage.start({ env }).catch(diedBeforeReady);
  if (server === undefined) return;
  stage.senders.start(server.ingestUrl);
  for (const editor of editors) editor.start(server.queryUrl);
  await Promise.race([server.exited, pause(200 + random.int(2500))]);
  await server.killGroup();
  await Promise.all([stage.senders.stop(), ...editors.map((editor) => editor.stop())]);
}

function diedBeforeReady(error: unknown): undefined {
  assert.match(String(error), /ended before it was ready \(code null, signal SIGKILL\)/);
  return undefined;
}

/** All rules of the server, none of them paused any more. */
async function resumed(stage: Stage): Promise<Map<string, FaultRule>> {
  const url = `${stage.server.queryUrl}/aggregation-rules`;
  const { rules } = (await (await fetch(`${url}?as=document`)).json()) as { rules: FaultRule[] };
  await stage.putRules(rules);
  return new Map(rules.map((rule) => [rule.rule_id, rule]));
}
