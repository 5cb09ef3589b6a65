import assert from "node:assert/strict";
import { test } from "node:test";
import { type Played, play } from "./play.ts";
import { playMany } from "./play-many.ts";
import { namedSeeds } from "./seeds.ts";

/** `WEIR_SIM_SEED` plays one world and prints what happens in it; `WEIR_SIM_SEEDS` plays so many. */
const only = process.env["WEIR_SIM_SEED"];
const seeds = Number(process.env["WEIR_SIM_SEEDS"] ?? 500);
/** Of a processor, however busy it is with other things: five hundred worlds within two minutes; on a quiet one they take 17 s. */
const secondsOfWorldMax = 120 / 500;
/** Other worlds in every run; `WEIR_SIM_FROM` says which is the first. */
const from = Number(process.env["WEIR_SIM_FROM"] ?? 10_000 + (Date.now() % 1e9));

if (only === undefined) {
  // At once: what never ends says nothing at its end.
  console.log(`worlds from WEIR_SIM_FROM=${from} on`);
  for (const { seed, found } of namedSeeds) test(`${seed}: ${found}`, async () => mustHold(await play(seed)));

  test("one seed is one world: played again, everything happens again", async () => {
    for (const seed of [from, from + 1, from + 2]) {
      const [first, second] = [await play(seed), await play(seed)];
      assert.equal(first.hash, second.hash, `WEIR_SIM_SEED=${seed}`);
    }
  });

  test("whatever goes wrong, every event is counted once and everybody is told", async (t) => {
    const [started, cpu] = [performance.now(), process.cpuUsage()];
    const { failed, ...sum } = await playMany({ from, count: seeds });
    if (failed !== undefined) mustHold(failed);
    const { user, system } = process.cpuUsage(cpu);
    const [seconds, cpuSeconds] = [(performance.now() - started) / 1000, (user + system) / 1e6];
    const took = `${cpuSeconds.toFixed(1)} s of a processor`;
    t.diagnostic(`${JSON.stringify(sum)} in ${seconds.toFixed(1)} s, ${took}, from WEIR_SIM_FROM=${from}`);
    assert.ok(seeds < 100 || sum.deaths > seeds / 2, "hardly anything has gone wrong");
    assert.ok(seeds < 100 || cpuSeconds < seeds * secondsOfWorldMax, `the worlds took ${took}`);
  });
} else {
  test(`the world of seed ${only}`, async () => {
    const played = await play(Number(only), { keepTrace: true });
    console.log(played.trace.join("\n"));
    mustHold(played);
  });
}

function mustHold({ seed, findings }: Pick<Played, "seed" | "findings">): void {
  if (findings.length === 0) return;
  const again = "npx node --test test/simulation/worlds.simulation.test.ts";
  assert.fail(`again with WEIR_SIM_SEED=${seed} ${again}\n${findings.slice(0, 20).join("\n")}`);
}
