import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Random, seeded } from "../support/random.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { changesOf, Editor } from "./editor.ts";
import { faultRules } from "./fault-events.ts";
import type { FaultRule } from "./recompute.ts";
import { rulesThere } from "./rules-there.ts";
import { diedBeforeReady, faultSeed, Stage } from "./stage.ts";

/** More by `WEIR_FAULT_ROUNDS`; each takes some four seconds. The last two are calm. */
const rounds = Number(process.env["WEIR_FAULT_ROUNDS"] ?? 8);
const changesLeast = 50;
const inFills = ["mid-backfill", "before-switch"] as const;
/** What many short lives have left in the log is counted before a fill begins: of a hundred, four million events. */
const calmMs = 300_000 * Math.max(1, rounds / 8);
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
    // Where the machine is busy a round has few changes.
    const isEnough = (): boolean => changesOf(editors) >= changesLeast;
    for (let round = inFills.length; round < rounds || (!isEnough() && round < 6 * rounds); round++) {
      const place = await play(stage, editors, anyPlace(random));
      died[place] = (died[place] ?? 0) + 1;
    }
    for (const place of inFills) await playCalm(stage, place);
    await stage.start();
    const rules = await rulesThere(stage, stage.server);
    assert.deepEqual(
      editors.flatMap((editor) => editor.check(rules)),
      [],
    );
    await stage.verify([...rules.values()]);
    assert.ok(isEnough(), `only ${changesOf(editors)} changes`);
    const done = editors.map((editor) => JSON.stringify(editor.done)).join(" and ");
    t.diagnostic(
      `seed ${seed}: died ${JSON.stringify(died)} and twice in calm; ${rules.size} rules left after ${done}`,
    );
    t.diagnostic(JSON.stringify(stage.ledger.summary()));
  });
});

interface Place {
  readonly name: (typeof inFills)[number] | "nowhere";
  /** The how many-th passing is the last thing that the server does. */
  readonly nth: number;
  readonly withinMs: number;
}

/** Where the server dies as it goes. What was being filled then is mostly changed again soon. */
function anyPlace(random: Random): Place {
  const name = random.pick(["mid-backfill", "mid-backfill", "before-switch", "nowhere"] as const);
  return { name, nth: 1 + random.int(6), withinMs: 300 + random.int(4000) };
}

/** Runs the server under load while rules are edited, until it has died, and says where: at its place, or of a kill. */
async function play(stage: Stage, editors: readonly Editor[], place: Place): Promise<string> {
  const server = await startDoomed(stage, place);
  if (server === undefined) return place.name;
  stage.senders.start(server.ingestUrl);
  for (const editor of editors) editor.start(server.queryUrl);
  const exit = await Promise.race([server.exited, pause(place.withinMs, null, { ref: false })]);
  await server.killGroup();
  await Promise.all([stage.senders.stop(), ...editors.map((editor) => editor.stop())]);
  return exit === null ? "of a kill" : place.name;
}

/**
 * The server dies while it fills a rule that nobody touches afterwards: what this death leaves has to be taken up, and
 * not to be counted again.
 */
async function playCalm(stage: Stage, name: (typeof inFills)[number]): Promise<void> {
  const server = await startDoomed(stage, { name, nth: 1 });
  if (server === undefined) return;
  // It may die of what an earlier death has left before it answers.
  const put = await stage.putRules([{ ...faultRules[1]!, rule_id: `calm-${name}` }]).catch(String);
  const exit = await Promise.race([server.exited, pause(calmMs, null, { ref: false })]);
  if (exit !== null) return;
  const answers = await Promise.all(
    ["status", "aggregation-rules"].map(async (path) => (await fetch(`${server.queryUrl}/${path}`)).text()),
  );
  assert.fail(`nothing died at ${name}; the rule: ${put ?? "made"}\n${answers.join("\n")}`);
}

/** Undefined when it has died before it was ready. */
function startDoomed(stage: Stage, { name, nth }: Pick<Place, "name" | "nth">): Promise<ServerProcess | undefined> {
  const env = name === "nowhere" ? {} : { WEIR_FAILPOINT: `${name}:${nth}` };
  return stage.start({ env }).catch(diedBeforeReady);
}
