import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Random, seeded } from "../../support/random.ts";
import { type Seat, untilDivided } from "../crew.ts";
import { changesOf, Editor } from "../editor.ts";
import { faultRules } from "../fault-events.ts";
import { rulesThere } from "../rules-there.ts";
import { diedBeforeReady, faultSeed, Stage } from "../stage.ts";
import { answersOf } from "./alike.ts";
import { onStand } from "./stand.ts";

/** More by `WEIR_FAULT_ROUNDS`; in each one process of three dies, or all of them. */
const rounds = Number(process.env["WEIR_FAULT_ROUNDS"] ?? 3);
const changesLeast = 50;
const roundMs = 3_000;
const places = ["mid-backfill", "before-switch", "before-commit", "rules-changed", "nowhere"] as const;

/** Of the topic: not so many that each process has as many as the others. */
const partitions = 4;

onStand("rules (R14)", (stand) => {
  test("live + backfill = recomputation, wherever rules are changed and whichever process dies", async (t) => {
    const seed = faultSeed();
    const random = seeded(seed);
    t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
    await Stage.run(seed, { senders: 2, requestEventsMax: 100, pauseMs: 50 }, async (stage) => {
      const crew = { installation: "rules", names: ["one", "two", "three"], partitions };
      await stand().withCrew(stage, crew, async (seats) => {
        const editors = ["a", "b", "c", "d"].map(
          (name) => new Editor(seeded(random.int(2 ** 31)), [`${name}1`, `${name}2`], faultRules),
        );
        const died: string[] = [];
        // Where the machine is busy a round has few changes.
        while (died.length < rounds || (changesOf(editors) < changesLeast && died.length < 6 * rounds))
          died.push(await play(stage, seats, editors, random));
        const rules = await rulesThere(stage, seats[0]!.server);
        assert.deepEqual(
          editors.flatMap((editor) => editor.check(rules)),
          [],
        );
        for (const seat of seats) await stage.verify([...rules.values()], seat.server);
        const changes = changesOf(editors);
        assert.ok(changes >= changesLeast, `only ${changes} changes`);
        t.diagnostic(`${changes} changes; died ${died.join(", ")}; ${JSON.stringify(stage.ledger.summary())}`);
      });
    });
  });

  test("a rule of any kind answers what an embedded process answers of the same events, row for row", async (t) => {
    const [seed, now] = [faultSeed(), Date.now()];
    t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
    await Stage.run(seed, {}, async (stage) => {
      const embedded = await answersOf([await stage.start()], seed, now);
      await stage.server.terminate();
      const crew = { installation: "alike", names: ["one", "two"], partitions: 3 };
      await stand().withCrew(stage, crew, async (seats) => {
        const servers = seats.map((seat) => seat.server);
        for (const answers of await answersOf(servers, seed, now))
          for (const [reading, rows] of answers) assert.deepEqual(rows, embedded[0]!.get(reading), reading);
      });
    });
  });
});

/** Rules are edited at all processes while one of them, or all, die. Answers where. */
async function play(stage: Stage, seats: readonly Seat[], editors: readonly Editor[], random: Random): Promise<string> {
  const doomed = random.pick(seats);
  const place = random.pick(places);
  await doomed.leave();
  const env = place === "nowhere" ? {} : { WEIR_FAILPOINT: `${place}:${1 + random.int(4)}` };
  await doomed.start(env).catch(diedBeforeReady);
  stage.senders.start(random.pick(seats.filter((seat) => seat !== doomed)).server.ingestUrl);
  for (const [index, editor] of editors.entries()) editor.start(seats[index % seats.length]!.server.queryUrl);
  // Of one that died before it was ready this is its life before, which has ended.
  const exit = await Promise.race([doomed.server.exited, pause(roundMs, null)]);
  const all = random.chance(0.3);
  await Promise.all((all ? seats : [doomed]).map((seat) => seat.server.killGroup()));
  if (!all) await pause(random.int(roundMs));
  await Promise.all([stage.senders.stop(), ...editors.map((editor) => editor.stop())]);
  await Promise.all((all ? seats : [doomed]).map((seat) => seat.start()));
  await untilDivided(seats, partitions);
  return `${exit === null ? "of a kill" : place}${all ? ", all" : ""}`;
}
