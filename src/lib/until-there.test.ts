import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, systemClock } from "./clock.ts";
import { WeirError } from "./errors.ts";
import { untilThere } from "./until-there.ts";

const pauses: number[] = [];
const clock: Clock = { ...systemClock, sleep: async (ms) => void pauses.push(ms) };
const away = (canRetry: boolean, message = "away"): WeirError =>
  new WeirError("registry_unavailable", message, { canRetry });

test("what is not there yet is tried again after growing pauses, up to ten seconds", async () => {
  const told: string[] = [];
  let tries = 0;
  const open = async (): Promise<string> => {
    tries += 1;
    if (tries < 8) throw away(true, tries < 4 ? "away" : "busy");
    return "there";
  };
  assert.equal(await untilThere(clock, open, ({ message }) => told.push(message)), "there");
  assert.deepEqual(told, ["away", "busy"], "each reason once");
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

test("who is asked to stop does not wait to the end", async () => {
  const stop = new AbortController();
  const open = (): Promise<never> => Promise.reject(away(true));
  await assert.rejects(
    untilThere(systemClock, open, () => stop.abort(), stop.signal),
    { code: "stopping", message: /stopped while waiting: away/ },
  );
});
