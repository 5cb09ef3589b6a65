import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, systemClock } from "./clock.ts";
import { WeirError } from "./errors.ts";
import { untilThere } from "./until-there.ts";

const pauses: number[] = [];
const clock: Clock = { ...systemClock, sleep: async (ms) => void pauses.push(ms) };
const away = (canRetry: boolean): WeirError => new WeirError("registry_unavailable", "away", { canRetry });

test("what is not there yet is tried again after growing pauses, up to ten seconds", async () => {
  let [tries, told] = [0, 0];
  const open = async (): Promise<string> => {
    tries += 1;
    if (tries < 8) throw away(true);
    return "there";
  };
  assert.equal(await untilThere(clock, open, () => (told += 1)), "there");
  assert.equal(told, 7);
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test("what waiting can't help is not waited for", async () => {
  await assert.rejects(
    untilThere(
      clock,
      () => Promise.reject(away(false)),
      () => {},
    ),
    { code: "registry_unavailable" },
  );
});
