import assert from "node:assert/strict";
import { test } from "node:test";
import { type Played, play } from "./play.ts";

/** How long a day is, and how many are played; `WEIR_SIM_DAY` plays the one of that seed and prints what happens in it. */
const hours = Number(process.env["WEIR_SIM_HOURS"] ?? 1);
const days = Number(process.env["WEIR_SIM_DAYS"] ?? 1);
const only = process.env["WEIR_SIM_DAY"];
/** Other days in every run; `WEIR_SIM_FROM` says which is the first. */
const from = Number(process.env["WEIR_SIM_FROM"] ?? 10_000 + (Date.now() % 1e9));

if (only === undefined) {
  for (let seed = from; seed < from + days; seed++)
    test(`R13: ${hours} hours in which the clock is set again and again, and all else goes wrong too`, async (t) => {
      const started = performance.now();
      const { events, deaths, clockSettings, judgements } = mustHold(await play(seed, { hours }));
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      t.diagnostic(`${JSON.stringify({ seed, events, deaths, clockSettings, judgements })} in ${seconds} s`);
      assert.ok(clockSettings >= 2 * hours, "the clock was hardly set");
    });
} else {
  test(`${hours} hours of seed ${only}`, async () => {
    const played = await play(Number(only), { hours, keepTrace: true });
    console.log(played.trace.join("\n"));
    mustHold(played);
  });
}

function mustHold(played: Played): Played {
  const { seed, findings } = played;
  if (findings.length === 0) return played;
  const again = "npx node --test test/simulation/day.simulation.test.ts";
  return assert.fail(
    `again with WEIR_SIM_DAY=${seed} WEIR_SIM_HOURS=${hours} ${again}\n${findings.slice(0, 20).join("\n")}`,
  );
}
