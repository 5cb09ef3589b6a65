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
const inFills = ["mid-backfill", "before-switch"] as const;
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
    const died: Record<string, number> = {};
    for (let round = 0; round < rounds; round++) {
      const place = await play(stage, editors, placeOf(round, random));
      died[place] = (died[place] ?? 0) + 1;
    }
    // Otherwise this would prove little: the last two rounds leave time enough to come to their places.
    for (const place of inFills) assert.ok((died[place] ?? 0) > 0, `nothing died at ${place}: ${JSON.stringify(died)}`);
    await stage.start();
    const rules = await resumed(stage);
    assert.deepEqual(
      editors.flatMap((editor) => editor.check(rules)),
      [],
    );
    await stage.verify([...rules.values()]);
    const done = editors.map((editor) => JSON.stringify(editor.done)).join(" and ");
    t.diagnostic(`seed ${seed}: died ${JSON.stringify(died)}; ${rules.size} rules left after ${done}`);
    t.diagnostic(JSON.stringify(stage.ledger.summary()));
  });
});

interface Place {
  readonly name: (typeof inFills)[number] | "nowhere";
  /** The how many-th passing is the last thing that the server does. */
  readonly nth: number;
  readonly withinMs: number;
}

/**
 * Where the server dies in a round: in the last two for sure at each place in a fill, else as it goes. What was being
 * filled when it died is mostly changed again soon; what the last death leaves is not, and has to be taken up.
 */
function placeOf(round: number, random: Random): Place {
  const sure = inFills[rounds - 1 - round];
  if (sure !== undefined) return { name: sure, nth: 1 + random.int(2), withinMs: 15_000 };
  const name = random.pick(["mid-backfill", "mid-backfill", "before-switch", "nowhere"] as const);
  return { name, nth: 1 + random.int(6), withinMs: 200 + random.int(2500) };
}

/** Runs the server under load while rules are edited, until it has died, and says where: at its place, or of a kill. */
async function play(stage: Stage, editors: readonly Editor[], place: Place): Promise<string> {
  const env = place.name === "nowhere" ? {} : { WEIR_FAILPOINT: `${place.name}:${place.nth}` };
  const server = await stage.start({ env }).catch(diedBeforeReady);
  if (server === undefined) return place.name;
  stage.senders.start(server.ingestUrl);
  for (const editor of editors) editor.start(server.queryUrl);
  const exit = await Promise.race([server.exited, pause(place.withinMs, null, { ref: false })]);
  await server.killGroup();
  await Promise.all([stage.senders.stop(), ...editors.map((editor) => editor.stop())]);
  return exit === null ? "of a kill" : place.name;
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
