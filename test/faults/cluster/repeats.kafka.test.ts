import { test } from "node:test";
import { putRule, rulesSettled } from "../../support/api.ts";
import { type Random, seeded } from "../../support/random.ts";
import { type Seat, untilDivided } from "../crew.ts";
import { Retold } from "../retold.ts";
import { allCounted, filledRules, retoldRules, windowsAre } from "../retold-windows.ts";
import { faultSeed, Stage } from "../stage.ts";
import { onStand, type Stand } from "./stand.ts";

/** So many different ids, a tenth of which is remembered. */
const ids = Number(process.env["WEIR_IDS"] ?? 45_000);
const remembered = ids / 10;
const sendersEach = 3;
/** More by `WEIR_KILLS`: each kind once, and then at random. */
const kills = Number(process.env["WEIR_KILLS"] ?? 9);
const kinds = ["first", "second", "everything"] as const;
type Death = (typeof kinds)[number];
/** Of all requests, between one death and the next. */
const part = 1 / (kills + 1);

const partitions = 4;

onStand("R12 and R1", (stand) => {
  test("repeats at either of two processes, across the death of each, and of everything", async (t) => {
    const seed = faultSeed();
    t.diagnostic(`seed ${seed} (repeat with WEIR_FAULT_SEED=${seed})`);
    await Stage.run(seed, {}, async (stage) => {
      const args = ["--dedupe-ids-max", String(remembered)];
      await stand().withCrew(
        stage,
        { installation: "repeats", names: ["one", "two"], partitions, args },
        async (seats) => {
          const told = new Retold({ ids, remembered, seed, now: Date.now() });
          const deaths = deathsOf(seeded(seed));
          const { queryUrl } = seats[0]!.server;
          for (const rule of retoldRules) await putRule(queryUrl, rule);
          for (const [life, death] of deaths.entries()) {
            const over = Promise.all(seats.flatMap((seat) => sending(told, seat, (life + 1.5) * part)));
            await Promise.race([over, told.reaches((life + 1) * part)]);
            await die(stand(), seats, death);
            await over;
          }
          await Promise.all(seats.flatMap((seat) => sending(told, seat, 1)));
          const [one, two] = seats.map((seat) => seat.server);
          await allCounted(one!.ingestUrl, told.event(0));
          for (const rule of filledRules) await putRule(one!.queryUrl, rule);
          // Where they were made first: the other may not know of them yet, and says then that nothing is being filled.
          for (const { queryUrl: url } of [one!, two!]) await rulesSettled(url);
          await windowsAre(told, two!.queryUrl);
          t.diagnostic(
            `died: ${deaths.join(", ")}; ${ids} ids, ${told.unanswered} requests not answered and sent again`,
          );
        },
      );
    });
  });
});

const deathsOf = (random: Random): Death[] =>
  Array.from({ length: kills }, (_, index) => kinds[index] ?? random.pick(kinds));

const sending = (told: Retold, seat: Seat, share: number): Promise<void>[] =>
  Array.from({ length: sendersEach }, () => told.send(seat.server.ingestUrl, share));

/** It, or all processes and the store's server with them, in one moment; and they come back. */
async function die(stand: Stand, seats: readonly Seat[], death: Death): Promise<void> {
  const dying = { first: [seats[0]!], second: [seats[1]!], everything: seats }[death];
  const back = death === "everything" ? stand.store.kill() : undefined;
  await Promise.all(dying.map((seat) => seat.server.killGroup()));
  await back;
  await Promise.all(dying.map((seat) => seat.start()));
  await untilDivided(seats, partitions);
}
